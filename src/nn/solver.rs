//! Ways from noise to a chunk: the steps of diffusion models and of flows, as plain numbers.
//!
//! Every step is a handful of coefficients that depend on the time and on nothing else. They are worked out here in double
//! precision; a head multiplies its tensors by them.

use std::f64::consts::FRAC_PI_2;

use serde::{Deserialize, Serialize};

/// The offset of the squared cosine at the start (Nichol and Dhariwal 2021, equation 17).
const OFFSET: f64 = 0.008;
/// The most noise of one step (there too).
const MOST: f64 = 0.999;

/// How much of the chunk is left at each step of noising.
///
/// The squared cosine of Nichol and Dhariwal 2021 (equation 17), which Diffusion Policy uses: ᾱₜ = cos²((t/T + s)/(1 + s) · π/2),
/// scaled to begin at 1.
#[derive(Clone, Debug)]
pub struct Noising {
    /// ᾱ of every step, falling.
    kept: Vec<f64>,
}

impl Noising {
    /// Over `steps` steps.
    pub fn new(steps: u32) -> Self {
        let wave = |step: u32| {
            let turn = (f64::from(step) / f64::from(steps) + OFFSET) / (1.0 + OFFSET) * FRAC_PI_2;
            turn.cos().powi(2)
        };
        let share = |step| 1.0 - (1.0 - wave(step + 1) / wave(step)).min(MOST);
        let kept = (0..steps).scan(1.0, |kept, step| {
            *kept *= share(step);
            Some(*kept)
        });
        Self { kept: kept.collect() }
    }

    /// ᾱ after `step`; 1 where there is none.
    pub fn kept(&self, step: Option<usize>) -> f64 {
        step.map_or(1.0, |step| self.kept[step])
    }

    /// How many steps.
    pub fn steps(&self) -> usize {
        self.kept.len()
    }

    /// `count` of the steps, the noisiest first and evenly down from it: the sampler then begins where training ended
    /// (Lin et al. 2024, section 3.3).
    pub fn chosen(&self, count: usize) -> Vec<usize> {
        let (count, all) = (count.min(self.steps()), self.steps());
        (0..count).map(|number| (all * (count - number)).div_ceil(count) - 1).collect()
    }
}

/// What the network of a diffusion model says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// The noise (Ho et al. 2020, equation 14).
    #[default]
    Epsilon,
    /// The chunk itself.
    Sample,
    /// √ᾱ · noise − √(1 − ᾱ) · chunk (Salimans and Ho 2022, section 4).
    Velocity,
}

/// How a chunk or the noise in it follows from two tensors: `of_noisy · noisy + of_said · said`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// The share of the noisy chunk.
    pub of_noisy: f64,
    /// The share of what the network said.
    pub of_said: f64,
}

impl Says {
    /// What it is to say of a chunk and its noise: `(share of the chunk, share of the noise)`.
    pub fn target(self, kept: f64) -> (f64, f64) {
        match self {
            Self::Epsilon => (0.0, 1.0),
            Self::Sample => (1.0, 0.0),
            Self::Velocity => (-(1.0 - kept).sqrt(), kept.sqrt()),
        }
    }

    /// The chunk, as far as it is known from what was said.
    pub fn chunk(self, kept: f64) -> Mix {
        let (signal, noise) = (kept.sqrt(), (1.0 - kept).sqrt());
        match self {
            Self::Epsilon => Mix { of_noisy: 1.0 / signal, of_said: -noise / signal },
            Self::Sample => Mix { of_noisy: 0.0, of_said: 1.0 },
            Self::Velocity => Mix { of_noisy: signal, of_said: -noise },
        }
    }
}

/// One step down: `next = of_chunk · chunk + of_noisy · noisy + fresh · new noise`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Down {
    /// The share of the chunk as far as it is known.
    pub of_chunk: f64,
    /// The share of the noisy chunk.
    pub of_noisy: f64,
    /// The deviation of the noise that is added.
    pub fresh: f64,
}

impl Down {
    /// The deterministic step of Song et al. 2021 (equation 12 with σ = 0) from `kept` to `next`; the noise is what is left of
    /// the noisy chunk without the chunk.
    pub fn ddim(kept: f64, next: f64) -> Self {
        let of_noisy = ((1.0 - next) / (1.0 - kept)).sqrt();
        Self { of_chunk: next.sqrt() - of_noisy * kept.sqrt(), of_noisy, fresh: 0.0 }
    }

    /// The step of Ho et al. 2020 (equations 6 and 7, the smaller variance) from `kept` to `next`.
    pub fn ddpm(kept: f64, next: f64) -> Self {
        let share = kept / next;
        let (left, gone) = ((1.0 - next) / (1.0 - kept), 1.0 - share);
        Self {
            of_chunk: next.sqrt() * gone / (1.0 - kept),
            of_noisy: share.sqrt() * left,
            fresh: (left * gone).sqrt(),
        }
    }
}

/// How a flow is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Straight on for each step.
    #[default]
    Euler,
    /// With the direction found half a step ahead: two questions a step.
    Midpoint,
}

impl Flow {
    /// The times at which the network is asked, in order; two for each of the `steps` with [`Midpoint`](Self::Midpoint).
    pub fn times(self, steps: u32) -> Vec<f64> {
        let questions = self.questions() * steps;
        (0..questions).map(|number| f64::from(number) / f64::from(questions)).collect()
    }

    /// How often the network is asked in one step.
    pub fn questions(self) -> u32 {
        match self {
            Self::Euler => 1,
            Self::Midpoint => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noising_begins_near_the_chunk_and_ends_near_noise() {
        let noising = Noising::new(100);
        assert!((noising.kept(None) - 1.0).abs() < 1e-15 && noising.kept(Some(0)) > 0.999);
        assert!(noising.kept(Some(99)) < 1e-5, "{}", noising.kept(Some(99)));
        assert!(noising.kept.windows(2).all(|pair| pair[1] < pair[0]));
    }

    #[test]
    fn the_chosen_steps_begin_at_the_noisiest_and_are_spread_evenly() {
        let noising = Noising::new(100);
        assert_eq!(noising.chosen(10), [99, 89, 79, 69, 59, 49, 39, 29, 19, 9]);
        assert_eq!(noising.chosen(3), [99, 66, 33]);
        assert_eq!(noising.chosen(1000), (0..100).rev().collect::<Vec<_>>());
    }

    #[test]
    fn what_the_network_is_to_say_gives_the_chunk_back() {
        let (chunk, noise, kept) = (0.3, -1.2, 0.4_f64);
        let noisy = kept.sqrt() * chunk + (1.0 - kept).sqrt() * noise;
        for says in [Says::Epsilon, Says::Sample, Says::Velocity] {
            let (of_chunk, of_noise) = says.target(kept);
            let mix = says.chunk(kept);
            let back = mix.of_noisy * noisy + mix.of_said * (of_chunk * chunk + of_noise * noise);
            assert!((back - chunk).abs() < 1e-12, "{says:?}: {back}");
        }
    }

    #[test]
    fn both_steps_keep_to_the_noise_of_where_they_go() {
        let (kept, next) = (0.3, 0.5_f64);
        for down in [Down::ddim(kept, next), Down::ddpm(kept, next)] {
            // With the chunk known, what is left of it is √next, and of independent noise 1 − next.
            let signal = down.of_chunk + down.of_noisy * kept.sqrt();
            let variance = down.of_noisy.powi(2) * (1.0 - kept) + down.fresh.powi(2);
            assert!(
                (signal - next.sqrt()).abs() < 1e-12 && (variance - (1.0 - next)).abs() < 1e-12,
                "{down:?}"
            );
        }
        assert!(Down::ddpm(kept, 1.0).fresh.abs() < 1e-12, "the last step adds nothing");
    }

    #[test]
    fn a_flow_is_asked_once_or_twice_a_step() {
        assert_eq!(Flow::Euler.times(4), [0.0, 0.25, 0.5, 0.75]);
        assert_eq!(Flow::Midpoint.times(2), [0.0, 0.25, 0.5, 0.75]);
        assert_eq!(Flow::Midpoint.times(10).len(), 20);
    }
}
