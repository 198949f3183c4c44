//! Diffusion: a chunk is found by taking noise away, step by step.
//!
//! Diffusion Policy (Chi et al. 2023, equations 1 to 5) with the noising of Nichol and Dhariwal 2021; sampled as Ho et al. 2020
//! (`ddpm`, every step of training) or Song et al. 2021 (`ddim`, few of them). What the network sees coming is kept within `clip`
//! at every step, and the noise is what is left beside it.
//!
//! Guidance is that of a flow in other variables: with τ = √ᾱ / (√ᾱ + √(1 − ᾱ)) the noisy chunk of a flow is ours divided by
//! √ᾱ + √(1 − ᾱ), so the pull on the coming chunk has the factor √(1 − ᾱ).

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::given;
use super::heeding::{Asked, Heeding};
use super::{Continuing, Head, Loss, Promised, Shape, Target};
use crate::nn::denoiser;
use crate::nn::fits::{self, checked, fits, not_negative, some};
use crate::nn::solver::{Down, Noising, Says};
use crate::nn::{Encoding, Site, chance};
use crate::noise::Noise;

/// How it denoises. The paper trains on 100 steps and acts with 16 to 100 of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Config {
    /// Its network.
    pub network: denoiser::Config,
    /// Steps of noising.
    pub steps: u32,
    /// What the network says.
    pub target: Says,
    /// How it is sampled.
    pub sampler: Sampler,
    /// The largest number of a chunk, normalized.
    pub clip: f64,
    /// The most that guidance multiplies an error by (β of Black et al. 2025); zero leaves it off.
    pub guidance: f64,
    /// Whether it learns to go on from the first steps of a chunk.
    pub prefixes: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            network: denoiser::Config::default(),
            steps: 100,
            target: Says::Epsilon,
            sampler: Sampler::Ddim(Steps::default()),
            clip: 1.0,
            guidance: 5.0,
            prefixes: false,
        }
    }
}

/// How a chunk is sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Sampler {
    /// Every step, with new noise in each.
    Ddpm {},
    /// A few steps without new noise.
    Ddim(Steps),
}

/// How many steps a sampler takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Steps {
    /// At most as many as were trained on.
    pub steps: u32,
}

impl Default for Steps {
    fn default() -> Self {
        Self { steps: 10 }
    }
}

checked!(Config);
checked!(Steps);

impl Steps {
    fn check(&self) -> Result<(), fits::Error> {
        some("steps", self.steps)
    }
}

impl Config {
    fn check(&self) -> Result<(), fits::Error> {
        some("steps", self.steps)?;
        fits("clip", &self.clip, "more than 0", self.clip > 0.0)?;
        not_negative("guidance", self.guidance)
    }

    pub(super) fn prefixes(&self) -> bool {
        self.prefixes
    }
}

#[derive(Debug)]
struct Diffusion {
    config: Config,
    noising: Noising,
    network: Heeding,
}

/// The head.
pub fn build(config: &Config, shape: &Shape, site: &Site<'_>) -> Box<dyn Head> {
    Box::new(Diffusion {
        config: config.clone(),
        noising: Noising::new(config.steps),
        network: Heeding::new(&config.network, shape, config.guidance, config.prefixes, site),
    })
}

impl Diffusion {
    /// The chunk that comes of `noisy`, of which the share `kept` is left, when it is asked the `number`th time.
    fn coming(&self, asked: &Asked<'_>, noisy: &Tensor, kept: f64, number: i64) -> Tensor {
        let mix = self.config.target.chunk(kept);
        let estimate = |noisy: &Tensor| noisy * mix.of_noisy + asked.said(noisy, number) * mix.of_said;
        let coming = match &asked.guide {
            Some(guide) => {
                let (coming, way) = guide.pull(noisy, estimate);
                let (signal, rest) = (kept.sqrt(), (1.0 - kept).sqrt());
                // The flow's noisy chunk is ours over signal + rest, in which both shares sum to one.
                let whole = signal + rest;
                coming + way * (rest * guide.strength(signal / whole, rest / whole))
            }
            None => estimate(noisy),
        };
        coming.clamp(-self.config.clip, self.config.clip)
    }

    /// The steps of noising at which the sampler stands, from the noisiest, and how it goes down from each.
    fn way(&self) -> Vec<(usize, Down)> {
        let steps = match &self.config.sampler {
            Sampler::Ddpm {} => self.noising.steps(),
            Sampler::Ddim(Steps { steps }) => *steps as usize,
        };
        let steps = self.noising.chosen(steps);
        let down = |(number, step): (usize, &usize)| {
            let (kept, next) =
                (self.noising.kept(Some(*step)), self.noising.kept(steps.get(number + 1).copied()));
            match self.config.sampler {
                Sampler::Ddpm {} => (*step, Down::ddpm(kept, next)),
                Sampler::Ddim(_) => (*step, Down::ddim(kept, next)),
            }
        };
        steps.iter().enumerate().map(down).collect()
    }
}

impl Head for Diffusion {
    fn loss(&self, seen: &Encoding, target: &Target<'_>, noise: &mut Noise) -> Loss {
        let actions = &given::held(target);
        let steps = chance::below(noise, actions.size()[0], self.noising.steps());
        let kept: Vec<f64> =
            steps.iter().map(|step| self.noising.kept(usize::try_from(*step).ok())).collect();
        let column = |of: &dyn Fn(f64) -> f64| {
            let values: Vec<f64> = kept.iter().map(|kept| of(*kept)).collect();
            chance::given(&values, actions).view([-1, 1, 1])
        };
        let drawn = chance::normal(noise, &actions.size(), actions);
        let noisy = actions * column(&|kept| kept.sqrt()) + &drawn * column(&|kept| (1.0 - kept).sqrt());
        let times = Tensor::from_slice(&steps).to_device(actions.device()).to_kind(actions.kind());
        let wanted = match self.config.target {
            Says::Epsilon => drawn,
            Says::Sample => actions.shallow_clone(),
            Says::Velocity => {
                let shares = |kept| Says::Velocity.target(kept);
                actions * column(&|kept| shares(kept).0) + drawn * column(&|kept| shares(kept).1)
            }
        };
        self.network.loss(seen, target, &noisy, &times, &wanted)
    }

    fn sample(&self, seen: &Encoding, promised: Option<Promised<'_>>, noise: &mut Noise) -> Tensor {
        let way = self.way();
        let times: Vec<f64> = way.iter().map(|(step, _)| *step as f64).collect();
        self.network.sample(seen, promised, &times, |asked, dims| {
            let mut noisy = chance::normal(noise, &dims, &seen.pooled);
            for (number, (step, down)) in (0..).zip(&way) {
                let coming = self.coming(asked, &noisy, self.noising.kept(Some(*step)), number);
                noisy = coming * down.of_chunk + noisy * down.of_noisy;
                if down.fresh > 0.0 {
                    noisy += chance::normal(noise, &dims, &seen.pooled) * down.fresh;
                }
            }
            noisy
        })
    }

    fn continuing(&self, guidance: Option<f64>) -> Continuing {
        self.network.continuing(guidance)
    }
}
