//! JPEG of a picture.
//!
//! In a file of its own, because it is the one place where the simulator names the library that does it.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageError};

use crate::sim::Picture;

/// As most cameras compress: hardly seen, a tenth of the size.
const QUALITY: u8 = 90;

/// The picture as a JPEG file.
pub(super) fn of(picture: &Picture) -> Result<Vec<u8>, ImageError> {
    let (mut file, [width, height]) = (Vec::new(), picture.size);
    JpegEncoder::new_with_quality(&mut file, QUALITY).encode(
        &picture.rgb,
        width,
        height,
        ExtendedColorType::Rgb8,
    )?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_looks_the_same_after_it_was_compressed() -> Result<(), ImageError> {
        let rgb: Vec<u8> =
            (0..32 * 24).flat_map(|at| [(at % 32 * 8) as u8, (at / 32 * 10) as u8, 90]).collect();
        let file = of(&Picture { size: [32, 24], rgb: rgb.clone() })?;
        let read = image::load_from_memory(&file)?.to_rgb8();
        assert_eq!(read.dimensions(), (32, 24));
        let off: u32 =
            read.as_raw().iter().zip(&rgb).map(|(one, other)| u32::from(one.abs_diff(*other))).sum();
        assert!(off < 4 * rgb.len() as u32, "on average each byte is off by {}", off / rgb.len() as u32);
        Ok(())
    }
}
