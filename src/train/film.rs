//! A few attempts as animated pictures, for eyes that a share of successes does not tell what went wrong.
//!
//! GIF, because it moves wherever a picture can be shown. The camera stands still and most of what it sees does too: a picture tells
//! only what is new since the one before, which makes a film a fraction of what its pictures would be.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use gif::{DisposalMethod, Encoder, EncodingError, Frame, Repeat};

use super::evaluate::Error;
use crate::sim::Simulation;

/// Width and height.
pub const SIZE: [u32; 2] = [320, 240];
/// Pictures a second, about: what is seen must still be light to send.
const RATE_HZ: f64 = 12.5;
/// How long the last picture is shown before the film begins anew, in hundredths of a second.
const LAST: u16 = 120;
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
    frames: Vec<Frame<'static>>,
    one_of: u64,
    /// How long a picture is shown, in hundredths of a second.
    delay: u16,
}

impl std::fmt::Debug for Film {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Film").field(&self.path).finish()
    }
}

impl Film {
    /// A film for the file `path` of a world whose ticks take `tick`.
    pub(super) fn begin(path: PathBuf, tick: Duration) -> Self {
        let one_of = (1.0 / RATE_HZ / tick.as_secs_f64()).round().max(1.0);
        let delay = (100.0 * one_of * tick.as_secs_f64()).round() as u16;
        Self { path, seen: Vec::new(), frames: Vec::new(), one_of: one_of as u64, delay }
    }

    /// Takes a picture, if it is time for one; with a border of that colour, where there is to be one.
    pub(super) fn look(&mut self, world: &mut Simulation, border: Option<Colour>) -> Result<(), Error> {
        if world.ticks().is_multiple_of(self.one_of) {
            let mut rgb = world.picture("slide", SIZE)?.rgb;
            if let Some(colour) = border {
                frame(&mut rgb, colour);
            }
            let Part { left, top, width, height, mut rgba } =
                news(&self.seen, &rgb, SIZE.map(|length| length as usize));
            // Ten is the quickest of its ways to choose colours that still looks right.
            let picture = Frame::from_rgba_speed(width, height, &mut rgba, 10);
            self.frames.push(Frame {
                left,
                top,
                delay: self.delay,
                dispose: DisposalMethod::Keep,
                ..picture
            });
            self.seen = rgb;
        }
        Ok(())
    }

    /// Writes the file.
    pub(super) fn end(self) -> Result<(), Error> {
        let Self { path, mut frames, .. } = self;
        if let Some(last) = frames.last_mut() {
            last.delay = LAST;
        }
        let moving = || -> Result<Vec<u8>, EncodingError> {
            let [width, height] = SIZE.map(|length| length as u16);
            let mut encoder = Encoder::new(Vec::new(), width, height, &[])?;
            encoder.set_repeat(Repeat::Infinite)?;
            frames.iter().try_for_each(|frame| encoder.write_frame(frame))?;
            encoder.into_inner()
        };
        match moving() {
            Ok(bytes) => fs::write(&path, bytes).map_err(|source| Error::File { path, source }),
            Err(source) => Err(Error::Film { path, source }),
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

/// A part of a picture: where it is, how large, and red, green, blue and opacity of its pixels.
#[derive(Debug, PartialEq)]
struct Part {
    left: u16,
    top: u16,
    width: u16,
    height: u16,
    rgba: Vec<u8>,
}

/// The part of `now`, of that size, in which is all that `before` did not show, and nothing where it did; all of it where there was no
/// picture before.
fn news(before: &[u8], now: &[u8], [width, height]: [usize; 2]) -> Part {
    let new = |x: usize, y: usize| {
        let pixel = 3 * (y * width + x)..3 * (y * width + x) + 3;
        before.get(pixel.clone()) != now.get(pixel)
    };
    let rows: Vec<usize> = (0..height).filter(|y| (0..width).any(|x| new(x, *y))).collect();
    let columns: Vec<usize> = (0..width).filter(|x| rows.iter().any(|y| new(*x, *y))).collect();
    // Where nothing moved there is a picture all the same, of one pixel: time passes.
    let ends = |found: &[usize]| [found.first(), found.last()].map(|end| end.copied().unwrap_or(0));
    let ([left, right], [top, bottom]) = (ends(&columns), ends(&rows));
    let mut rgba = Vec::with_capacity(4 * (right + 1 - left) * (bottom + 1 - top));
    for y in top..=bottom {
        for x in left..=right {
            let at = 3 * (y * width + x);
            rgba.extend(if new(x, y) { [now[at], now[at + 1], now[at + 2], u8::MAX] } else { [0; 4] });
        }
    }
    let [left, top, width, height] = [left, top, right + 1 - left, bottom + 1 - top]
        .map(|length| u16::try_from(length).unwrap_or(u16::MAX));
    Part { left, top, width, height, rgba }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_tells_only_what_is_new() {
        let first = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4];
        let all = news(&[], &first, [2, 2]);
        assert_eq!((all.left, all.top, all.width, all.height), (0, 0, 2, 2));
        assert_eq!(all.rgba, [1, 1, 1, 255, 2, 2, 2, 255, 3, 3, 3, 255, 4, 4, 4, 255]);
        let second = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 9];
        assert_eq!(
            news(&first, &second, [2, 2]),
            Part { left: 1, top: 1, width: 1, height: 1, rgba: vec![4, 4, 9, 255] }
        );
        assert_eq!(news(&first, &first, [2, 2]).rgba, [0; 4]);
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
