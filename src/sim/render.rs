//! Cameras: pictures of the scene, drawn off screen.
//!
//! No display and no GPU are needed, only EGL, which Mesa brings as software. A context of its own is opened for each
//! size, because a context draws at the size it was made with; it stays with the thread that made it. Where EGL is missing that is
//! said with the line that installs it, and worlds without cameras run all the same.

use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;

use mujoco_rs::prelude::{MjvCamera, RendererError};
use mujoco_rs::renderer::MjRenderer;

use super::Error;
use super::physics::Physics;

/// The largest picture: what the scenes' off-screen buffer holds.
pub const MOST: [u32; 2] = [1920, 1080];

/// The size of a picture, where one of that size can be drawn.
pub fn drawable(size: [u32; 2]) -> Result<[u32; 2], Error> {
    let [width, height] = size;
    let draws = (1..=MOST[0]).contains(&width) && (1..=MOST[1]).contains(&height);
    if draws { Ok(size) } else { Err(Error::Size { width, height }) }
}

/// A picture: rows of red, green and blue from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Three bytes a pixel.
    pub rgb: Vec<u8>,
}

/// What draws a scene's pictures.
#[derive(Default)]
pub struct Eyes {
    by_size: BTreeMap<[u32; 2], MjRenderer>,
}

impl fmt::Debug for Eyes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Eyes").field("sizes", &self.by_size.keys()).finish()
    }
}

impl Eyes {
    /// What the camera sees now.
    pub fn look(&mut self, physics: &mut Physics, camera: &str, size: [u32; 2]) -> Result<Picture, Error> {
        let camera = physics.camera(camera)?;
        let eye = match self.by_size.entry(size) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let [width, height] = drawable(size)?;
                let model = physics.data().model();
                new.insert(MjRenderer::new(model, width as usize, height as usize, 0).map_err(blind)?)
            }
        };
        eye.set_camera(MjvCamera::new_fixed(camera));
        eye.sync_data(physics.data()).map_err(blind)?;
        eye.render().map_err(blind)?;
        let rgb = eye.rgb_flat().unwrap_or_default().to_vec();
        Ok(Picture { size, rgb })
    }
}

fn blind(cause: RendererError) -> Error {
    let mut why = cause.to_string();
    let mut below = std::error::Error::source(&cause);
    while let Some(cause) = below {
        why = format!("{why}: {cause}");
        below = cause.source();
    }
    Error::Blind { why }
}
