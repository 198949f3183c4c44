//! A few attempts as animated pictures, for eyes that a share of successes does not tell what went wrong.
//!
//! GIF, because it moves wherever a picture can be shown. The camera stands still and most of what it sees does too: a picture tells
//! only what is new since the one before, which makes a film a fraction of what its pictures would be.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, ImageError, RgbaImage};

use super::evaluate::Error;
use crate::sim::Simulation;

/// Width and height.
pub const SIZE: [u32; 2] = [320, 240];
/// Pictures a second, about: what is seen must still be light to send.
const RATE_HZ: f64 = 12.5;
/// How long the last picture is shown before the film begins anew.
const LAST: Duration = Duration::from_millis(1200);
/// How wide a border is, where there is one.
const BORDER: u32 = 6;

/// The name of the file of an attempt's film.
pub fn film_of(world: &str, seed: u64) -> String {
    format!("{world}_{seed}.gif")
}

/// A colour: red, green and blue.
pub(super) type Colour = [u8; 3];

/// An attempt that is filmed.
pub(super) struct Film {
    path: PathBuf,
    /// What is to be seen while the film stands at its end.
    seen: Vec<u8>,
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
        Self { path, seen: Vec::new(), frames: Vec::new(), one_of, delay }
    }

    /// Takes a picture, if it is time for one; with a border of that colour, where there is to be one.
    pub(super) fn look(&mut self, world: &mut Simulation, border: Option<Colour>) -> Result<(), Error> {
        if world.ticks().is_multiple_of(self.one_of) {
            let mut rgb = world.picture("slide", SIZE)?.rgb;
            if let Some(colour) = border {
                frame(&mut rgb, colour);
            }
            let image = RgbaImage::from_raw(SIZE[0], SIZE[1], news(&self.seen, &rgb));
            let image = image.expect("a picture has all its pixels");
            self.frames.push(Frame::from_parts(image, 0, 0, self.delay));
            self.seen = rgb;
        }
        Ok(())
    }

    /// Writes the file.
    pub(super) fn end(self) -> Result<(), Error> {
        let Self { path, mut frames, .. } = self;
        if let Some(last) = frames.pop() {
            let stays = Delay::from_saturating_duration(LAST);
            frames.push(Frame::from_parts(last.into_buffer(), 0, 0, stays));
        }
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

/// Draws a border around a picture of [`SIZE`].
fn frame(rgb: &mut [u8], colour: Colour) {
    let [width, height] = SIZE;
    for (number, pixel) in (0..).zip(rgb.chunks_exact_mut(3)) {
        let (x, y) = (number % width, number / width);
        if x.min(width - 1 - x).min(y).min(height - 1 - y) < BORDER {
            pixel.copy_from_slice(&colour);
        }
    }
}

/// The pixels of `now` that `before` did not show, opaque, and nothing where it did; all of them where there was no picture before.
fn news(before: &[u8], now: &[u8]) -> Vec<u8> {
    let mut before = before.chunks_exact(3);
    let pixel = |rgb: &[u8]| match before.next() {
        Some(shown) if shown == rgb => [0; 4],
        _ => [rgb[0], rgb[1], rgb[2], u8::MAX],
    };
    now.chunks_exact(3).flat_map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_tells_only_what_is_new() {
        let (first, second) = ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 7]);
        assert_eq!(news(&[], &first), [1, 2, 3, 255, 4, 5, 6, 255]);
        assert_eq!(news(&first, &second), [0, 0, 0, 0, 4, 5, 7, 255]);
    }

    #[test]
    fn a_border_goes_all_around_and_leaves_the_middle() {
        let [width, height] = SIZE.map(|length| length as usize);
        let mut rgb = vec![0; 3 * width * height];
        frame(&mut rgb, [9, 9, 9]);
        let at = |x: usize, y: usize| rgb[3 * (y * width + x)];
        assert_eq!([at(0, 0), at(width - 1, height - 1), at(5, 100), at(100, 5)], [9; 4]);
        assert_eq!([at(6, 100), at(100, 6), at(width / 2, height / 2)], [0; 3]);
    }
}
