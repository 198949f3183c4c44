//! Implicit behaviour cloning: a network that says how wrong a chunk is, and a search for one that is not.
//!
//! Florence et al. 2021: trained to tell the demonstrated chunk from sampled ones (InfoNCE, equation 3), acting by a search
//! without derivatives (their algorithm 1: keep what is good, disturb it less and less). Uniform samples of a whole chunk are all
//! bad in the same way, so the search is over a few knots between which a chunk runs straight; the paper acts with single steps.
//! Half of the samples lie as near to the demonstration as the rounds of the search disturb, or its last rounds would be
//! over ground that training never saw.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::given;
use super::{Continuing, Head, Loss, Promised, Shape, Target};
use crate::nn::fits::{self, checked, fits, some};
use crate::nn::layers::Linear;
use crate::nn::trunk::{Size, Trunk};
use crate::nn::{Encoding, Site, chance};
use crate::noise::Noise;

/// How far beyond the data chunks are looked for, as a share of its range (the paper's margin).
const MARGIN: f64 = 0.05;

/// How large it is and how it searches. The paper has 256 negatives and searches with 16384 samples in 3 rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Config {
    /// Numbers between the layers.
    pub width: u32,
    /// Layers of two linear maps each.
    pub layers: u32,
    /// Knots of a chunk.
    pub knots: u32,
    /// Chunks the demonstrated one is told from.
    pub negatives: u32,
    /// Chunks a search begins with.
    pub samples: u32,
    /// Rounds of a search.
    pub rounds: u32,
    /// How far a chunk is disturbed in the first round.
    pub deviation: f64,
    /// How much of that is left in each round after another.
    pub shrink: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            width: 128,
            layers: 2,
            knots: 3,
            negatives: 64,
            samples: 1024,
            rounds: 6,
            deviation: 0.33,
            shrink: 0.5,
        }
    }
}

checked!(Config);

impl Config {
    fn check(&self) -> Result<(), fits::Error> {
        let counts = [
            ("width", self.width),
            ("knots", self.knots),
            ("negatives", self.negatives),
            ("samples", self.samples),
            ("rounds", self.rounds),
        ];
        counts.into_iter().try_for_each(|(key, count)| some(key, count))?;
        fits("deviation", &self.deviation, "more than 0", self.deviation > 0.0)?;
        fits("shrink", &self.shrink, "more than 0 and at most 1", self.shrink > 0.0 && self.shrink <= 1.0)
    }

    #[expect(clippy::unused_self, reason = "every head's settings are asked")]
    pub(super) fn prefixes(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct Energy {
    config: Config,
    action: i64,
    /// The steps the knots are at.
    knots: Vec<i64>,
    /// `[chunk, knots]`: a chunk from its knots.
    between: Tensor,
    /// `[action]`: where chunks are looked for.
    least: Tensor,
    most: Tensor,
    seen: Linear,
    entry: Linear,
    trunk: Trunk,
}

/// The head.
pub fn build(config: &Config, shape: &Shape, site: &Site<'_>) -> Box<dyn Head> {
    let size = Size { width: config.width.into(), layers: config.layers };
    let knots = knots(shape.chunk, config.knots.into());
    let count = knots.len() as i64;
    let like = Tensor::zeros([1], (site.kind(), site.device()));
    let ends: Vec<[f64; 2]> = (0..shape.action).map(|number| shape.ends(number, MARGIN)).collect();
    let end = |which: usize| chance::given(&ends.iter().map(|ends| ends[which]).collect::<Vec<_>>(), &like);
    Box::new(Energy {
        config: config.clone(),
        action: shape.action,
        between: chance::given(&between(shape.chunk, &knots), &like).view([shape.chunk, count]),
        least: end(0),
        most: end(1),
        seen: Linear::new(&site.at("seen"), shape.width, size.width),
        entry: Linear::new(&site.at("entry"), count * shape.action, size.width),
        trunk: Trunk::without_bias(&site.at("trunk"), size, 1),
        knots,
    })
}

/// Steps spread evenly from the first to the last.
fn knots(chunk: i64, count: i64) -> Vec<i64> {
    let count = count.min(chunk);
    (0..count)
        .map(|knot| if count == 1 { 0 } else { (knot * (chunk - 1) + (count - 1) / 2) / (count - 1) })
        .collect()
}

/// The weights of the knots in each step.
fn between(chunk: i64, knots: &[i64]) -> Vec<f64> {
    let weight = |step: i64, knot: usize| {
        let side = |other: Option<&i64>| {
            other.map_or(1.0, |other| 1.0 - (step - knots[knot]) as f64 / (other - knots[knot]) as f64)
        };
        let beside = if step >= knots[knot] {
            knots.get(knot + 1)
        } else {
            knot.checked_sub(1).map(|before| &knots[before])
        };
        side(beside).max(0.0)
    };
    (0..chunk).flat_map(|step| (0..knots.len()).map(move |knot| weight(step, knot))).collect()
}

impl Energy {
    /// How right each of `knots: [B, count, knots, action]` is: `[B, count]`.
    fn score(&self, seen: &Tensor, knots: &Tensor) -> Tensor {
        self.trunk.forward(&(seen.unsqueeze(1) + self.entry.forward(&knots.flatten(2, 3)))).squeeze_dim(2)
    }

    /// Knots anywhere in the range: `[B, count, knots, action]`.
    fn anywhere(&self, batch: i64, count: u32, like: &Tensor, noise: &mut Noise) -> Tensor {
        let dims = [batch, count.into(), self.knots.len() as i64, self.action];
        &self.least + chance::unit(noise, &dims, like) * (&self.most - &self.least)
    }

    /// Knots as near to `shown: [B, knots, action]` as the rounds of a search come, round by round: `[B, count, knots, action]`.
    fn near(&self, shown: &Tensor, count: u32, noise: &mut Noise) -> Tensor {
        let rounds = i32::try_from(self.config.rounds).unwrap_or(i32::MAX);
        let deviation = |number: u32| {
            let round = i32::try_from(number).unwrap_or(0) % rounds;
            self.config.deviation * self.config.shrink.powi(round)
        };
        let deviations: Vec<f64> = (0..count).map(deviation).collect();
        let dims = [shown.size()[0], count.into(), self.knots.len() as i64, self.action];
        let off = chance::normal(noise, &dims, shown) * chance::given(&deviations, shown).view([1, -1, 1, 1]);
        shown.unsqueeze(1) + off
    }

    /// The demonstrated chunk at the knots: `[B, knots, action]`.
    fn shown(&self, target: &Target<'_>) -> Tensor {
        let knots = Tensor::from_slice(&self.knots).to_device(target.actions.device());
        given::held(target).index_select(1, &knots)
    }

    /// Knots with those that are frozen in their places.
    fn held(&self, knots: Tensor, promised: Option<Promised<'_>>) -> Tensor {
        let Some(Promised { actions, frozen }) = promised else { return knots };
        let count = self.knots.iter().take_while(|knot| **knot < frozen).count() as i64;
        if count == 0 {
            return knots;
        }
        let steps = Tensor::from_slice(&self.knots).to_device(actions.device()).narrow(0, 0, count);
        let held = actions.index_select(1, &steps).unsqueeze(1).expand([-1, knots.size()[1], -1, -1], false);
        Tensor::cat(&[held, knots.narrow(2, count, self.knots.len() as i64 - count)], 2)
    }

    fn search(&self, seen: &Encoding, promised: Option<Promised<'_>>, noise: &mut Noise) -> Tensor {
        let batch = seen.pooled.size()[0];
        let entry = self.seen.forward(&seen.pooled);
        let mut deviation = self.config.deviation;
        let mut knots = self.held(self.anywhere(batch, self.config.samples, &entry, noise), promised);
        let mut scores = self.score(&entry, &knots);
        for _ in 1..self.config.rounds {
            let places = chance::unit(noise, &scores.size(), &entry);
            let picked = picked(&scores, &places).view([batch, -1, 1, 1]).expand_as(&knots);
            let moved =
                knots.gather(1, &picked, false) + chance::normal(noise, &knots.size(), &entry) * deviation;
            knots = self.held(moved.clamp_tensor(Some(&self.least), Some(&self.most)), promised);
            scores = self.score(&entry, &knots);
            deviation *= self.config.shrink;
        }
        let best = scores.argmax(1, false).view([batch, 1, 1, 1]);
        let best =
            knots.gather(1, &best.expand([-1, 1, knots.size()[2], self.action], false), false).squeeze_dim(1);
        self.between.matmul(&best)
    }
}

/// As many of the candidates as there are, each by its probability: `[B, count]`.
fn picked(scores: &Tensor, places: &Tensor) -> Tensor {
    let upto = scores.softmax(1, scores.kind()).cumsum(1, scores.kind());
    let last = upto.size()[1] - 1;
    let places = places * upto.narrow(1, last, 1);
    places.searchsorted::<&Tensor>(&upto, false, false, "left", None).clamp_max(last)
}

impl Head for Energy {
    fn loss(&self, seen: &Encoding, target: &Target<'_>, noise: &mut Noise) -> Loss {
        let entry = self.seen.forward(&seen.pooled);
        let shown = self.shown(target);
        let far = self.config.negatives.div_ceil(2);
        let anywhere = self.anywhere(entry.size()[0], far, &entry, noise);
        let near = self.near(&shown, self.config.negatives - far, noise);
        let knots = Tensor::cat(&[shown.unsqueeze(1), anywhere, near], 1);
        let scores = self.score(&entry, &knots);
        Loss { each: -scores.log_softmax(1, scores.kind()).select(1, 0), parts: Vec::new() }
    }

    fn sample(&self, seen: &Encoding, promised: Option<Promised<'_>>, noise: &mut Noise) -> Tensor {
        let chunk = tch::no_grad(|| self.search(seen, promised, noise));
        given::kept(chunk, promised)
    }

    fn continuing(&self) -> Continuing {
        Continuing::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_runs_straight_between_its_knots() {
        let knots = knots(5, 3);
        assert_eq!(knots, [0, 2, 4]);
        let rows = between(5, &knots);
        assert_eq!(rows, [1.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 1.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 1.0]);
    }
}
