//! Tokens: every number of a chunk is one of a few levels, said one after another as a language model says words.
//!
//! The levels of a number are its quantiles in the data, so that each is used about as often (as Brohan et al. 2022 have 256 even
//! ones; quantiles do not waste them where nobody ever went). A causal transformer (Radford et al. 2019) attends to what was said so
//! far and to the observation; each number is then drawn with a temperature from the likeliest levels that together have the
//! probability `top_p` (Holtzman et al. 2020). Going on from a promise is saying it first. A long chunk is a long sentence; with
//! `knots` only some of its steps are said, and it runs straight between them.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::given;
use super::knots::Knots;
use super::{Continuing, Head, Loss, Promised, Shape, Target};
use crate::nn::attention::{self, Block, Memory, Order, Sight, Size};
use crate::nn::fits::{self, checked, fits, some};
use crate::nn::layers::{LayerNorm, Linear};
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
        some("layers", self.layers)?;
        some("inner", self.inner)?;
        fits("temperature", &self.temperature, "not negative", self.temperature >= 0.0)?;
        fits("top_p", &self.top_p, "more than 0 and at most 1", self.top_p > 0.0 && self.top_p <= 1.0)?;
        attention::check(self.width, self.heads)
    }

    #[expect(clippy::unused_self, reason = "every head's settings are asked")]
    pub(super) fn prefixes(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct Tokens {
    temperature: f64,
    top_p: f64,
    knots: Knots,
    action: i64,
    /// `[action, levels]`, rising.
    levels: Tensor,
    seen: Linear,
    seen_places: Tensor,
    words: Tensor,
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
    let levels: Vec<f64> = (0..shape.action).flat_map(|number| shape.spread(number, config.levels)).collect();
    let like = Tensor::zeros([1], (site.kind(), site.device()));
    let count = i64::from(config.levels);
    let knots = Knots::new(shape.chunk, config.knots.map_or(shape.chunk, i64::from), &like);
    let block = |layer| Block::with_memory(&site.at("block").at(layer), size, Order::Before);
    Box::new(Tokens {
        temperature: config.temperature,
        top_p: config.top_p,
        action: shape.action,
        levels: chance::given(&levels, &like).view([shape.action, count]),
        seen: Linear::new(&site.at("seen"), shape.width, width),
        seen_places: site.normal("seen_places", &[shape.tokens, width], 0.02),
        words: site.normal("words", &[count, width], 0.02),
        start: site.normal("start", &[1, 1, width], 0.02),
        step_places: site.normal("step_places", &[knots.count(), 1, width], 0.02),
        number_places: site.normal("number_places", &[1, shape.action, width], 0.02),
        blocks: (0..config.layers).map(block).collect(),
        norm: LayerNorm::new(&site.at("norm"), width),
        out: Linear::new(&site.at("out"), width, count),
        knots,
    })
}

impl Tokens {
    /// The nearest level of each number: `[B, steps, action]`, the lower of two that are as near.
    fn words_of(&self, actions: &Tensor) -> Tensor {
        let count = self.levels.size()[1];
        let between = (self.levels.narrow(1, 0, count - 1) + self.levels.narrow(1, 1, count - 1)) * 0.5;
        let steps = actions.size()[1];
        let by_number = actions.permute([2, 0, 1]).reshape([self.action, -1]).contiguous();
        let words = by_number.searchsorted::<&Tensor>(&between.contiguous(), false, false, "left", None);
        words.view([self.action, -1, steps]).permute([1, 2, 0])
    }

    /// The chunk of `words: [B, knots · action]`.
    fn actions_of(&self, words: &Tensor) -> Tensor {
        let by_number = words.view([-1, self.action]).transpose(0, 1);
        let said = self.levels.gather(1, &by_number, false).transpose(0, 1);
        self.knots.chunk(said.reshape([-1, self.knots.count(), self.action]))
    }

    fn memories(&self, seen: &Encoding) -> Vec<Memory> {
        let seen = self.seen.forward(&seen.tokens) + &self.seen_places;
        self.blocks.iter().filter_map(|block| block.remember(&seen)).collect()
    }

    /// `[1, knots · action, width]`.
    fn places(&self) -> Tensor {
        (&self.step_places + &self.number_places).flatten(0, 1).unsqueeze(0)
    }

    fn spoken(&self, words: &Tensor) -> Tensor {
        Tensor::embedding(&self.words, words, -1, false, false)
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
        let forced = self.knots.frozen(promised).map(|actions| self.words_of(&actions).flatten(1, 2));
        let chances = chance::unit(noise, &[length, batch], &seen.pooled);
        let (memories, places) = (self.memories(seen), self.places());
        let mut before: Vec<Option<Memory>> = self.blocks.iter().map(|_| None).collect();
        let mut said: Vec<Tensor> = Vec::new();
        let mut last = self.start.expand([batch, -1, -1], false);
        for place in 0..length {
            let mut x = last + places.narrow(1, place, 1);
            for ((block, before), memory) in self.blocks.iter().zip(&mut before).zip(&memories) {
                x = block.go_on(&x, before, Some(memory));
            }
            let word = match &forced {
                Some(words) if place < words.size()[1] => words.select(1, place),
                _ => self.next(&self.scores(&x).squeeze_dim(1), &chances.get(place)),
            };
            last = self.spoken(&word.unsqueeze(1));
            said.push(word);
        }
        self.actions_of(&Tensor::stack(&said, 1))
    }

    fn scores(&self, x: &Tensor) -> Tensor {
        self.out.forward(&self.norm.forward(x))
    }
}

impl Head for Tokens {
    fn loss(&self, seen: &Encoding, target: &Target<'_>, _noise: &mut Noise) -> Loss {
        let words = self.words_of(&self.knots.shown(target)).flatten(1, 2);
        let start = self.start.expand([words.size()[0], -1, -1], false);
        let before = self.spoken(&words.narrow(1, 0, words.size()[1] - 1));
        let mut x = Tensor::cat(&[start, before], 1) + self.places();
        for (block, memory) in self.blocks.iter().zip(self.memories(seen)) {
            x = block.forward(&x, Sight::Before, Some(&memory));
        }
        let likelihoods = self.scores(&x).log_softmax(2, x.kind());
        let each =
            -likelihoods.gather(2, &words.unsqueeze(2), false).view([-1, self.knots.count(), self.action]);
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

    use crate::nn::Weights;

    #[test]
    fn a_number_that_is_a_level_comes_back_even_where_levels_repeat() {
        let weights = Weights::new(Device::Cpu, Kind::Double, Noise::new(1));
        let gripper = [vec![-1.0; 5], vec![1.0; 3]].concat();
        let shape = Shape { chunk: 3, action: 1, width: 8, tokens: 1, quantiles: vec![gripper] };
        let config = Config { levels: 8, width: 8, heads: 2, ..Config::default() };
        let levels =
            chance::given(&shape.spread(0, config.levels), &Tensor::zeros([1], (Kind::Double, Device::Cpu)));
        assert_eq!(levels.size(), [8]);
        let site = weights.root();
        let like = |name: &str, dims: &[i64]| site.normal(name, dims, 0.02);
        let head = Tokens {
            temperature: 0.0,
            top_p: 1.0,
            knots: Knots::new(3, 3, &levels),
            action: 1,
            levels: levels.view([1, 8]),
            seen: Linear::new(&site.at("seen"), 8, 8),
            seen_places: like("a", &[1, 8]),
            words: like("b", &[8, 8]),
            start: like("c", &[1, 1, 8]),
            step_places: like("d", &[3, 1, 8]),
            number_places: like("e", &[1, 1, 8]),
            blocks: Vec::new(),
            norm: LayerNorm::new(&site.at("norm"), 8),
            out: Linear::new(&site.at("out"), 8, 8),
        };
        let actions = Tensor::from_slice(&[-1.0, 1.0, 0.9_f64]).view([1, 3, 1]);
        let back = head.actions_of(&head.words_of(&actions).flatten(1, 2));
        assert_eq!(Vec::<f64>::try_from(back.flatten(0, 2)).expect("three"), [-1.0, 1.0, 1.0]);
    }
}
