//! Action chunking with transformers: a conditional variational autoencoder whose decoder asks once for each step.
//!
//! Zhao et al. 2023 (ALOHA, section IV and algorithms 1 and 2): a recognizer, used in training only, puts what is particular about
//! a demonstration into a latent vector; the policy decodes observation and latent into the chunk. The loss is L1 + β · KL;
//! when acting the latent is zero, the mean of its prior. Of the paper's form we change three things: places are
//! added where sequences begin and not again in every layer; there is no dropout, whose chance would come from a hidden generator;
//! and the decoder begins with its queries and not with zeros, because attention among zeros does nothing.
//!
//! A latent of zero is one way to act, and may well lie between two. To choose among them it is drawn from the prior, with a
//! `temperature` of 1; β then has to be small enough that the latent carries the choice.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::given::{self, Given};
use super::{Continuing, Head, Loss, Promised, Shape, Target, UNTRAINED};
use crate::nn::attention::{self, Block, Order, Sight, Size};
use crate::nn::fits::{self, checked, not_negative, some};
use crate::nn::layers::Linear;
use crate::nn::{Encoding, Site, chance};
use crate::noise::Noise;

/// How large it is. The paper's has a width of 512, 8 heads, 3200 inner numbers and chunks of 100 steps, with pictures as tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Config {
    /// Numbers a token; a multiple of the heads.
    pub width: u32,
    /// Heads of attention.
    pub heads: u32,
    /// Numbers between the two linear maps of a layer.
    pub inner: u32,
    /// Layers over what was seen.
    pub layers: u32,
    /// Layers that decode it; the paper says 7, its code uses the first only.
    pub decoders: u32,
    /// Layers of the recognizer.
    pub recognizers: u32,
    /// Numbers of the latent vector.
    pub latent: u32,
    /// β, the weight of the latent's distance from its prior.
    pub kl: f64,
    /// The standard deviation of the latent when acting: 0 as in the paper, 1 for what its prior says.
    pub temperature: f64,
    /// Whether it learns to go on from the first steps of a chunk.
    pub prefixes: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            width: 128,
            heads: 4,
            inner: 512,
            layers: 4,
            decoders: 1,
            recognizers: 2,
            latent: 32,
            kl: 10.0,
            temperature: 0.0,
            prefixes: false,
        }
    }
}

checked!(Config);

impl Config {
    fn check(&self) -> Result<(), fits::Error> {
        let counts = [("inner", self.inner), ("decoders", self.decoders), ("latent", self.latent)];
        counts.into_iter().try_for_each(|(key, count)| some(key, count))?;
        not_negative("kl", self.kl)?;
        not_negative("temperature", self.temperature)?;
        attention::check(self.width, self.heads)
    }

    pub(super) fn prefixes(&self) -> bool {
        self.prefixes
    }
}

#[derive(Debug)]
struct Act {
    kl: f64,
    temperature: f64,
    latent: i64,
    chunk: i64,
    action: i64,
    recognizer: Recognizer,
    latent_in: Linear,
    seen_in: Linear,
    places: Tensor,
    encoder: Vec<Block>,
    queries: Tensor,
    given_in: Option<Linear>,
    decoder: Vec<Block>,
    out: Linear,
}

/// Reads off a demonstration what the observation does not say.
#[derive(Debug)]
struct Recognizer {
    class: Tensor,
    seen_in: Linear,
    actions_in: Linear,
    places: Tensor,
    blocks: Vec<Block>,
    out: Linear,
}

/// The head.
pub fn build(config: &Config, shape: &Shape, site: &Site<'_>) -> Box<dyn Head> {
    let size = Size { width: config.width.into(), heads: config.heads.into(), inner: config.inner.into() };
    let (width, latent) = (size.width, i64::from(config.latent));
    let given_in = || Linear::new(&site.at("given_in"), shape.action + 1, width);
    let encoding = |layer| Block::alone(&site.at("encoder").at(layer), size, Order::After);
    let decoding = |layer| Block::with_memory(&site.at("decoder").at(layer), size, Order::After);
    Box::new(Act {
        kl: config.kl,
        temperature: config.temperature,
        latent,
        chunk: shape.chunk,
        action: shape.action,
        recognizer: Recognizer::new(config, shape, size, &site.at("recognizer")),
        latent_in: Linear::new(&site.at("latent_in"), latent, width),
        seen_in: Linear::new(&site.at("seen_in"), shape.width, width),
        places: site.normal("places", &[1 + shape.tokens, width], 0.02),
        encoder: (0..config.layers).map(encoding).collect(),
        queries: site.normal("queries", &[shape.chunk, width], 1.0),
        given_in: config.prefixes.then(given_in),
        decoder: (0..config.decoders).map(decoding).collect(),
        out: Linear::new(&site.at("out"), width, shape.action),
    })
}

impl Recognizer {
    fn new(config: &Config, shape: &Shape, size: Size, site: &Site<'_>) -> Self {
        let block = |layer| Block::alone(&site.at("block").at(layer), size, Order::After);
        Self {
            class: site.normal("class", &[1, 1, size.width], 0.02),
            seen_in: Linear::new(&site.at("seen_in"), shape.width, size.width),
            actions_in: Linear::new(&site.at("actions_in"), shape.action, size.width),
            places: site.normal("places", &[2 + shape.chunk, size.width], 0.02),
            blocks: (0..config.recognizers).map(block).collect(),
            out: Linear::new(&site.at("out"), size.width, 2 * i64::from(config.latent)),
        }
    }

    /// Mean and logarithm of the variance, `[B, latent]` each.
    fn forward(&self, seen: &Encoding, target: &Target<'_>) -> (Tensor, Tensor) {
        let class = self.class.expand([target.actions.size()[0], -1, -1], false);
        let known = self.seen_in.forward(&seen.pooled).unsqueeze(1);
        let mut x = Tensor::cat(&[class, known, self.actions_in.forward(target.actions)], 1) + &self.places;
        let real = target.real.gt(0.5).constant_pad_nd([2, 0]);
        let first_two = Tensor::arange(2 + target.real.size()[1], (Kind::Int64, x.device())).lt(2);
        let visible = real.logical_or(&first_two);
        for block in &self.blocks {
            x = block.forward(&x, Sight::Where(&visible), None);
        }
        let halves = self.out.forward(&x.select(1, 0)).chunk(2, 1);
        (halves[0].shallow_clone(), halves[1].shallow_clone())
    }
}

impl Act {
    /// `latent: [B, latent]`.
    fn decode(&self, seen: &Encoding, latent: &Tensor, given: impl FnOnce() -> Given) -> Tensor {
        let latent = self.latent_in.forward(latent).unsqueeze(1);
        let mut x = Tensor::cat(&[latent, self.seen_in.forward(&seen.tokens)], 1) + &self.places;
        for block in &self.encoder {
            x = block.forward(&x, Sight::All, None);
        }
        let mut queries = self.queries.unsqueeze(0);
        if let Some(given_in) = &self.given_in {
            queries = given_in.forward(&given().alone()) + queries;
        }
        let mut queries = self.decoder[0].attend(&queries);
        // Without anything given the first attention is the same for all rows; from here on they differ.
        queries = queries.expand([x.size()[0], -1, -1], false);
        for (layer, block) in self.decoder.iter().enumerate() {
            let memory = block.remember(&x);
            if layer > 0 {
                queries = block.attend(&queries);
            }
            queries = block.finish(&queries, memory.as_ref());
        }
        self.out.forward(&queries)
    }
}

impl Head for Act {
    fn loss(&self, seen: &Encoding, target: &Target<'_>, noise: &mut Noise) -> Loss {
        let (mean, log_variance) = self.recognizer.forward(seen, target);
        let drawn = chance::normal(noise, &mean.size(), &mean);
        let latent = &mean + (&log_variance * 0.5).exp() * drawn;
        let chunk = self.decode(seen, &latent, || Given::of(target));
        let l1 = given::mean(&(chunk - target.actions).abs(), &given::counted(target));
        let far = (&log_variance + 1.0 - mean.square() - log_variance.exp()) * -0.5;
        let kl = far.sum_dim_intlist(1, false, far.kind());
        Loss { each: &l1 + &kl * self.kl, parts: vec![("l1", l1), ("kl", kl)] }
    }

    fn sample(&self, seen: &Encoding, promised: Option<Promised<'_>>, noise: &mut Noise) -> Tensor {
        let dims = [seen.pooled.size()[0], self.chunk, self.action];
        let chunk = tch::no_grad(|| {
            let latent = chance::normal(noise, &[dims[0], self.latent], &seen.pooled) * self.temperature;
            self.decode(seen, &latent, || Given::frozen(promised, dims, &seen.pooled))
        });
        given::kept(chunk, promised.filter(|_| self.given_in.is_some()))
    }

    fn continuing(&self, _guidance: Option<f64>) -> Continuing {
        if self.given_in.is_some() { Continuing::Yes } else { UNTRAINED }
    }
}
