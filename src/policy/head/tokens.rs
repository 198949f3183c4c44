//! Tokens: every number of a chunk is one of a few levels, said one after another as a language model says words.
//!
//! The levels of a number are its quantiles in the data, so that each is used about as often (as Brohan et al. 2022 have 256 even
//! ones; quantiles do not waste them where nobody ever went). A causal transformer (Radford et al. 2019) attends to what was said so
//! far and to the observation; each number is then drawn with a temperature from the likeliest levels that together have the
//! probability `top_p` (Holtzman et al. 2020). Going on from a promise is saying it first. A long chunk is a long sentence; with
//! `knots` only some of its steps are said, and it runs straight between them.
//!
//! Levels are no words: those beside each other mean nearly the same, and of a hundred demonstrations nobody learns that for each of
//! them anew. So a number is heard as the number that it is, the likelihood of the levels is a few hills over them (as that of
//! colours in Salimans et al. 2017, equations 1 and 2), and what each place is about is reckoned from the observation at once before the
//! transformer has its say. With a table of words in the place of each of the three an arm learned to reach in 28 of 100 attempts,
//! so in 97.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::given;
use super::knots::Knots;
use super::{Continuing, Head, Loss, Promised, Shape, Target};
use crate::nn::attention::{self, Block, Memory, Order, Sight, Size};
use crate::nn::fits::{self, checked, fits, not_negative, some};
use crate::nn::layers::{LayerNorm, Linear, Mlp};
use crate::nn::{Encoding, Site, chance};
use crate::noise::Noise;

/// How large it is, and how it speaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Config {
    /// The steps of a chunk that are said, spread evenly; all of them where nothing is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub knots: Option<u32>,
    /// Levels of each number.
    pub levels: u32,
    /// Hills that the likelihood of a number's levels is made of.
    pub hills: u32,
    /// The least deviation of a hill, of numbers normalized to about [−1, 1].
    pub least: f64,
    /// Numbers a token; a multiple of the heads.
    pub width: u32,
    /// Blocks.
    pub layers: u32,
    /// Heads of each.
    pub heads: u32,
    /// Numbers between the two linear maps of a block, in widths.
    pub inner: u32,
    /// 1 speaks as it learned to, less more surely, 0 says what is likeliest.
    pub temperature: f64,
    /// The probability of what may be said.
    pub top_p: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            knots: None,
            levels: 256,
            hills: 5,
            least: 0.02,
            width: 128,
            layers: 3,
            heads: 4,
            inner: 4,
            temperature: 1.0,
            top_p: 0.95,
        }
    }
}

checked!(Config);

impl Config {
    fn check(&self) -> Result<(), fits::Error> {
        self.knots.map_or(Ok(()), |knots| some("knots", knots))?;
        fits("levels", &self.levels, "at least 2", self.levels >= 2)?;
        some("hills", self.hills)?;
        fits("least", &self.least, "more than 0", self.least > 0.0)?;
        some("layers", self.layers)?;
        some("inner", self.inner)?;
        not_negative("temperature", self.temperature)?;
        fits("top_p", &self.top_p, "more than 0 and at most 1", self.top_p > 0.0 && self.top_p <= 1.0)?;
        attention::check(self.width, self.heads)
    }

    #[expect(clippy::unused_self, reason = "every head's settings are asked")]
    pub(super) fn prefixes(&self) -> bool {
        false
    }
}

/// The levels of numbers, one row each, and where what they stand for begins and ends: half way to their neighbours.
#[derive(Debug)]
struct Levels {
    /// `[numbers, levels]`, rising.
    values: Tensor,
    /// `[numbers, levels]`.
    low: Tensor,
    /// `[numbers, levels]`.
    high: Tensor,
}

/// Where the first level begins and the last one ends: further than any number is.
const ENDLESS: f64 = 1e6;
/// The least that a level's ends are taken to be apart, in spreads of a hill.
const LEAST: f64 = 1e-6;

#[derive(Debug)]
struct Tokens {
    temperature: f64,
    top_p: f64,
    least: f64,
    knots: Knots,
    action: i64,
    width: i64,
    levels: Levels,
    outline: Mlp,
    seen: Linear,
    seen_places: Tensor,
    word: Mlp,
    start: Tensor,
    step_places: Tensor,
    number_places: Tensor,
    blocks: Vec<Block>,
    norm: LayerNorm,
    out: Linear,
}

/// The head.
pub fn build(config: &Config, shape: &Shape, site: &Site<'_>) -> Box<dyn Head> {
    let width = i64::from(config.width);
    let size = Size { width, heads: config.heads.into(), inner: width * i64::from(config.inner) };
    let like = Tensor::zeros([1], (site.kind(), site.device()));
    let knots = Knots::new(shape.chunk, config.knots.map_or(shape.chunk, i64::from), &like);
    let places = knots.count() * shape.action;
    let block = |layer| Block::with_memory(&site.at("block").at(layer), size, Order::Before);
    Box::new(Tokens {
        temperature: config.temperature,
        top_p: config.top_p,
        least: config.least,
        action: shape.action,
        width,
        levels: Levels::new(shape, config.levels, &like),
        outline: Mlp::new(&site.at("outline"), &[shape.width, 4 * width, 4 * width, places * width]),
        seen: Linear::new(&site.at("seen"), shape.width, width),
        seen_places: site.normal("seen_places", &[shape.tokens, width], 0.02),
        word: Mlp::new(&site.at("word"), &[1, width, width]),
        start: site.normal("start", &[1, 1, width], 0.02),
        step_places: site.normal("step_places", &[knots.count(), 1, width], 0.02),
        number_places: site.normal("number_places", &[1, shape.action, width], 0.02),
        blocks: (0..config.layers).map(block).collect(),
        norm: LayerNorm::new(&site.at("norm"), width),
        out: Linear::new(&site.at("out"), width, 3 * i64::from(config.hills)),
        knots,
    })
}

impl Levels {
    fn new(shape: &Shape, count: u32, like: &Tensor) -> Self {
        let values: Vec<f64> = (0..shape.action).flat_map(|number| shape.spread(number, count)).collect();
        let rows = |numbers: &[f64]| chance::given(numbers, like).view([shape.action, i64::from(count)]);
        let values = rows(&values);
        let between =
            (values.narrow(1, 0, i64::from(count) - 1) + values.narrow(1, 1, i64::from(count) - 1)) * 0.5;
        let end = values.narrow(1, 0, 1).full_like(ENDLESS);
        Self { low: Tensor::cat(&[&-&end, &between], 1), high: Tensor::cat(&[&between, &end], 1), values }
    }

    /// The nearest one to each of `actions: [B, steps, numbers]`, the lower of two that are as near.
    fn nearest(&self, actions: &Tensor) -> Tensor {
        let [numbers, count] = [0, 1].map(|place| self.values.size()[place]);
        let between = self.high.narrow(1, 0, count - 1);
        let steps = actions.size()[1];
        let by_number = actions.permute([2, 0, 1]).reshape([numbers, -1]).contiguous();
        let words = by_number.searchsorted::<&Tensor>(&between.contiguous(), false, false, "left", None);
        words.view([numbers, -1, steps]).permute([1, 2, 0])
    }
}

impl Tokens {
    fn memories(&self, seen: &Encoding) -> Vec<Memory> {
        let seen = self.seen.forward(&seen.tokens) + &self.seen_places;
        self.blocks.iter().filter_map(|block| block.remember(&seen)).collect()
    }

    /// `[B, knots · action, width]`.
    fn places(&self, seen: &Encoding) -> Tensor {
        let places = (&self.step_places + &self.number_places).flatten(0, 1).unsqueeze(0);
        places + self.outline.forward(&seen.pooled).unflatten(1, [-1, self.width])
    }

    /// `numbers: [B, said]` as tokens.
    fn spoken(&self, numbers: &Tensor) -> Tensor {
        self.word.forward(&numbers.unsqueeze(2))
    }

    /// The logarithm of how likely numbers between `low` and `high: [.., places, n]` are after `x: [B, places, width]`:
    /// `[B, places, n]`. A hill is a logistic distribution, which says that without a sum over everything else.
    fn likelihoods(&self, x: &Tensor, low: &Tensor, high: &Tensor) -> Tensor {
        let hills = self.out.forward(&self.norm.forward(x)).unsqueeze(3).chunk(3, 2);
        let (weight, middle) = (hills[0].log_softmax(2, x.kind()), &hills[1]);
        let spread = hills[2].softplus() + self.least;
        let of = |edge: &Tensor| (edge.unsqueeze(-2) - middle) / &spread;
        let (low, high) = (of(low), of(high));
        // σ(b) − σ(a) = σ(b) σ(−a) (1 − exp(a − b)), of which every factor has a logarithm that can be told.
        let width = (-(&low - &high).clamp_max(-LEAST).expm1()).log();
        (weight + high.log_sigmoid() + (-low).log_sigmoid() + width).logsumexp([2].as_slice(), false)
    }

    /// The next words `[B]` of `scores: [B, levels]`, at `place: [B]` of their probability.
    fn next(&self, scores: &Tensor, place: &Tensor) -> Tensor {
        if self.temperature == 0.0 {
            return scores.argmax(1, false);
        }
        let (shares, words) = (scores / self.temperature).softmax(1, scores.kind()).sort(1, true);
        // A level is among them if those before it do not yet have the probability.
        let before = shares.cumsum(1, shares.kind()) - &shares;
        let shares = shares * before.lt(self.top_p).to_kind(scores.kind());
        words.gather(1, &given::choice(&shares, place).unsqueeze(1), false).squeeze_dim(1)
    }

    fn speak(&self, seen: &Encoding, promised: Option<Promised<'_>>, noise: &mut Noise) -> Tensor {
        let (batch, length) = (seen.pooled.size()[0], self.knots.count() * self.action);
        let forced = self.knots.frozen(promised).map(|actions| self.levels.nearest(&actions).flatten(1, 2));
        let chances = chance::unit(noise, &[length, batch], &seen.pooled);
        let (memories, places) = (self.memories(seen), self.places(seen));
        let mut before: Vec<Option<Memory>> = self.blocks.iter().map(|_| None).collect();
        let mut said: Vec<Tensor> = Vec::new();
        let mut last = self.start.expand([batch, -1, -1], false);
        for place in 0..length {
            let mut x = last + places.narrow(1, place, 1);
            for ((block, before), memory) in self.blocks.iter().zip(&mut before).zip(&memories) {
                x = block.go_on(&x, before, Some(memory));
            }
            let number = place % self.action;
            let of = |levels: &Tensor| levels.narrow(0, number, 1);
            let word = match &forced {
                Some(words) if place < words.size()[1] => words.select(1, place),
                _ => {
                    let scores = self.likelihoods(&x, &of(&self.levels.low), &of(&self.levels.high));
                    self.next(&scores.squeeze_dim(1), &chances.get(place))
                }
            };
            let number = self.levels.values.get(number).index_select(0, &word).unsqueeze(1);
            last = self.spoken(&number);
            said.push(number);
        }
        self.knots.chunk(Tensor::cat(&said, 1).view([-1, self.knots.count(), self.action]))
    }
}

impl Head for Tokens {
    fn loss(&self, seen: &Encoding, target: &Target<'_>, _noise: &mut Noise) -> Loss {
        let shown = self.knots.shown(target);
        let words = self.levels.nearest(&shown).flatten(1, 2);
        let numbers = shown.flatten(1, 2);
        let start = self.start.expand([words.size()[0], -1, -1], false);
        let before = self.spoken(&numbers.narrow(1, 0, numbers.size()[1] - 1));
        let mut x = Tensor::cat(&[start, before], 1) + self.places(seen);
        for (block, memory) in self.blocks.iter().zip(self.memories(seen)) {
            x = block.forward(&x, Sight::Before, Some(&memory));
        }
        let by_number = words.view([-1, self.action]).transpose(0, 1);
        let edge =
            |of: &Tensor| of.gather(1, &by_number, false).transpose(0, 1).reshape(words.size()).unsqueeze(2);
        let likelihoods = self.likelihoods(&x, &edge(&self.levels.low), &edge(&self.levels.high));
        let each = -likelihoods.view([-1, self.knots.count(), self.action]);
        Loss { each: given::mean(&each, &self.knots.counted(&given::counted(target))), parts: Vec::new() }
    }

    fn sample(&self, seen: &Encoding, promised: Option<Promised<'_>>, noise: &mut Noise) -> Tensor {
        let chunk = tch::no_grad(|| self.speak(seen, promised, noise));
        given::kept(chunk, promised)
    }

    fn continuing(&self, _guidance: Option<f64>) -> Continuing {
        Continuing::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn a_number_that_is_a_level_comes_back_even_where_levels_repeat() {
        let gripper = [vec![-1.0; 5], vec![1.0; 3]].concat();
        let shape = Shape { chunk: 3, action: 1, width: 8, tokens: 1, quantiles: vec![gripper] };
        let levels = Levels::new(&shape, 8, &Tensor::zeros([1], (Kind::Double, Device::Cpu)));
        let actions = Tensor::from_slice(&[-1.0, 1.0, 0.9_f64]).view([1, 3, 1]);
        let words = levels.nearest(&actions).flatten(0, 2);
        let back = levels.values.squeeze_dim(0).index_select(0, &words);
        assert_eq!(Vec::<f64>::try_from(back).expect("three"), [-1.0, 1.0, 1.0]);
    }
}
