//! A perceptron that takes noise out of a whole chunk at once: for short chunks, few joints, and a processor.
//!
//! It knows nothing of steps that follow one another, which a U-Net or a transformer need not learn. Where a chunk is a hundred
//! numbers that hardly matters, and a step of training costs a tenth: in the minutes that one has it sees ten times as much.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::denoiser::Frame;
use super::fits::{self, checked, fits};
use super::layers::Linear;
use super::trunk::{self, Trunk};
use super::waves::waves;
use super::{Encoding, Site};

/// How large it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Config {
    /// Numbers between the layers; even.
    pub width: u32,
    /// Layers of two linear maps each.
    pub layers: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { width: 256, layers: 3 }
    }
}

checked!(Config);

impl Config {
    fn check(&self) -> Result<(), fits::Error> {
        fits("width", &self.width, "even and at least 4", self.width >= 4 && self.width.is_multiple_of(2))
    }
}

/// What is the same for every chunk after the same observation: `[times, B, width]`.
#[derive(Debug)]
pub struct Condition(Tensor);

/// The network.
#[derive(Debug)]
pub struct Perceptron {
    width: i64,
    outputs: i64,
    time: Linear,
    seen: Linear,
    entry: Linear,
    trunk: Trunk,
    /// Noise goes around the layers: to name it they would have to carry every number of it.
    around: Linear,
}

impl Perceptron {
    /// As `config` says, with weights made at `site`.
    pub fn new(config: &Config, frame: &Frame, site: &Site<'_>) -> Self {
        let Frame { chunk, inputs, outputs, width: seen, .. } = *frame;
        let size = trunk::Size { width: config.width.into(), layers: config.layers };
        Self {
            width: size.width,
            outputs,
            time: Linear::new(&site.at("time"), size.width, size.width),
            seen: Linear::new(&site.at("seen"), seen, size.width),
            entry: Linear::new(&site.at("entry"), chunk * inputs, size.width),
            trunk: Trunk::new(&site.at("trunk"), size, chunk * outputs),
            around: Linear::new(&site.at("around"), chunk * inputs, chunk * outputs),
        }
    }

    /// Prepares for denoising at `times: [times, B]`.
    pub fn condition(&self, seen: &Encoding, times: &Tensor) -> Condition {
        let time = self.time.forward(&waves(&times.flatten(0, 1), self.width));
        Condition(time.unflatten(0, times.size()) + self.seen.forward(&seen.pooled))
    }

    /// `x: [B, chunk, inputs]` at the time of that number to `[B, chunk, outputs]`.
    pub fn forward(&self, x: &Tensor, condition: &Condition, number: i64) -> Tensor {
        let chunk = x.flatten(1, 2);
        let out = self.trunk.forward(&(self.entry.forward(&chunk) + condition.0.get(number)));
        (out + self.around.forward(&chunk)).unflatten(1, [-1, self.outputs])
    }
}
