//! How the observations of a window become one encoding: `policy.memory`.
//!
//! What a robot sees now does not always say what to do: whether the cup was filled is a thing of the past. Observations can be laid
//! side by side, which is best for two or three; a recurrent network or a causal transformer carries further.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::Encoding;
use super::attention::{Block, Order, Sight, Size};
use super::layers::{LayerNorm, Linear, Mlp};
use super::weights::Site;

/// The setting `policy.memory`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Config {
    /// All observations side by side.
    #[default]
    Stack,
    /// The newest observations and, of those before them, some: side by side.
    Sparse(Sparse),
    /// A long short-term memory (Hochreiter and Schmidhuber 1997) over the observations in order.
    Lstm(Lstm),
    /// A transformer in which an observation attends to itself and to earlier ones.
    Transformer(Transformer),
}

/// The setting `policy.memory.sparse`: what lies far back is seen coarsely, which costs less than all of it and leaves less to be
/// learned by heart.
///
/// ```text
///   history: 75, recent: 2, every: 10      offsets seen: 0 1 10 20 30 40 50 60 70
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sparse {
    /// How many of the newest are seen, one after the other.
    pub recent: u16,
    /// Of those before them, which: those a multiple of so many before the newest.
    pub every: u16,
    /// The streams that are seen of those; all of them where none is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<String>,
}

/// The setting `policy.memory.lstm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lstm {
    /// Layers; two as in Mandlekar et al. 2021 ("What Matters in Learning from Offline Human Demonstrations", BC-RNN).
    pub layers: u8,
}

/// The setting `policy.memory.transformer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Transformer {
    /// Layers; six and eight heads as in robomimic's BC-Transformer.
    pub layers: u8,
    /// Heads of attention; they share the width of the encoding.
    pub heads: u8,
}

impl Default for Sparse {
    fn default() -> Self {
        Self { recent: 2, every: 10, streams: Vec::new() }
    }
}

impl Config {
    /// Which of so many observations, the oldest first, are seen at all; nothing where all of them are.
    pub(super) fn seen(&self, history: i64) -> Option<Vec<i64>> {
        let Self::Sparse(Sparse { recent, every, .. }) = self else { return None };
        let (recent, every) = (i64::from(*recent), i64::from(*every).max(1));
        let seen = |back: &i64| *back < recent || back % every == 0;
        Some((0..history).rev().filter(seen).map(|back| history - 1 - back).collect())
    }
}

impl Default for Lstm {
    fn default() -> Self {
        Self { layers: 2 }
    }
}

impl Default for Transformer {
    fn default() -> Self {
        Self { layers: 6, heads: 8 }
    }
}

/// How much there is to remember.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Observations.
    pub(super) history: i64,
    /// Tokens of each.
    pub(super) tokens: i64,
    /// Tokens that belong to none of them: a goal.
    pub(super) beside: i64,
    /// Numbers a token.
    pub(super) width: i64,
}

/// The network.
#[derive(Debug)]
pub(super) enum History {
    Stack { places: Tensor, pool: Mlp },
    Lstm { joint: Linear, layers: Vec<Tensor>, width: i64 },
    Transformer { joint: Linear, places: Tensor, blocks: Vec<Block>, norm: LayerNorm },
}

impl History {
    pub(super) fn new(config: &Config, extent: Extent, site: &Site<'_>) -> Self {
        let Extent { history, tokens, beside, width } = extent;
        let places = |count: i64| site.normal("places", &[count, width], 0.02);
        let joint = || Linear::new(&site.at("joint"), (tokens + beside) * width, width);
        match config {
            Config::Stack | Config::Sparse(_) => {
                let count = history * tokens + beside;
                let pool = Mlp::new(&site.at("pool"), &[count * width, width, width]);
                Self::Stack { places: places(count), pool }
            }
            Config::Lstm(Lstm { layers }) => {
                let layers = (0..*layers).flat_map(|number| lstm_layer(&site.at("layers").at(number), width));
                Self::Lstm { joint: joint(), layers: layers.collect(), width }
            }
            Config::Transformer(Transformer { layers, heads }) => {
                let size = Size { width, heads: i64::from(*heads), inner: 4 * width };
                let block = |number| Block::alone(&site.at("blocks").at(number), size, Order::Before);
                let blocks = (0..*layers).map(block).collect();
                let norm = LayerNorm::new(&site.at("norm"), width);
                Self::Transformer { joint: joint(), places: places(history), blocks, norm }
            }
        }
    }

    /// How many tokens come out of it.
    pub(super) fn tokens(&self, extent: Extent) -> i64 {
        match self {
            Self::Stack { .. } => extent.history * extent.tokens + extent.beside,
            Self::Lstm { .. } | Self::Transformer { .. } => extent.history,
        }
    }

    /// `of_steps: [B, history, tokens, width]` and `beside: [B, beside, width]`.
    pub(super) fn forward(&self, of_steps: &Tensor, beside: Option<&Tensor>) -> Encoding {
        match self {
            Self::Stack { places, pool } => {
                let all = of_steps.flatten(1, 2);
                let all =
                    beside.map_or_else(|| all.shallow_clone(), |beside| Tensor::cat(&[&all, beside], 1));
                Encoding { tokens: &all + places, pooled: pool.forward(&all.flatten(1, 2)) }
            }
            Self::Lstm { joint, layers, width } => {
                let steps = joint.forward(&joined(of_steps, beside));
                recalled(lstm(&steps, layers, *width))
            }
            Self::Transformer { joint, places, blocks, norm } => {
                let steps = joint.forward(&joined(of_steps, beside)) + places;
                let steps = blocks.iter().fold(steps, |x, block| block.forward(&x, Sight::Before, None));
                recalled(norm.forward(&steps))
            }
        }
    }
}

/// Everything that is known at a step as one row: `[B, history, (tokens + beside) · width]`.
fn joined(of_steps: &Tensor, beside: Option<&Tensor>) -> Tensor {
    let steps = of_steps.flatten(2, 3);
    let Some(beside) = beside else { return steps };
    let (batch, history) = (steps.size()[0], steps.size()[1]);
    let beside = beside.flatten(1, 2).unsqueeze(1).expand([batch, history, -1], false);
    Tensor::cat(&[steps, beside], -1)
}

/// What came out at each step; the last one knows of all.
fn recalled(tokens: Tensor) -> Encoding {
    let pooled = tokens.select(1, -1);
    Encoding { tokens, pooled }
}

/// Weights of the four gates from what comes in and from what was, evenly within 1/√width as in PyTorch.
fn lstm_layer(site: &Site<'_>, width: i64) -> [Tensor; 4] {
    let bound = 1.0 / (width as f64).sqrt();
    let square = |name: &str| site.even(name, &[4 * width, width], bound);
    let row = |name: &str| site.even(name, &[4 * width], bound);
    [square("weight_in"), square("weight_back"), row("bias_in"), row("bias_back")]
}

fn lstm(steps: &Tensor, layers: &[Tensor], width: i64) -> Tensor {
    let depth = layers.len() as i64 / 4;
    let nothing = Tensor::zeros([depth, steps.size()[0], width], (steps.kind(), steps.device()));
    let layers: Vec<&Tensor> = layers.iter().collect();
    steps.lstm(&[&nothing, &nothing], &layers, true, depth, 0.0, true, false, true).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_far_back_is_seen_coarsely() {
        let seen = |recent, every, history| {
            Config::Sparse(Sparse { recent, every, streams: Vec::new() }).seen(history)
        };
        assert_eq!(seen(2, 10, 33), Some(vec![2, 12, 22, 31, 32]));
        assert_eq!(seen(0, 1, 3), Some(vec![0, 1, 2]));
        assert_eq!(seen(5, 10, 3), Some(vec![0, 1, 2]), "no more than there are");
        assert_eq!(Config::Stack.seen(33), None);
    }
}
