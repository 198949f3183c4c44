//! Implicit behaviour cloning: a network that says how wrong a chunk is, and a search for one that is not.
//!
//! Florence et al. 2021: trained to tell demonstrated chunks from sampled ones (InfoNCE, equation 3), acting by a search for what
//! the energy calls least wrong. As it stands there it loses its way in a whole chunk: of uniform samples in so many dimensions none
//! comes near, and nothing was learned of what lies between. So the search has rounds from far to near, each with an energy of its own
//! that tells chunks as near to a demonstration as this round is to leave from ones as near as it is given (telescoping density
//! ratios, Rhodes et al. 2020). Drawing anew by the energies, as their algorithm 1 does, keeps too few of a few hundred candidates;
//! each goes down its energy instead (their appendix B.3, without the noise), and the one whose energies sum up to the least is taken.
//!
//! A chunk is as wrong as it is far from what the network, having seen it, would make of it: E(a) = ½ (1/near² − 1/far²) ‖a − D(a)‖².
//! Where only one chunk was ever demonstrated, D is that chunk and this the exact logarithm of the ratio; down is towards D, taken as
//! it is. D learns besides to restore disturbed chunks (Vincent 2011): it has the demonstration long before telling chunks apart would
//! have taught it. In and out it is scaled as in Karras et al. 2022, table 1. Between the knots that are searched a chunk runs straight.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::given;
use super::knots::Knots;
use super::{Continuing, Head, Loss, Promised, Shape, Target};
use crate::nn::fits::{self, checked, fits, not_negative, some};
use crate::nn::layers::Linear;
use crate::nn::trunk::{Size, Trunk};
use crate::nn::{Encoding, Site, chance};
use crate::noise::Noise;

/// About how far demonstrated chunks are from one another where the same is seen: for scaling.
const SPREAD: f64 = 0.3;

/// How large it is and how it searches. The paper, for single steps, has 256 negatives and searches with 16384 samples in 3 rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Config {
    /// Numbers between the layers.
    pub width: u32,
    /// Layers of two linear maps each, of what is seen; they are asked once for all candidates.
    pub layers: u32,
    /// The same, of what is seen and a candidate.
    pub judging: u32,
    /// Knots of a chunk.
    pub knots: u32,
    /// Pairs of nearer chunks that are told from farther ones.
    pub positives: u32,
    /// Pairs of these.
    pub negatives: u32,
    /// How much restoring counts beside telling chunks apart.
    pub restoring: f64,
    /// Candidates of a search.
    pub samples: u32,
    /// Its rounds.
    pub rounds: u32,
    /// How far from a demonstration the candidates of the first round are.
    pub deviation: f64,
    /// How much of that is left in each round after another.
    pub shrink: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            width: 128,
            layers: 2,
            judging: 1,
            knots: 5,
            positives: 2,
            negatives: 8,
            restoring: 1.0,
            samples: 16,
            rounds: 16,
            deviation: 1.0,
            shrink: 0.8,
        }
    }
}

checked!(Config);

impl Config {
    fn check(&self) -> Result<(), fits::Error> {
        let counts = [
            ("width", self.width),
            ("knots", self.knots),
            ("positives", self.positives),
            ("negatives", self.negatives),
            ("samples", self.samples),
            ("rounds", self.rounds),
        ];
        counts.into_iter().try_for_each(|(key, count)| some(key, count))?;
        not_negative("restoring", self.restoring)?;
        let deviates = self.deviation > 0.0 && self.deviation.is_finite();
        fits("deviation", &self.deviation, "a number above 0", deviates)?;
        fits("shrink", &self.shrink, "more than 0 and less than 1", self.shrink > 0.0 && self.shrink < 1.0)?;
        // The energy of the last round goes with one over the square of this, which has to stay a number of 32 bits.
        let nearest = self.far(self.rounds);
        fits("rounds", &self.rounds, "so few that the last is not nearer than 1e-6", nearest >= 1e-6)
    }

    #[expect(clippy::unused_self, reason = "every head's settings are asked")]
    pub(super) fn prefixes(&self) -> bool {
        false
    }

    /// How far from a demonstration the candidates of a round are; the next round's are those it leaves.
    fn far(&self, round: u32) -> f64 {
        self.deviation * self.shrink.powi(i32::try_from(round).unwrap_or(i32::MAX))
    }
}

/// What depends on the round alone, as tensors with an entry for each.
#[derive(Debug)]
struct Rounds {
    near: Tensor,
    far: Tensor,
    /// Of the energy: ½ (1/near² − 1/far²).
    steep: Tensor,
    /// What candidates are multiplied by for the network; how much of one is in what it makes of it, and how much of what it says.
    inward: Tensor,
    kept: Tensor,
    outward: Tensor,
}

impl Rounds {
    fn new(config: &Config, like: &Tensor) -> Self {
        let each = |of: &dyn Fn(f64, f64) -> f64| {
            let values: Vec<f64> =
                (0..config.rounds).map(|round| of(config.far(round + 1), config.far(round))).collect();
            chance::given(&values, like)
        };
        let whole = |far: f64| SPREAD.powi(2) + far.powi(2);
        Self {
            near: each(&|near, _| near),
            far: each(&|_, far| far),
            steep: each(&|near, far| 0.5 * (near.powi(-2) - far.powi(-2))),
            inward: each(&|_, far| whole(far).powf(-0.5)),
            kept: each(&|_, far| SPREAD.powi(2) / whole(far)),
            outward: each(&|_, far| SPREAD * far * whole(far).powf(-0.5)),
        }
    }
}

#[derive(Debug)]
struct Energy {
    config: Config,
    action: i64,
    knots: Knots,
    rounds: Rounds,
    seen: Linear,
    context: Trunk,
    /// `[rounds, width]`.
    round: Tensor,
    entry: Linear,
    judge: Trunk,
}

/// The head.
pub fn build(config: &Config, shape: &Shape, site: &Site<'_>) -> Box<dyn Head> {
    let width = i64::from(config.width);
    let like = Tensor::zeros([1], (site.kind(), site.device()));
    let knots = Knots::new(shape.chunk, config.knots.into(), &like);
    let numbers = knots.count() * shape.action;
    Box::new(Energy {
        config: config.clone(),
        action: shape.action,
        rounds: Rounds::new(config, &like),
        seen: Linear::new(&site.at("seen"), shape.width, width),
        context: Trunk::new(&site.at("context"), Size { width, layers: config.layers }, width),
        round: site.normal("round", &[config.rounds.into(), width], 0.5),
        entry: Linear::new(&site.at("entry"), numbers, width),
        judge: Trunk::new(&site.at("judge"), Size { width, layers: config.judging }, numbers),
        knots,
    })
}

impl Energy {
    /// What is seen, for judging candidates: `[B, width]`.
    fn context(&self, seen: &Encoding) -> Tensor {
        self.context.forward(&self.seen.forward(&seen.pooled))
    }

    /// What the network would make of `knots: [B, count, knots · action]` in `rounds: [B]`: the same.
    fn restored(&self, context: &Tensor, knots: &Tensor, rounds: &Tensor) -> Tensor {
        let of = |all: &Tensor| all.index_select(0, rounds).view([-1, 1, 1]);
        let round = self.round.index_select(0, rounds);
        let entry = self.entry.forward(&(knots * of(&self.rounds.inward)));
        let said = self.judge.forward(&((context + round).unsqueeze(1) + entry));
        knots * of(&self.rounds.kept) + said * of(&self.rounds.outward)
    }

    /// How right knots are that are as much as `off: [B, count, knots · action]` from what the network would make of them: `[B, count]`.
    fn scores(&self, off: &Tensor, rounds: &Tensor) -> Tensor {
        let off = off.square().sum_dim_intlist(2, false, off.kind());
        -off * self.rounds.steep.index_select(0, rounds).unsqueeze(1)
    }

    /// `pairs` of chunks as far from `shown: [B, knots · action]` as the entries of `deviations: [B]`, to both sides of it: their noise
    /// then cancels where there is nothing to learn.
    fn around(&self, shown: &Tensor, deviations: &Tensor, pairs: u32, noise: &mut Noise) -> Tensor {
        let [batch, numbers] = [0, 1].map(|place| shown.size()[place]);
        let off = chance::normal(noise, &[batch, pairs.into(), numbers], shown) * deviations.view([-1, 1, 1]);
        let shown = shown.unsqueeze(1);
        Tensor::cat(&[&shown + &off, shown - off], 1)
    }

    /// The knots of the best candidate of each row: `[B, knots · action]`.
    fn search(&self, seen: &Encoding, frozen: Option<&Tensor>, noise: &mut Noise) -> Tensor {
        let context = self.context(seen);
        let (batch, numbers) = (context.size()[0], self.knots.count() * self.action);
        let drawn = chance::normal(noise, &[batch, self.config.samples.into(), numbers], &context);
        let mut knots = &drawn * self.config.far(0);
        let mut sums = knots.new_zeros([batch, drawn.size()[1]], (knots.kind(), knots.device()));
        for round in 0..self.config.rounds {
            knots = held(knots, frozen, Some(&(&drawn * self.config.far(round))));
            let rounds = Tensor::full([batch], i64::from(round), (Kind::Int64, context.device()));
            let restored = self.restored(&context, &knots, &rounds);
            sums += self.scores(&(&knots - &restored), &rounds);
            // After the last round a candidate is where the ground of its valley is.
            let left = if round + 1 == self.config.rounds { 0.0 } else { self.config.shrink };
            knots = &restored + (knots - &restored) * left;
        }
        let best = sums.argmax(1, false).view([batch, 1, 1]).expand([batch, 1, numbers], false);
        knots.gather(1, &best, false).squeeze_dim(1)
    }
}

/// `knots: [B, count, knots · action]` with the frozen ones in their places, and there as far `off` as everything else is: the
/// network knows no others.
fn held(knots: Tensor, frozen: Option<&Tensor>, off: Option<&Tensor>) -> Tensor {
    let Some(frozen) = frozen else { return knots };
    let (count, all) = (frozen.size()[2], knots.size()[2]);
    let there = match off {
        Some(off) => frozen + off.narrow(2, 0, count),
        None => frozen.shallow_clone(),
    };
    Tensor::cat(&[there, knots.narrow(2, count, all - count)], 2)
}

impl Head for Energy {
    fn loss(&self, seen: &Encoding, target: &Target<'_>, noise: &mut Noise) -> Loss {
        let Config { positives, negatives, restoring, rounds, .. } = self.config;
        let (context, shown) = (self.context(seen), self.knots.shown(target).flatten(1, 2));
        let rounds = chance::below(noise, shown.size()[0], rounds as usize);
        let rounds = Tensor::from_slice(&rounds).to_device(shown.device());
        let of = |all: &Tensor| all.index_select(0, &rounds);
        let near = self.around(&shown, &of(&self.rounds.near), positives, noise);
        let far = self.around(&shown, &of(&self.rounds.far), negatives, noise);
        let knots = Tensor::cat(&[near, far], 1);
        let restored = self.restored(&context, &knots, &rounds);
        // Padding is seen, as in every chunk that is looked at whole, and teaches nothing.
        let counted = self.knots.counted(&given::counted(target));
        let counted = counted.repeat_interleave_self_int(self.action, 1, shown.size()[1]).unsqueeze(1);
        let scores = self.scores(&((&knots - &restored) * &counted), &rounds);
        let (near, far) = (2 * i64::from(positives), 2 * i64::from(negatives));
        let others = scores.narrow(1, near, far).logsumexp(1, true);
        // −log of the share that each of the nearer has beside all the farther ones.
        let told = (others - scores.narrow(1, 0, near)).softplus().mean_dim(1, false, scores.kind());
        let off = (restored - shown.unsqueeze(1)) / of(&self.rounds.outward).view([-1, 1, 1]);
        let numbers = given::count(&counted.squeeze_dim(1), knots.size()[1]);
        let restored =
            (off.square() * counted).sum_dim_intlist([1, 2].as_slice(), false, scores.kind()) / numbers;
        Loss { each: &told + &restored * restoring, parts: vec![("contrast", told), ("restored", restored)] }
    }

    fn sample(&self, seen: &Encoding, promised: Option<Promised<'_>>, noise: &mut Noise) -> Tensor {
        let frozen = self.knots.frozen(promised).map(|frozen| frozen.flatten(1, 2).unsqueeze(1));
        let knots = tch::no_grad(|| self.search(seen, frozen.as_ref(), noise));
        let knots = held(knots.unsqueeze(1), frozen.as_ref(), None);
        let chunk = self.knots.chunk(knots.view([-1, self.knots.count(), self.action]));
        given::kept(chunk, promised)
    }

    fn continuing(&self, _guidance: Option<f64>) -> Continuing {
        Continuing::Yes
    }
}
