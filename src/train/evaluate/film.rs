//! A few attempts as animated pictures, for eyes that a share of successes does not tell what went wrong.
//!
//! GIF, because it moves wherever a picture can be shown.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, ImageError, RgbaImage};

use super::Error;
use crate::sim::Simulation;

/// Width and height.
const SIZE: [u32; 2] = [320, 240];
/// Pictures a second, about: what is seen must still be light to send.
const RATE_HZ: f64 = 12.5;

/// An attempt that is filmed.
pub(super) struct Film {
    path: PathBuf,
    frames: Vec<Frame>,
    one_of: u64,
    delay: Delay,
}

impl std::fmt::Debug for Film {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Film").field(&self.path).finish()
    }
}

impl Film {
    /// A film for the file `path` of a world whose ticks take `tick`.
    pub(super) fn begin(path: PathBuf, tick: Duration) -> Self {
        let one_of = (1.0 / RATE_HZ / tick.as_secs_f64()).round().max(1.0) as u64;
        let delay = Delay::from_saturating_duration(tick * u32::try_from(one_of).unwrap_or(u32::MAX));
        Self { path, frames: Vec::new(), one_of, delay }
    }

    /// Takes a picture, if it is time for one.
    pub(super) fn look(&mut self, world: &mut Simulation) -> Result<(), Error> {
        if world.ticks().is_multiple_of(self.one_of) {
            let picture = world.picture("slide", SIZE)?;
            let opaque = picture.rgb.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], u8::MAX]);
            let image = RgbaImage::from_raw(SIZE[0], SIZE[1], opaque.collect());
            let image = image.expect("a picture has all its pixels");
            self.frames.push(Frame::from_parts(image, 0, 0, self.delay));
        }
        Ok(())
    }

    /// Writes the file.
    pub(super) fn end(self) -> Result<(), Error> {
        let Self { path, frames, .. } = self;
        let moving = |bytes: &mut Vec<u8>| -> Result<(), ImageError> {
            // Ten is the quickest of its ways to choose colours that still looks right.
            let mut encoder = GifEncoder::new_with_speed(bytes, 10);
            encoder.set_repeat(Repeat::Infinite)?;
            encoder.encode_frames(frames)
        };
        let mut bytes = Vec::new();
        match moving(&mut bytes) {
            Ok(()) => fs::write(&path, bytes).map_err(|source| Error::File { path, source }),
            Err(source) => Err(Error::Film { path, source: Box::new(source) }),
        }
    }
}
