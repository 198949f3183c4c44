//! Batches: windows as tensors, on the device that computes with them. Torch's door into this room.
//!
//! Pictures travel as bytes and are cut, lit and made numbers where they arrive: a quarter of the traffic, and a data set that fits
//! stays on the device altogether ([`Resident`]). What is drawn for a sample is drawn here on the host, so that the same seed
//! means the same batch on any device.

mod resident;

use tch::{Device, Kind, Tensor};

use super::Gathered;
use super::augment::{Augment, Draw};
use crate::noise::Noise;

pub use resident::Resident;

/// Windows as tensors: B of them, H observations of history, K actions of the chunk.
#[derive(Debug)]
pub struct Batch {
    /// `[B, H, state]`
    pub state: Tensor,
    /// `[B, H, action]`: the action carried out before each observation.
    pub past: Tensor,
    /// For each camera `[B, H, height, width, channels]`, bytes.
    pub frames: Vec<Tensor>,
    /// `[B, goal]`
    pub goal: Tensor,
    /// `[B, K, action]`
    pub actions: Tensor,
    /// `[B, K]`: 1 where the action is real.
    pub real: Tensor,
    /// `[B]`: how much a window counts.
    pub weight: Tensor,
}

impl Batch {
    /// Copies what was gathered to a device.
    pub fn of(gathered: &Gathered, device: Device) -> Self {
        let count = gathered.count as i64;
        let history = gathered.shape.history as i64;
        let picture = |(row, size): (&Vec<u8>, &[usize; 3])| {
            let [width, height, channels] = size.map(|length| length as i64);
            Tensor::from_slice(row).reshape([count, history, height, width, channels]).to_device(device)
        };
        // Where only places were gathered there are no bytes, and the pictures are put in by whoever has them.
        let fetched = gathered.frames.iter().zip(&gathered.sizes).filter(|(row, _)| !row.is_empty());
        Self { frames: fetched.map(picture).collect(), ..Self::of_numbers(gathered, device) }
    }

    fn of_numbers(gathered: &Gathered, device: Device) -> Self {
        let (count, history) = (gathered.count as i64, gathered.shape.history as i64);
        let chunk = gathered.shape.chunk as i64;
        let tensor = |row: &[f32], shape: &[i64]| {
            let width = row.len() as i64 / shape.iter().product::<i64>().max(1);
            Tensor::from_slice(row).reshape([shape, &[width]].concat()).to_device(device)
        };
        Self {
            state: tensor(&gathered.state, &[count, history]),
            past: tensor(&gathered.past, &[count, history]),
            frames: Vec::new(),
            goal: tensor(&gathered.goal, &[count]),
            actions: tensor(&gathered.actions, &[count, chunk]),
            real: Tensor::from_slice(&gathered.real).reshape([count, chunk]).to_device(device),
            weight: Tensor::from_slice(&gathered.weight).to_device(device),
        }
    }

    /// How many windows.
    pub fn count(&self) -> i64 {
        self.state.size()[0]
    }

    /// The pictures of a camera as `[B·H, channels, height, width]` between 0 and 1: cut and lit by chance where there is some, else
    /// from the middle and as they are. One draw for each window: its whole history is cut and lit alike.
    pub fn pictures(&self, camera: usize, augment: &Augment, noise: Option<&mut Noise>) -> Tensor {
        let frames = &self.frames[camera];
        let size = frames.size();
        let (full, count) = ([size[3] as usize, size[2] as usize], size[0]);
        let lit = noise.is_some() && !augment.keeps_light();
        let draws: Vec<Draw> = match noise {
            Some(noise) => (0..count).map(|_| augment.draw(full, noise)).collect(),
            None => vec![augment.centre(full)],
        };
        let cut = cut(frames, &draws, augment.seen(full));
        let size = cut.size();
        let numbers = cut.permute([0, 1, 4, 2, 3]).to_kind(Kind::Float) / 255.0;
        let numbers = if lit { relit(numbers, &draws) } else { numbers };
        numbers.reshape([size[0] * size[1], size[4], size[2], size[3]])
    }
}

/// What is seen of each window's pictures: `[B, H, height, width, channels]`. One draw stands for all.
fn cut(frames: &Tensor, draws: &[Draw], [width, height]: [usize; 2]) -> Tensor {
    let of = |frames: &Tensor, Draw { corner: [left, upper], .. }: &Draw| {
        let rows = frames.narrow(-3, *upper as i64, height as i64);
        rows.narrow(-2, *left as i64, width as i64)
    };
    match draws {
        [all] => of(frames, all),
        _ => {
            let cuts: Vec<Tensor> =
                (0..).zip(draws).map(|(window, draw)| of(&frames.get(window), draw)).collect();
            Tensor::stack(&cuts, 0)
        }
    }
}

/// `[B, H, channels, height, width]` in another light. Depth has none and is left alone.
fn relit(numbers: Tensor, draws: &[Draw]) -> Tensor {
    if numbers.size()[2] != 3 {
        return numbers;
    }
    let row = |of: fn(&Draw) -> f32| {
        let row: Vec<f32> = draws.iter().map(of).collect();
        Tensor::from_slice(&row).reshape([-1, 1, 1, 1, 1]).to_device(numbers.device())
    };
    let around = |numbers: &Tensor, centre: &Tensor, factor: &Tensor| centre + (numbers - centre) * factor;
    let grey = numbers.mean_dim([2_i64].as_slice(), true, Kind::Float);
    let coloured = around(&numbers, &grey, &row(|draw| draw.saturation));
    let mean = coloured.mean_dim([2_i64, 3, 4].as_slice(), true, Kind::Float);
    let contrasted = around(&coloured, &mean, &row(|draw| draw.contrast));
    (contrasted + row(|draw| draw.brightness)).clamp(0.0, 1.0)
}
