//! A denoising network that heeds what is promised: what diffusion and flow share.
//!
//! The two differ in what a noisy chunk is and in the way down from it. That a network may have learned to go on from given steps, and
//! may be guided to what is promised where it has not, is the same for both.

use tch::Tensor;

use super::given::{self, Given};
use super::guide::Guide;
use super::{Continuing, Loss, Promised, Shape, Target, UNGUIDED};
use crate::nn::denoiser::{self, Condition, Denoiser, Frame};
use crate::nn::{Encoding, Site, chance};

/// A network, and how it heeds.
#[derive(Debug)]
pub(super) struct Heeding {
    chunk: i64,
    action: i64,
    guidance: f64,
    prefixes: bool,
    network: Denoiser,
}

/// The network, asked after one observation.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    prefixes: bool,
    network: &'a Denoiser,
    given: Given,
    condition: Condition,
    /// What draws it to what is promised, where something does.
    pub(super) guide: Option<Guide>,
}

impl Heeding {
    /// Guided by at most `guidance` times an error; with `prefixes` told which steps are given.
    pub(super) fn new(
        config: &denoiser::Config,
        shape: &Shape,
        guidance: f64,
        prefixes: bool,
        site: &Site<'_>,
    ) -> Self {
        let Shape { chunk, action, width, tokens, .. } = *shape;
        let frame = Frame { chunk, inputs: action + i64::from(prefixes), outputs: action, width, tokens };
        Self { chunk, action, guidance, prefixes, network: Denoiser::new(config, &frame, site) }
    }

    /// How far what it says of `noisy`, each at its own of `times: [B]`, is from what is `wanted`.
    pub(super) fn loss(
        &self,
        seen: &Encoding,
        target: &Target<'_>,
        noisy: &Tensor,
        times: &Tensor,
        wanted: &Tensor,
    ) -> Loss {
        let condition = self.network.condition(seen, &times.unsqueeze(0));
        let Self { prefixes, network, .. } = self;
        let asked = Asked { prefixes: *prefixes, network, given: Given::of(target), condition, guide: None };
        let counted = if self.prefixes { given::counted(target) } else { target.real.shallow_clone() };
        Loss { each: given::mean(&(asked.said(noisy, 0) - wanted).square(), &counted), parts: Vec::new() }
    }

    /// The chunk to which `follow` comes; it is told whom to ask, at which of `times` by their number, and how large a chunk is.
    pub(super) fn sample(
        &self,
        seen: &Encoding,
        promised: Option<Promised<'_>>,
        times: &[f64],
        follow: impl FnOnce(&Asked<'_>, [i64; 3]) -> Tensor,
    ) -> Tensor {
        let promised = promised.filter(|promised| self.continuing(promised.guidance) == Continuing::Yes);
        let Self { chunk, action, prefixes, ref network, .. } = *self;
        let dims = [seen.pooled.size()[0], chunk, action];
        let chunk = tch::no_grad(|| {
            let times = chance::given(times, &seen.pooled).unsqueeze(1).expand([-1, dims[0]], false);
            let strength = promised.and_then(|promised| promised.guidance).unwrap_or(self.guidance);
            let guide = promised
                .filter(|_| strength > 0.0)
                .map(|promised| Guide::new(promised, chunk, strength, prefixes));
            let given = Given::frozen(promised, dims, &seen.pooled);
            let condition = network.condition(seen, &times);
            follow(&Asked { prefixes, network, given, condition, guide }, dims)
        });
        given::kept(chunk, promised)
    }

    pub(super) fn continuing(&self, guidance: Option<f64>) -> Continuing {
        if self.prefixes || guidance.unwrap_or(self.guidance) > 0.0 { Continuing::Yes } else { UNGUIDED }
    }
}

impl Asked<'_> {
    /// What the network says of `noisy` at the time of that number.
    pub(super) fn said(&self, noisy: &Tensor, number: i64) -> Tensor {
        if self.prefixes {
            self.network.forward(&self.given.beside(noisy), &self.condition, number)
        } else {
            self.network.forward(noisy, &self.condition, number)
        }
    }
}
