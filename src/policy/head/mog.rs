//! A mixture of Gaussians over whole chunks: several good ways to act, each with its own spread.
//!
//! Mixture density networks (Bishop 1994, equations 22 to 29), as robomimic uses them (Mandlekar et al. 2021, appendix): the
//! likelihood is a log-sum-exp over the components, and what is carried out is one component with hardly any noise. Ours mixes whole
//! chunks, not single steps: a chunk that begins to the left has to go on to the left.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::entry::Entry;
use super::given;
use super::{Continuing, Head, Loss, Promised, Shape, Target, UNTRAINED};
use crate::nn::fits::{self, checked, fits, not_negative, some};
use crate::nn::trunk::{Size, Trunk};
use crate::nn::{Encoding, Site, chance};
use crate::noise::Noise;

/// How large it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Config {
    /// Components; robomimic has 5.
    pub modes: u32,
    /// Numbers between the layers.
    pub width: u32,
    /// Layers of two linear maps each.
    pub layers: u32,
    /// The least deviation of a component, in normalized actions. robomimic has 1e-4 for single steps. Over a whole chunk a
    /// component that narrow is told apart by how fast somebody was and not by where he went: of the ways round a post those with
    /// 0.02 averaged, and those with 0.2 did not.
    pub least: f64,
    /// How much of its deviation a component has when it is carried out (robomimic's low-noise evaluation).
    pub carried_out: f64,
    /// Whether it learns to go on from the first steps of a chunk.
    pub prefixes: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { modes: 5, width: 256, layers: 2, least: 0.2, carried_out: 1e-4, prefixes: false }
    }
}

checked!(Config);

impl Config {
    fn check(&self) -> Result<(), fits::Error> {
        some("modes", self.modes)?;
        some("width", self.width)?;
        fits("least", &self.least, "more than 0", self.least > 0.0)?;
        not_negative("carried_out", self.carried_out)
    }

    pub(super) fn prefixes(&self) -> bool {
        self.prefixes
    }
}

#[derive(Debug)]
struct Mog {
    config: Config,
    chunk: i64,
    action: i64,
    entry: Entry,
    trunk: Trunk,
}

/// A mixture for each row.
struct Mixture {
    /// `[B, modes]`, logarithms.
    shares: Tensor,
    /// `[B, modes, chunk, action]`.
    means: Tensor,
    /// The same.
    deviations: Tensor,
}

/// The head.
pub fn build(config: &Config, shape: &Shape, site: &Site<'_>) -> Box<dyn Head> {
    let size = Size { width: config.width.into(), layers: config.layers };
    let outputs = i64::from(config.modes) * (1 + 2 * shape.chunk * shape.action);
    Box::new(Mog {
        config: config.clone(),
        chunk: shape.chunk,
        action: shape.action,
        entry: Entry::new(&site.at("entry"), shape, size.width, config.prefixes),
        trunk: Trunk::new(&site.at("trunk"), size, outputs),
    })
}

impl Mog {
    fn forward(&self, entry: &Tensor) -> Mixture {
        let out = self.trunk.forward(entry);
        let modes = i64::from(self.config.modes);
        let numbers = modes * self.chunk * self.action;
        let dims = [-1, modes, self.chunk, self.action];
        Mixture {
            shares: out.narrow(1, 0, modes).log_softmax(1, out.kind()),
            means: out.narrow(1, modes, numbers).reshape(dims),
            deviations: out.narrow(1, modes + numbers, numbers).reshape(dims).softplus() + self.config.least,
        }
    }
}

impl Head for Mog {
    fn loss(&self, seen: &Encoding, target: &Target<'_>, _noise: &mut Noise) -> Loss {
        let mixture = self.forward(&self.entry.learning(seen, target));
        let counted = given::counted(target);
        let off = (target.actions.unsqueeze(1) - mixture.means) / &mixture.deviations;
        let each = off.square() * -0.5 - mixture.deviations.log() - 0.5 * TAU.ln();
        let each = each * counted.unsqueeze(1).unsqueeze(3);
        let chunks = each.sum_dim_intlist([2, 3].as_slice(), false, each.kind());
        let likelihood = (chunks + mixture.shares).logsumexp(1, false);
        Loss { each: -likelihood / given::count(&counted, self.action), parts: Vec::new() }
    }

    fn sample(&self, seen: &Encoding, promised: Option<Promised<'_>>, noise: &mut Noise) -> Tensor {
        let dims = [seen.pooled.size()[0], self.chunk, self.action];
        let place = chance::unit(noise, &dims[..1], &seen.pooled);
        let spread = chance::normal(noise, &dims, &seen.pooled) * self.config.carried_out;
        let chunk = tch::no_grad(|| {
            let mixture = self.forward(&self.entry.acting(seen, promised));
            let mode = given::choice(&mixture.shares.exp(), &place).view([-1, 1, 1, 1]);
            let mode = mode.expand([dims[0], 1, dims[1], dims[2]], false);
            let of_mode = |all: &Tensor| all.gather(1, &mode, false).squeeze_dim(1);
            of_mode(&mixture.means) + of_mode(&mixture.deviations) * spread
        });
        given::kept(chunk, self.entry.heeded(promised))
    }

    fn continuing(&self, _guidance: Option<f64>) -> Continuing {
        if self.config.prefixes { Continuing::Yes } else { UNTRAINED }
    }
}
