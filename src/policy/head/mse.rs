//! Regression: the mean of what people did.
//!
//! The simplest head, and the first to try: fast, without chance, and right wherever there is one good way to act. Where there are
//! two it goes between them (Bishop 1994, section 2). Squared error is the likelihood of a Gaussian of fixed width.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::entry::Entry;
use super::given;
use super::{Continuing, Head, Loss, Promised, Shape, Target, UNTRAINED};
use crate::nn::fits::{self, checked, some};
use crate::nn::trunk::{Size, Trunk};
use crate::nn::{Encoding, Site};
use crate::noise::Noise;

/// How large it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Config {
    /// Numbers between the layers.
    pub width: u32,
    /// Layers of two linear maps each.
    pub layers: u32,
    /// Whether it learns to go on from the first steps of a chunk.
    pub prefixes: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { width: 256, layers: 2, prefixes: false }
    }
}

checked!(Config);

impl Config {
    fn check(&self) -> Result<(), fits::Error> {
        some("width", self.width)
    }

    pub(super) fn prefixes(&self) -> bool {
        self.prefixes
    }
}

#[derive(Debug)]
struct Mse {
    chunk: i64,
    action: i64,
    prefixes: bool,
    entry: Entry,
    trunk: Trunk,
}

/// The head.
pub fn build(config: &Config, shape: &Shape, site: &Site<'_>) -> Box<dyn Head> {
    let size = Size { width: config.width.into(), layers: config.layers };
    Box::new(Mse {
        chunk: shape.chunk,
        action: shape.action,
        prefixes: config.prefixes,
        entry: Entry::new(&site.at("entry"), shape, size.width, config.prefixes),
        trunk: Trunk::new(&site.at("trunk"), size, shape.chunk * shape.action),
    })
}

impl Mse {
    fn forward(&self, entry: &Tensor) -> Tensor {
        self.trunk.forward(entry).view([-1, self.chunk, self.action])
    }
}

impl Head for Mse {
    fn loss(&self, seen: &Encoding, target: &Target<'_>, _noise: &mut Noise) -> Loss {
        let wrong = self.forward(&self.entry.learning(seen, target)) - target.actions;
        Loss { each: given::mean(&wrong.square(), &given::counted(target)), parts: Vec::new() }
    }

    fn sample(&self, seen: &Encoding, promised: Option<Promised<'_>>, _noise: &mut Noise) -> Tensor {
        let chunk = tch::no_grad(|| self.forward(&self.entry.acting(seen, promised)));
        given::kept(chunk, self.entry.heeded(promised))
    }

    fn continuing(&self, _guidance: Option<f64>) -> Continuing {
        if self.prefixes { Continuing::Yes } else { UNTRAINED }
    }
}
