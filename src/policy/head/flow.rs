//! Flow matching: a chunk is found by following a field of directions from noise.
//!
//! Along the straight line from noise to a demonstrated chunk, a_τ = (1 − τ) · noise + τ · chunk, the direction is chunk − noise, and
//! a network learns its mean (Lipman et al. 2023, equations 20 to 23; Liu et al. 2023). Fewer steps do than with diffusion.
//! Times may be drawn evenly or, as π0 does (Black et al. 2024, appendix B), more often near the noise, where the choice is made.
//! Instead of the direction the network may say the chunk itself, from which the direction follows: what is demonstrated lies on few
//! dimensions, and noise on all (Li and He 2025, "Back to Basics: Let Denoising Generative Models Denoise").

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::given;
use super::heeding::{Asked, Heeding};
use super::{Continuing, Head, Loss, Promised, Shape, Target};
use crate::nn::denoiser;
use crate::nn::fits::{self, checked, fits, not_negative, some};
use crate::nn::solver;
use crate::nn::{Encoding, Site, chance};
use crate::noise::Noise;

/// A network tells times apart as if the way had so many steps.
const SCALE: f64 = 1000.0;

/// How it flows. π0 takes ten steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Config {
    /// Its network.
    pub network: denoiser::Config,
    /// What the network says.
    pub target: Says,
    /// Steps when acting.
    pub steps: u32,
    /// How each is made.
    pub solver: solver::Flow,
    /// Which times are trained on.
    pub times: Times,
    /// The most that guidance multiplies an error by (β of Black et al. 2025); zero leaves it off.
    pub guidance: f64,
    /// Whether it learns to go on from the first steps of a chunk.
    pub prefixes: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            network: denoiser::Config::default(),
            target: Says::Direction,
            steps: 10,
            solver: solver::Flow::Euler,
            times: Times::Even {},
            guidance: 5.0,
            prefixes: false,
        }
    }
}

/// What a network says of a noisy chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// The way on.
    Direction,
    /// The chunk at its end.
    Sample,
}

/// Which times are trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Times {
    /// All alike.
    Even {},
    /// Those near the noise more often.
    Beta(Beta),
}

/// τ = most · (1 − x) with x from the beta distribution with parameters `alpha` and 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Beta {
    /// How much more often.
    pub alpha: f64,
    /// The latest time.
    pub most: f64,
}

impl Default for Beta {
    fn default() -> Self {
        Self { alpha: 1.5, most: 0.999 }
    }
}

checked!(Config);
checked!(Beta);

impl Beta {
    fn check(&self) -> Result<(), fits::Error> {
        fits("alpha", &self.alpha, "more than 0", self.alpha > 0.0)?;
        fits("most", &self.most, "more than 0 and at most 1", self.most > 0.0 && self.most <= 1.0)
    }
}

impl Config {
    fn check(&self) -> Result<(), fits::Error> {
        some("steps", self.steps)?;
        not_negative("guidance", self.guidance)
    }

    pub(super) fn prefixes(&self) -> bool {
        self.prefixes
    }
}

impl Times {
    fn draw(&self, noise: &mut Noise) -> f64 {
        match self {
            Self::Even {} => noise.unit(),
            // The distribution function of x is x^alpha.
            Self::Beta(Beta { alpha, most }) => most * (1.0 - noise.unit().powf(1.0 / alpha)),
        }
    }
}

#[derive(Debug)]
struct Flow {
    config: Config,
    network: Heeding,
}

/// The head.
pub fn build(config: &Config, shape: &Shape, site: &Site<'_>) -> Box<dyn Head> {
    let network = Heeding::new(&config.network, shape, config.guidance, config.prefixes, site);
    Box::new(Flow { config: config.clone(), network })
}

impl Flow {
    /// The direction at `noisy`, at `time`, which is that of the question `number`.
    fn direction(&self, asked: &Asked<'_>, noisy: &Tensor, time: f64, number: i64) -> Tensor {
        let (left, said) = (1.0 - time, |noisy: &Tensor| asked.said(noisy, number));
        let coming = |noisy: &Tensor| match self.config.target {
            Says::Direction => noisy + said(noisy) * left,
            Says::Sample => said(noisy),
        };
        match (&asked.guide, self.config.target) {
            (Some(guide), _) => {
                let (coming, way) = guide.pull(noisy, coming);
                (coming - noisy) / left + way * guide.strength(time, left)
            }
            (None, Says::Direction) => said(noisy),
            (None, Says::Sample) => (said(noisy) - noisy) / left,
        }
    }
}

impl Head for Flow {
    fn loss(&self, seen: &Encoding, target: &Target<'_>, noise: &mut Noise) -> Loss {
        let actions = &given::held(target);
        let times: Vec<f64> = (0..actions.size()[0]).map(|_| self.config.times.draw(noise)).collect();
        let drawn = chance::normal(noise, &actions.size(), actions);
        let way = actions - &drawn;
        let time = chance::given(&times, actions);
        let noisy = drawn + &way * time.view([-1, 1, 1]);
        let wanted = match self.config.target {
            Says::Direction => &way,
            Says::Sample => actions,
        };
        self.network.loss(seen, target, &noisy, &(time * SCALE), wanted)
    }

    fn sample(&self, seen: &Encoding, promised: Option<Promised<'_>>, noise: &mut Noise) -> Tensor {
        let Config { steps, solver, .. } = self.config;
        let times = solver.times(steps);
        let at: Vec<f64> = times.iter().map(|time| SCALE * time).collect();
        self.network.sample(seen, promised, &at, |asked, dims| {
            let step = 1.0 / f64::from(steps);
            let mut noisy = chance::normal(noise, &dims, &seen.pooled);
            for (number, times) in (0..).zip(times.chunks(solver.questions() as usize)) {
                let direction = match *times {
                    [time, half] => {
                        let ahead = &noisy + self.direction(asked, &noisy, time, 2 * number) * (half - time);
                        self.direction(asked, &ahead, half, 2 * number + 1)
                    }
                    [time, ..] => self.direction(asked, &noisy, time, number),
                    [] => break,
                };
                noisy += direction * step;
            }
            noisy
        })
    }

    fn continuing(&self, guidance: Option<f64>) -> Continuing {
        self.network.continuing(guidance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_times_lie_nearer_to_the_noise() {
        let mut noise = Noise::new(1);
        let mut mean = |times: &Times| (0..10_000).map(|_| times.draw(&mut noise)).sum::<f64>() / 10_000.0;
        assert!((mean(&Times::Even {}) - 0.5).abs() < 0.01);
        // The mean of the beta distribution is alpha / (alpha + 1).
        assert!((mean(&Times::Beta(Beta::default())) - 0.999 * 0.4).abs() < 0.01);
    }
}
