//! A data set's pictures on the device, where they fit: a batch of them is then a gather there and costs the bus nothing.
//!
//! Only pictures stay: numbers are a thousandth of them, are shifted and relabelled on the host window by window, and travel.

use tch::{Device, Kind, Tensor};

use super::Batch;
use crate::data::{Dataset, Error, Gathered};

/// So many bytes are carried over at a time.
const PORTION: usize = 64 << 20;

/// The pictures of a data set on a device.
#[derive(Debug)]
pub struct Resident {
    device: Device,
    /// For each camera `[pictures, height, width, channels]`, bytes.
    cameras: Vec<Tensor>,
}

impl Resident {
    /// Carries all pictures over, if they are no more than `most` bytes.
    pub fn load(dataset: &Dataset, device: Device, most: usize) -> Result<Option<Self>, Error> {
        let counts = dataset.pictures();
        let cameras = &dataset.layout.cameras;
        let bytes: usize = counts.iter().zip(cameras).map(|(count, camera)| count * camera.bytes()).sum();
        if bytes > most {
            return Ok(None);
        }
        let carry = |(number, (count, camera)): (usize, (&usize, &crate::data::Camera))| {
            let shape = [camera.size[1], camera.size[0], camera.channels].map(i64::from);
            let whole = Tensor::empty([&[*count as i64], &shape[..]].concat(), (Kind::Uint8, device));
            let at_once = (PORTION / camera.bytes()).max(1);
            let mut portion = vec![0; at_once.min(*count) * camera.bytes()];
            for begin in (0..*count).step_by(at_once) {
                let length = at_once.min(count - begin);
                let part = &mut portion[..length * camera.bytes()];
                for (place, space) in (begin..).zip(part.chunks_exact_mut(camera.bytes())) {
                    dataset.picture(number, place, space)?;
                }
                let part = Tensor::from_slice(part).reshape([&[length as i64], &shape[..]].concat());
                whole.narrow(0, begin as i64, length as i64).copy_(&part);
            }
            Ok(whole)
        };
        let cameras = counts.iter().zip(cameras).enumerate().map(carry).collect::<Result<_, Error>>()?;
        Ok(Some(Self { device, cameras }))
    }

    /// The batch of what was gathered without its pictures.
    pub fn batch(&self, gathered: &Gathered) -> Batch {
        let (count, history) = (gathered.count as i64, gathered.shape.history as i64);
        let pictures = |(camera, places): (&Tensor, &Vec<i64>)| {
            let chosen = camera.index_select(0, &Tensor::from_slice(places).to_device(self.device));
            let size = camera.size();
            chosen.reshape([&[count, history], &size[1..]].concat())
        };
        let frames = self.cameras.iter().zip(&gathered.places).map(pictures).collect();
        Batch { frames, ..Batch::of_numbers(gathered, self.device) }
    }
}
