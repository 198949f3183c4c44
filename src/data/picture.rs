//! Pictures as cameras send them, raw or as JPEG and PNG, made into frames of the size that a policy sees.
//!
//! Each pixel of a frame is the mean of the area it covers, in whole numbers: the same bytes on the machine that trains and the one
//! that drives, whatever their processors. Depth is not averaged: between a near edge and a far wall there is nothing. The
//! whole picture is seen, its sides stretched to the frame's where their ratio differs.

use super::Frame;
use crate::msg::sensor::{CompressedImage, Image};

/// Bytes in front of the PNG that image_transport's compressed depth is.
const DEPTH_HEADER: usize = 12;

/// Why a picture cannot be seen.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unseen {
    /// An encoding that cannot be read, or does not go with the stream.
    #[error("the encoding {encoding:?} {why}")]
    Encoding {
        /// What it calls itself.
        encoding: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Fewer bytes than its size says, or no size at all.
    #[error("{width}×{height} in rows of {step} bytes cannot be in {bytes} bytes")]
    Short {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes a row.
        step: u32,
        /// Bytes there are.
        bytes: usize,
    },
    /// A file that does not decode.
    #[error("{why}")]
    File {
        /// What the decoder said.
        why: String,
    },
}

/// Pixels in rows, wherever they lie.
struct Grid<'a> {
    size: [usize; 2],
    /// Bytes a row and a pixel.
    strides: [usize; 2],
    data: &'a [u8],
}

impl<'a> Grid<'a> {
    fn of(image: &'a Image, pixel: usize) -> Result<Self, Unseen> {
        let (width, height, step) = (image.width as usize, image.height as usize, image.step as usize);
        let needed =
            step.checked_mul(height.saturating_sub(1)).and_then(|rows| rows.checked_add(width * pixel));
        if width == 0
            || height == 0
            || step < width * pixel
            || needed.is_none_or(|needed| needed > image.data.len())
        {
            let Image { width, height, step, .. } = *image;
            return Err(Unseen::Short { width, height, step, bytes: image.data.len() });
        }
        Ok(Self { size: [width, height], strides: [step, pixel], data: &image.data })
    }

    fn tight(width: u32, height: u32, pixel: usize, data: &'a [u8]) -> Self {
        let size = [width as usize, height as usize];
        Self { size, strides: [size[0] * pixel, pixel], data }
    }

    fn sent(&self) -> [u32; 2] {
        self.size.map(|length| length as u32)
    }
}

/// The frame of a raw picture. `depth` is the range of a stream of depth.
pub(super) fn raw(image: &Image, size: [u32; 2], depth: Option<[f64; 2]>) -> Result<Frame, Unseen> {
    let wrong = |why| Err(Unseen::Encoding { encoding: image.encoding.clone(), why });
    let big = image.is_bigendian != 0;
    match (image.encoding.as_str(), depth) {
        ("16UC1" | "mono16", Some(range)) => {
            Ok(deep(&Grid::of(image, 2)?, size, range, |bytes| millimetres(bytes, big)))
        }
        ("32FC1", Some(range)) => Ok(deep(&Grid::of(image, 4)?, size, range, |bytes| metres(bytes, big))),
        (_, Some(_)) => wrong("is none of depth: 16UC1, mono16, 32FC1"),
        ("rgb8", None) => Ok(mean(&Grid::of(image, 3)?, size, [0, 1, 2])),
        ("bgr8" | "8UC3", None) => Ok(mean(&Grid::of(image, 3)?, size, [2, 1, 0])),
        ("rgba8", None) => Ok(mean(&Grid::of(image, 4)?, size, [0, 1, 2])),
        ("bgra8" | "8UC4", None) => Ok(mean(&Grid::of(image, 4)?, size, [2, 1, 0])),
        ("mono8" | "8UC1", None) => Ok(mean(&Grid::of(image, 1)?, size, [0, 0, 0])),
        ("16UC1" | "mono16" | "32FC1", None) => {
            wrong("is depth, and the stream has no `depth_m: [near, far]`")
        }
        _ => wrong("is none that is known: rgb8, bgr8, rgba8, bgra8, mono8, 16UC1, mono16, 32FC1"),
    }
}

/// The frame of a compressed picture.
pub(super) fn file(
    image: &CompressedImage,
    size: [u32; 2],
    depth: Option<[f64; 2]>,
) -> Result<Frame, Unseen> {
    let begins = if image.format.contains("compressedDepth") { DEPTH_HEADER } else { 0 };
    let data = image.data.get(begins..).unwrap_or_default();
    let read = image::load_from_memory(data).map_err(|error| Unseen::File { why: error.to_string() })?;
    match depth {
        None => {
            let rgb = read.into_rgb8();
            Ok(mean(&Grid::tight(rgb.width(), rgb.height(), 3, rgb.as_raw()), size, [0, 1, 2]))
        }
        Some(range) => match read {
            image::DynamicImage::ImageLuma16(grey) => {
                let bytes: Vec<u8> = grey.as_raw().iter().flat_map(|value| value.to_le_bytes()).collect();
                let grid = Grid::tight(grey.width(), grey.height(), 2, &bytes);
                Ok(deep(&grid, size, range, |bytes| millimetres(bytes, false)))
            }
            _ => Err(Unseen::Encoding { encoding: image.format.clone(), why: "is no depth of 16 bits" }),
        },
    }
}

/// Which part of a row of sources one target covers, in units of a target's share of a source.
#[derive(Clone, Copy)]
struct Span {
    first: usize,
    last: usize,
    /// How much of the first and of the last, where that is another; those between count whole.
    ends: [u32; 2],
}

/// What each of `targets` covers of `sources`: source `i` reaches from `i·targets` to `(i + 1)·targets`.
fn spans(sources: usize, targets: usize) -> Vec<Span> {
    let span = |target: usize| {
        let (begin, end) = (target * sources, (target + 1) * sources);
        let (first, last) = (begin / targets, (end - 1) / targets);
        let head = ((first + 1) * targets).min(end) - begin;
        let tail = if last > first { end - last * targets } else { 0 };
        Span { first, last, ends: [head as u32, tail as u32] }
    };
    (0..targets).map(span).collect()
}

/// Three colours, each the mean of the area it covers; `order` says where red, green and blue stand in a pixel.
fn mean(grid: &Grid<'_>, size: [u32; 2], order: [usize; 3]) -> Frame {
    let [width, height] = [size[0] as usize, size[1] as usize];
    let [row, pixel] = grid.strides;
    let pixels = if grid.size == [width, height] {
        let mut pixels = Vec::with_capacity(width * height * 3);
        for line in grid.data.chunks(row).take(height) {
            for bytes in line.chunks_exact(pixel).take(width) {
                pixels.extend(order.map(|place| bytes[place]));
            }
        }
        pixels
    } else {
        // What is known of a pixel when this is compiled makes it three times as fast.
        match pixel {
            1 => resized::<1, 1>(grid, width, height, order),
            3 => resized::<3, 3>(grid, width, height, order),
            _ => resized::<4, 3>(grid, width, height, order),
        }
    };
    Frame { size, channels: 3, sent: grid.sent(), pixels }
}

/// The colours of a frame of another size, from pixels of so many bytes of which the first `COLOURS` count.
fn resized<const PIXEL: usize, const COLOURS: usize>(
    grid: &Grid<'_>,
    width: usize,
    height: usize,
    order: [usize; 3],
) -> Vec<u8> {
    let (across, down) = (spans(grid.size[0], width), spans(grid.size[1], height));
    let area = grid.size[0] as u64 * grid.size[1] as u64;
    let mut pixels = Vec::with_capacity(width * height * 3);
    let mut narrow = vec![[0_u32; COLOURS]; width];
    let mut sums = vec![[0_u64; COLOURS]; width];
    let mut narrowed = None;
    for Span { first, last, ends } in down {
        sums.fill([0; COLOURS]);
        for line in first..=last {
            // The last row of one target is often the first of the next.
            if narrowed != Some(line) {
                narrow_row::<PIXEL, COLOURS>(&grid.data[line * grid.strides[0]..], &across, &mut narrow);
                narrowed = Some(line);
            }
            let weight = match line {
                _ if line == first => ends[0],
                _ if line == last => ends[1],
                _ => height as u32,
            };
            for (sum, value) in sums.as_flattened_mut().iter_mut().zip(narrow.as_flattened()) {
                *sum += u64::from(*value) * u64::from(weight);
            }
        }
        for sum in &sums {
            pixels.extend(order.map(|place| ((sum[place] + area / 2) / area) as u8));
        }
    }
    pixels
}

/// One row made as narrow as the frame, its values multiplied by the width of the source.
fn narrow_row<const PIXEL: usize, const COLOURS: usize>(
    line: &[u8],
    across: &[Span],
    narrow: &mut [[u32; COLOURS]],
) {
    let whole = across.len() as u32;
    for (target, Span { first, last, ends }) in narrow.iter_mut().zip(across) {
        let covered = &line[first * PIXEL..(last + 1) * PIXEL];
        let mut sum = [0_u32; COLOURS];
        for bytes in covered.chunks_exact(PIXEL) {
            for (sum, byte) in sum.iter_mut().zip(bytes) {
                *sum += u32::from(*byte);
            }
        }
        // All counted whole; the ends count less.
        let (head, tail) = (&covered[..COLOURS], &covered[(last - first) * PIXEL..][..COLOURS]);
        let less = [whole - ends[0], if last > first { whole - ends[1] } else { 0 }];
        for colour in 0..COLOURS {
            let ends = u32::from(head[colour]) * less[0] + u32::from(tail[colour]) * less[1];
            target[colour] = sum[colour] * whole - ends;
        }
    }
}

/// Depth in 255 steps of `range`, each the pixel in the middle of what it covers; 0 where nothing was measured.
fn deep(grid: &Grid<'_>, size: [u32; 2], [near, far]: [f64; 2], metres: impl Fn(&[u8]) -> f64) -> Frame {
    let [width, height] = [size[0] as usize, size[1] as usize];
    let middle = |target: usize, sources: usize, targets: usize| (2 * target + 1) * sources / (2 * targets);
    let mut pixels = Vec::with_capacity(width * height);
    for target in 0..height {
        let line = &grid.data[middle(target, grid.size[1], height) * grid.strides[0]..];
        for target in 0..width {
            let distance = metres(&line[middle(target, grid.size[0], width) * grid.strides[1]..]);
            let share = (distance.clamp(near, far) - near) / (far - near);
            pixels.push(if distance > 0.0 { 1 + (254.0 * share).round() as u8 } else { 0 });
        }
    }
    Frame { size, channels: 1, sent: grid.sent(), pixels }
}

/// A depth in millimetres, of which 0 is none (REP 118).
fn millimetres(bytes: &[u8], big: bool) -> f64 {
    let value = [bytes[0], bytes[1]];
    f64::from(if big { u16::from_be_bytes(value) } else { u16::from_le_bytes(value) }) / 1e3
}

/// A depth in metres, of which one that is no number is none (REP 118).
fn metres(bytes: &[u8], big: bool) -> f64 {
    let value = [bytes[0], bytes[1], bytes[2], bytes[3]];
    f64::from(if big { f32::from_be_bytes(value) } else { f32::from_le_bytes(value) })
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};

    use super::*;

    fn image(encoding: &str, width: u32, height: u32, step: u32, data: Vec<u8>) -> Image {
        Image { encoding: encoding.into(), width, height, step, data: data.into(), ..Image::default() }
    }

    #[test]
    fn every_order_of_colours_becomes_the_same_frame() -> Result<(), Unseen> {
        let rgb = [10, 20, 30, 40, 50, 60];
        for (encoding, data) in [
            ("rgb8", vec![10, 20, 30, 40, 50, 60, 99, 99]),
            ("bgr8", vec![30, 20, 10, 60, 50, 40, 99, 99]),
            ("rgba8", vec![10, 20, 30, 7, 40, 50, 60, 7]),
            ("bgra8", vec![30, 20, 10, 7, 60, 50, 40, 7]),
        ] {
            assert_eq!(raw(&image(encoding, 2, 1, 8, data), [2, 1], None)?.pixels, rgb, "{encoding}");
        }
        assert_eq!(raw(&image("mono8", 1, 1, 1, vec![5]), [1, 1], None)?.pixels, [5, 5, 5]);
        Ok(())
    }

    #[test]
    fn a_pixel_is_the_mean_of_what_it_covers() -> Result<(), Unseen> {
        // Three columns on two: each covers one and a half.
        let shrunk = raw(&image("mono8", 3, 2, 4, vec![0, 30, 60, 9, 90, 120, 150, 9]), [2, 1], None)?;
        assert_eq!(shrunk.pixels, [55, 55, 55, 95, 95, 95]);
        let grown = raw(&image("mono8", 2, 1, 2, vec![0, 90]), [3, 1], None)?;
        assert_eq!(grown.pixels, [0, 0, 0, 45, 45, 45, 90, 90, 90]);
        let mut noise = crate::noise::Noise::new(1);
        let data: Vec<u8> = (0..64 * 48 * 3).map(|_| noise.below(256) as u8).collect();
        let all = data.iter().map(|byte| f64::from(*byte)).sum::<f64>() / data.len() as f64;
        let frame = raw(&image("rgb8", 64, 48, 192, data), [7, 5], None)?;
        let seen = frame.pixels.iter().map(|byte| f64::from(*byte)).sum::<f64>() / frame.pixels.len() as f64;
        assert!((all - seen).abs() < 0.5, "light is kept: {all} {seen}");
        Ok(())
    }

    #[test]
    fn depth_is_told_in_steps_of_its_range_and_never_averaged() -> Result<(), Unseen> {
        let millimetres: Vec<u8> =
            [0_u16, 500, 1000, 1500, 2000, 9000].iter().flat_map(|mm| mm.to_le_bytes()).collect();
        let range = Some([1.0, 2.0]);
        let frame = raw(&image("16UC1", 6, 1, 12, millimetres), [6, 1], range)?;
        assert_eq!((frame.pixels, frame.channels), (vec![0, 1, 1, 128, 255, 255], 1));
        let metres: Vec<u8> = [f32::NAN, 1.0, 2.0, 2.0].iter().flat_map(|m| m.to_le_bytes()).collect();
        assert_eq!(raw(&image("32FC1", 4, 1, 16, metres), [2, 1], range)?.pixels, [1, 255]);
        let mut png = Vec::new();
        let grey: Vec<u8> = [1500_u16, 0].iter().flat_map(|mm| mm.to_ne_bytes()).collect();
        PngEncoder::new(&mut png).write_image(&grey, 2, 1, ExtendedColorType::L16).expect("it is encoded");
        let data: Vec<u8> = [0; DEPTH_HEADER].into_iter().chain(png).collect();
        let sent = CompressedImage {
            format: "16UC1; compressedDepth png".into(),
            data: data.into(),
            ..Default::default()
        };
        assert_eq!(file(&sent, [2, 1], range)?.pixels, [128, 0]);
        assert!(matches!(file(&sent, [2, 1], None), Ok(Frame { channels: 3, .. })), "grey is a colour too");
        Ok(())
    }

    #[test]
    fn what_cannot_be_a_picture_is_refused() {
        for (encoding, width, step, depth) in [
            ("rgb8", 3, 9, None),
            ("rgb8", 0, 9, None),
            ("rgb8", 2, 5, None),
            ("yuv422", 2, 8, None),
            ("16UC1", 2, 4, None),
            ("rgb8", 2, 6, Some([0.0, 1.0])),
            ("mono8", u32::MAX, u32::MAX, None),
        ] {
            let image = image(encoding, width, 1, step, vec![0; 8]);
            assert!(raw(&image, [2, 1], depth).is_err(), "{encoding} {width} {step}");
        }
        let torn =
            CompressedImage { format: "jpeg".into(), data: vec![0xff, 0xd8, 1].into(), ..Default::default() };
        assert!(file(&torn, [2, 1], None).is_err());
    }
}
