//! Networks that take noise out of a chunk: a U-Net, a transformer or a perceptron, with one way to ask them.
//!
//! `diffusion` and `flow` differ in what they ask of the network and in how they walk from noise to a chunk; the network is the
//! same. What does not change while they walk is computed once, before the first step, for all of them.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::attention::{self, Block, Memory, Order, Sight, Size};
use super::fits::{self, checked, some};
use super::layers::{LayerNorm, Linear};
use super::perceptron::{self, Perceptron};
use super::unet::{self, Unet};
use super::waves::waves;
use super::{Encoding, Site};

/// What stands around a network: how much goes in and out.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Steps of a chunk.
    pub chunk: i64,
    /// Numbers a step that go in.
    pub inputs: i64,
    /// Numbers a step that come out.
    pub outputs: i64,
    /// Numbers of an encoding's tokens, and of what is pooled.
    pub width: i64,
    /// Tokens of an encoding.
    pub tokens: i64,
}

/// Which network denoises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Config {
    /// Convolutions over the chunk; what was seen comes in pooled.
    Unet(unet::Config),
    /// Attention over the chunk and to the tokens of what was seen.
    Transformer(Attending),
    /// One perceptron over everything.
    Perceptron(perceptron::Config),
}

impl Default for Config {
    fn default() -> Self {
        Self::Unet(unet::Config::default())
    }
}

/// How large the transformer is. The paper's has a width of 256 or 768 and eight or more layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Attending {
    /// Numbers a step; even, and a multiple of the heads.
    pub width: u32,
    /// Blocks.
    pub layers: u32,
    /// Heads of each.
    pub heads: u32,
    /// Numbers between the two linear maps of a block, in widths.
    pub inner: u32,
}

impl Default for Attending {
    fn default() -> Self {
        Self { width: 128, layers: 4, heads: 4, inner: 4 }
    }
}

checked!(Attending);

impl Attending {
    fn check(&self) -> Result<(), fits::Error> {
        let Self { width, layers, heads, inner } = *self;
        some("layers", layers)?;
        some("inner", inner)?;
        attention::check(width, heads)
    }
}

/// A network that denoises.
#[derive(Debug)]
pub enum Denoiser {
    /// The U-Net.
    Unet(Box<Unet>),
    /// The transformer.
    Transformer(Transformer),
    /// The perceptron.
    Perceptron(Perceptron),
}

/// What is the same for every chunk that is denoised after the same observation.
#[derive(Debug)]
pub enum Condition {
    /// The U-Net's.
    Unet(unet::Condition),
    /// The transformer's: for every layer, time and what was seen at each of `times` times `batch` rows.
    Transformer {
        /// Rows of one time.
        batch: i64,
        /// Layer by layer.
        layers: Vec<Memory>,
    },
    /// The perceptron's.
    Perceptron(perceptron::Condition),
}

impl Denoiser {
    /// As `config` says.
    pub fn new(config: &Config, frame: &Frame, site: &Site<'_>) -> Self {
        match config {
            Config::Unet(config) => Self::Unet(Box::new(Unet::new(config, frame, &site.at("unet")))),
            Config::Transformer(config) => {
                Self::Transformer(Transformer::new(config, frame, &site.at("transformer")))
            }
            Config::Perceptron(config) => {
                Self::Perceptron(Perceptron::new(config, frame, &site.at("perceptron")))
            }
        }
    }

    /// Prepares for denoising at `times: [times, B]`, each a number of the order of 0 to 1000.
    pub fn condition(&self, seen: &Encoding, times: &Tensor) -> Condition {
        match self {
            Self::Unet(unet) => Condition::Unet(unet.condition(seen, times)),
            Self::Transformer(transformer) => transformer.condition(seen, times),
            Self::Perceptron(perceptron) => Condition::Perceptron(perceptron.condition(seen, times)),
        }
    }

    /// `x: [B, chunk, inputs]` at the time of that number to `[B, chunk, outputs]`.
    pub fn forward(&self, x: &Tensor, condition: &Condition, number: i64) -> Tensor {
        match (self, condition) {
            (Self::Unet(unet), Condition::Unet(condition)) => unet.forward(x, condition, number),
            (Self::Transformer(transformer), Condition::Transformer { batch, layers }) => {
                transformer.forward(x, layers, number * batch, *batch)
            }
            (Self::Perceptron(perceptron), Condition::Perceptron(condition)) => {
                perceptron.forward(x, condition, number)
            }
            _ => unreachable!("a condition is used by the network that made it"),
        }
    }
}

/// The transformer of Diffusion Policy (Chi et al. 2023, section III-A): each step attends to itself and earlier ones, and to a
/// token for the time and those of the observation.
#[derive(Debug)]
pub struct Transformer {
    width: i64,
    time: Linear,
    seen: Linear,
    seen_places: Tensor,
    entry: Linear,
    places: Tensor,
    blocks: Vec<Block>,
    norm: LayerNorm,
    out: Linear,
}

impl Transformer {
    fn new(config: &Attending, frame: &Frame, site: &Site<'_>) -> Self {
        let width = i64::from(config.width);
        let size = Size { width, heads: config.heads.into(), inner: width * i64::from(config.inner) };
        let block = |layer| Block::with_memory(&site.at("block").at(layer), size, Order::Before);
        Self {
            width,
            time: Linear::new(&site.at("time"), width, width),
            seen: Linear::new(&site.at("seen"), frame.width, width),
            seen_places: site.normal("seen_places", &[frame.tokens, width], 0.02),
            entry: Linear::new(&site.at("entry"), frame.inputs, width),
            places: site.normal("places", &[frame.chunk, width], 0.02),
            blocks: (0..config.layers).map(block).collect(),
            norm: LayerNorm::new(&site.at("norm"), width),
            out: Linear::new(&site.at("out"), width, frame.outputs),
        }
    }

    fn condition(&self, seen: &Encoding, times: &Tensor) -> Condition {
        let (count, batch) = (times.size()[0], times.size()[1]);
        let time = self.time.forward(&waves(&times.flatten(0, 1), self.width)).unsqueeze(1);
        let seen = self.seen.forward(&seen.tokens) + &self.seen_places;
        let seen = seen.unsqueeze(0).expand([count, -1, -1, -1], false).flatten(0, 1);
        let sequence = Tensor::cat(&[time, seen], 1);
        let layers = self.blocks.iter().filter_map(|block| block.remember(&sequence)).collect();
        Condition::Transformer { batch, layers }
    }

    fn forward(&self, x: &Tensor, layers: &[Memory], start: i64, batch: i64) -> Tensor {
        let mut x = self.entry.forward(x) + &self.places;
        for (block, memory) in self.blocks.iter().zip(layers) {
            x = block.forward(&x, Sight::Before, Some(&memory.rows(start, batch)));
        }
        self.out.forward(&self.norm.forward(&x))
    }
}
