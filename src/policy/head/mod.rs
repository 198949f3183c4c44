//! How a policy says what to do: a head turns what was seen into a chunk of actions.
//!
//! Behaviour cloning maximizes the likelihood of what a person did. A head is a family of distributions to do that with: one that
//! has a single peak averages several good ways to act, the others can keep them apart.

use std::fmt;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::nn::{Encoding, Site};
use crate::noise::Noise;

pub mod act;
pub mod diffusion;
pub mod energy;
mod entry;
pub mod flow;
mod given;
mod guide;
mod heeding;
mod knots;
pub mod mog;
pub mod mse;
pub mod tokens;

/// What a head is to learn: actions normalized to about [−1, 1], of which some are padding.
#[derive(Debug)]
pub struct Target<'a> {
    /// `[B, chunk, action]`.
    pub actions: &'a Tensor,
    /// `[B, chunk]`: 1 where the action is real, 0 where it pads the end of an episode.
    pub real: &'a Tensor,
    /// `[B]`, whole numbers: how many of the first actions are already promised and therefore given; `None` where none is.
    pub promised: Option<&'a Tensor>,
}

/// How far off a head was.
#[derive(Debug)]
pub struct Loss {
    /// `[B]`: for every sample of the batch, the mean over its real actions; what is trained on is their weighted mean.
    pub each: Tensor,
    /// What it is made of, as `[B]` each: told to whoever watches the training.
    pub parts: Vec<(&'static str, Tensor)>,
}

/// What a head is told of a chunk it has to go on from.
#[derive(Clone, Copy, Debug)]
pub struct Promised<'a> {
    /// `[B, steps, action]` with at least one step and fewer than a chunk has: they will be carried out whatever is sampled now.
    pub actions: &'a Tensor,
    /// How many of the steps are certain to have been carried out by
    /// the time the new chunk begins. The rest may still be changed and is to be kept up to its likelihood.
    pub frozen: i64,
    /// How strongly a head that is guided keeps to it; what its settings say where nothing is said.
    pub guidance: Option<f64>,
}

/// How a head can go on from actions that are already promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuing {
    /// It was trained to, or is built so that it can.
    Yes,
    /// It cannot, for this reason.
    No(&'static str),
}

/// A family of distributions over chunks.
pub trait Head: fmt::Debug + Send {
    /// How far off it is, and the way back through `seen`.
    fn loss(&self, seen: &Encoding, target: &Target<'_>, noise: &mut Noise) -> Loss;

    /// One chunk for each row of `seen`: `[B, chunk, action]`.
    fn sample(&self, seen: &Encoding, promised: Option<Promised<'_>>, noise: &mut Noise) -> Tensor;

    /// Whether it heeds what is promised with that [`guidance`](Promised::guidance).
    fn continuing(&self, guidance: Option<f64>) -> Continuing;
}

/// Why a head that could have learned to go on cannot.
const UNTRAINED: Continuing =
    Continuing::No("it was not trained on prefixes; set \"prefixes\" and train again");
/// Why one that could be guided is not.
const UNGUIDED: Continuing = Continuing::No("it was not trained on prefixes, and \"guidance\" is 0");

/// What a head is made to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Steps of a chunk, at least one.
    pub chunk: i64,
    /// Numbers of an action, at least one.
    pub action: i64,
    /// Numbers of an encoding's tokens, and of what is pooled.
    pub width: i64,
    /// Tokens of an encoding, at least one.
    pub tokens: i64,
    /// For each number of an action its quantiles in the data, normalized and rising, at least two; where there are none the
    /// number is taken to lie between −1 and 1.
    pub quantiles: Vec<Vec<f64>>,
}

impl Shape {
    /// `count` values of that number of an action that each stand for about as much of the data.
    fn spread(&self, number: i64, count: u32) -> Vec<f64> {
        let known = self.known(number);
        let value = |place: u32| {
            let at = f64::from(place) / f64::from(count - 1) * (known.len() - 1) as f64;
            let below = (at.floor() as usize).min(known.len() - 2);
            known[below] + (at - below as f64) * (known[below + 1] - known[below])
        };
        (0..count).map(value).collect()
    }

    fn known(&self, number: i64) -> &[f64] {
        let known = usize::try_from(number).ok().and_then(|number| self.quantiles.get(number));
        known.map_or(&[-1.0, 1.0], |known| if known.len() < 2 { &[-1.0, 1.0] } else { known })
    }
}

/// One of the heads.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What it is called in a policy's settings.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Its settings where nothing is set.
    pub plain: fn() -> Config,
}

/// Adding a head is one file and one line here.
macro_rules! heads {
    ($($variant:ident, $name:ident, $about:literal;)*) => {
        /// Which head, and its settings: `head: {flow: {steps: 10}}`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Config {
            $(#[doc = $about] $variant($name::Config),)*
        }

        /// Every head there is.
        pub const HEADS: &[Entry] = &[$(Entry {
            name: stringify!($name),
            about: $about,
            plain: || Config::$variant($name::Config::default()),
        }),*];

        impl Config {
            /// The head, its weights made at `site`.
            pub fn build(&self, shape: &Shape, site: &Site<'_>) -> Box<dyn Head> {
                match self {
                    $(Self::$variant(config) => $name::build(config, shape, site),)*
                }
            }

            /// Whether it has to be trained with prefixes given ([`Target::promised`]).
            pub fn prefixes(&self) -> bool {
                match self {
                    $(Self::$variant(config) => config.prefixes(),)*
                }
            }

            /// Whether it finds a chunk by taking noise away, so that its loss says how likely it finds one.
            pub fn denoises(&self) -> bool {
                matches!(self, Self::Diffusion(_) | Self::Flow(_))
            }

            /// The least and the most that it says of a number of an action, normalized, whose quantiles are these.
            pub(super) fn farthest(&self, quantiles: &[f64]) -> [f64; 2] {
                match (self, quantiles) {
                    (Self::Diffusion(config), _) => [-config.clip, config.clip],
                    (Self::Tokens(_), [least, .., most]) => [*least, *most],
                    (Self::Tokens(_), _) => [-1.0, 1.0],
                    _ => [f64::NEG_INFINITY, f64::INFINITY],
                }
            }

            /// What it is called.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($name),)*
                }
            }
        }
    };
}

heads! {
    Mse, mse, "regression: the mean of what people did";
    Mog, mog, "a mixture of Gaussians over whole chunks";
    Act, act, "a conditional variational autoencoder with a query for each step (ACT)";
    Diffusion, diffusion, "noise taken away step by step (Diffusion Policy)";
    Flow, flow, "a field of directions followed from noise (flow matching)";
    Tokens, tokens, "every number a word, said one after another";
    Energy, energy, "a search for the chunk that is least wrong (implicit behaviour cloning)";
}
