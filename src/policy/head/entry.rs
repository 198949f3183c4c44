//! The way into a head without a sequence: what was seen, and where it learns to go on, what is given of the chunk.
//!
//! A network that is to go on from a prefix has to see it; one that is not need not carry the weights.

use tch::Tensor;

use super::given::Given;
use super::{Promised, Shape, Target};
use crate::nn::layers::Linear;
use crate::nn::{Encoding, Site};

/// A linear map from what is pooled of an encoding.
#[derive(Debug)]
pub(super) struct Entry {
    chunk: i64,
    action: i64,
    prefixes: bool,
    map: Linear,
}

impl Entry {
    /// To `width` numbers; with `prefixes` from the given steps too.
    pub(super) fn new(site: &Site<'_>, shape: &Shape, width: i64, prefixes: bool) -> Self {
        let Shape { chunk, action, .. } = *shape;
        let more = if prefixes { chunk * (action + 1) } else { 0 };
        Self { chunk, action, prefixes, map: Linear::new(site, shape.width + more, width) }
    }

    /// While learning: with what is promised of `target`.
    pub(super) fn learning(&self, seen: &Encoding, target: &Target<'_>) -> Tensor {
        self.forward(seen, || Given::of(target))
    }

    /// While acting: with what will have been carried out.
    pub(super) fn acting(&self, seen: &Encoding, promised: Option<Promised<'_>>) -> Tensor {
        let dims = [seen.pooled.size()[0], self.chunk, self.action];
        self.forward(seen, || Given::frozen(promised, dims, &seen.pooled))
    }

    /// What the head may leave as it was promised: everything frozen, if it was given it.
    pub(super) fn heeded<'a>(&self, promised: Option<Promised<'a>>) -> Option<Promised<'a>> {
        promised.filter(|_| self.prefixes)
    }

    fn forward(&self, seen: &Encoding, given: impl FnOnce() -> Given) -> Tensor {
        if self.prefixes {
            self.map.forward(&Tensor::cat(&[&seen.pooled, &given().alone().flatten(1, 2)], 1))
        } else {
            self.map.forward(&seen.pooled)
        }
    }
}
