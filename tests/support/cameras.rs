//! Cameras of a robot's file, raw or as JPEG, each at its rate.
//!
//! Pictures are small and the same few come again and again, so that a test's time goes to what it tests.

use std::time::Duration;

use apprentice::bus::Bus;
use apprentice::bus::typed::Publisher;
use apprentice::data::observe::Stream;
use apprentice::msg::Message as _;
use apprentice::msg::sensor::{CompressedImage, Image};
use apprentice::node::diagnostics::header;
use apprentice::time::Stamp;
use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use crate::controllers::PUBLISHED;

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;
/// How many pictures there are.
const PICTURES: u64 = 3;

/// The sending end of a camera.
enum Lens {
    Raw(Publisher<Image>),
    Jpeg(Publisher<CompressedImage>),
}

/// A camera.
pub(crate) struct Camera {
    lens: Lens,
    pictures: Vec<Bytes>,
    period: f64,
    /// How long before it is sent a picture was taken.
    exposure: Duration,
    begun: Option<Stamp>,
    sent: u64,
}

impl Camera {
    /// The camera of that stream.
    pub(crate) fn new(bus: &dyn Bus, stream: &Stream, exposure: Duration) -> anyhow::Result<Self> {
        let (topic, rate_hz) = (stream.topic.as_str(), stream.rate_hz.unwrap_or(30.0));
        let (raw, of) = (stream.type_name.as_str() == Image::TYPE, stream.type_name.as_str());
        anyhow::ensure!(raw || of == CompressedImage::TYPE, "{of} comes from no camera");
        let lens = match raw {
            true => Lens::Raw(Publisher::open(bus, topic, PUBLISHED)?),
            false => Lens::Jpeg(Publisher::open(bus, topic, PUBLISHED)?),
        };
        let pictures = (0..PICTURES).map(|number| picture(number, raw)).collect::<anyhow::Result<_>>()?;
        Ok(Self { lens, pictures, period: 1.0 / rate_hz, exposure, begun: None, sent: 0 })
    }

    /// Sends a picture if one is due.
    pub(crate) fn turn(&mut self, now: Stamp) -> anyhow::Result<()> {
        let begun = *self.begun.get_or_insert(now);
        if now.since(begun).as_secs_f64() < self.sent as f64 * self.period - 1e-9 {
            return Ok(());
        }
        let taken = header(Stamp(now.0 - i64::try_from(self.exposure.as_nanos())?));
        let data = self.pictures[(self.sent % PICTURES) as usize].clone();
        self.sent += 1;
        match &mut self.lens {
            Lens::Raw(publisher) => publisher.send(&Image {
                header: taken,
                height: HEIGHT,
                width: WIDTH,
                encoding: "rgb8".to_owned(),
                step: 3 * WIDTH,
                data,
                ..Image::default()
            })?,
            Lens::Jpeg(publisher) => {
                publisher.send(&CompressedImage {
                    header: taken,
                    format: "rgb8; jpeg compressed bgr8".to_owned(),
                    data,
                })?;
            }
        }
        Ok(())
    }
}

/// A picture whose brightness rises from left to right.
fn picture(number: u64, raw: bool) -> anyhow::Result<Bytes> {
    let pixels: Vec<u8> =
        (0..WIDTH * HEIGHT).flat_map(|at| [(at % WIDTH * 4) as u8, number as u8 * 80, 128]).collect();
    if raw {
        return Ok(pixels.into());
    }
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, 85).write_image(
        &pixels,
        WIDTH,
        HEIGHT,
        ExtendedColorType::Rgb8,
    )?;
    Ok(file.into())
}
