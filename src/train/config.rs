//! The section `train`: how long is trained, with which steps, and what is kept.
//!
//! Where a paper is cited its number is the default; the others are what suits a few hundred demonstrations on a processor. What
//! says when training ends may be combined: whichever comes first ends it.

use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where nothing says when training ends.
const STEPS: u64 = 20_000;

/// The section `train`.
///
/// ```yaml
/// train: {batch: 64, steps: 20000, rate: 1.0e-4, ema: 0.999, validation: {every: 500, patience: 10}}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Config {
    /// What all chance of the run follows from.
    pub seed: u64,
    /// Windows a batch.
    pub batch: usize,
    /// Batches a step, whose gradients are added up.
    pub accumulate: u64,
    /// Ends after so many steps; after 20000 where nothing else ends it either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Ends when every window was seen so many times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// Ends after so many minutes. The rate then follows the clock, and two runs differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// The greatest rate of learning.
    pub rate: f64,
    /// The rate at the end, as a share of the greatest.
    pub last_rate: f64,
    /// Steps until the greatest rate is reached.
    pub warm_up: u64,
    /// What AdamW keeps of the gradients' mean and of the mean of their squares.
    pub betas: [f64; 2],
    /// What AdamW adds to the root of the mean square.
    pub epsilon: f64,
    /// The share of a weight that a step of rate 1 takes away. Biases and norms, which have one dimension, do not decay.
    pub decay: f64,
    /// Gradients with a larger norm are scaled to it (Pascanu et al. 2013); 0 lets all pass.
    pub clip: f64,
    /// The most that the average keeps at a step; 0 goes without an average.
    pub ema: f64,
    /// How fast the average comes to keep that much.
    pub ema_power: f64,
    /// How many policies are trained side by side, each from a seed of its own.
    pub ensemble: usize,
    /// A run or a checkpoint whose weights the first step begins with; its network is the same, and so is what its numbers are
    /// scaled by. Moments, averages and schedule begin anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// Whether the policy's doubt is calibrated on the held-out episodes when training is over; where nothing is said, if
    /// `control.gate.doubt` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibrate: Option<bool>,
    /// How the held-out episodes are used.
    pub validation: Validation,
    /// Steps between two lines of metrics.
    pub log_every: u64,
    /// Steps between two checkpoints in `last`.
    pub save_every: u64,
    /// What is computed in.
    pub precision: Precision,
    /// libtorch's threads; its own choice where unsaid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u16>,
    /// Batches that are made ready in advance.
    pub ahead: usize,
}

/// How the held-out episodes are used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Validation {
    /// Steps between two validations.
    pub every: u64,
    /// The most batches a validation looks at.
    pub batches: usize,
    /// Ends when so many validations in a row brought nothing better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<u32>,
    /// What is kept as the best.
    pub best: Best,
}

/// What is kept as the best policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Best {
    /// The one with the least loss on held-out episodes.
    #[default]
    Loss,
    /// The last one. What a policy does in a loop of its own making has little to do with its loss on demonstrations (Mandlekar et al.
    /// 2021, "What Matters in Learning from Offline Human Demonstrations", section 5): `diffusion` and `flow` go on getting better
    /// long after it rises again.
    Last,
}

/// What is computed in. Weights, moments and averages are 32 bits wide either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// bfloat16 on CUDA, 32 bits elsewhere.
    #[default]
    Auto,
    /// 32 bits.
    Float,
    /// bfloat16, on a processor too, where it is slow: to find out what it does to a policy.
    Bfloat16,
}

impl Default for Validation {
    fn default() -> Self {
        Self { every: 500, batches: 50, patience: None, best: Best::Loss }
    }
}

impl Default for Config {
    /// Rate, warm-up, decay, betas and averaging as in Diffusion Policy (Chi et al. 2023, table 8 and its code), epsilon as in
    /// Adam (Kingma and Ba 2015).
    fn default() -> Self {
        Self {
            seed: 0,
            batch: 64,
            accumulate: 1,
            steps: None,
            epochs: None,
            minutes: None,
            rate: 1e-4,
            last_rate: 0.0,
            warm_up: 500,
            betas: [0.95, 0.999],
            epsilon: 1e-8,
            decay: 1e-6,
            clip: 1.0,
            ema: 0.9999,
            ema_power: 0.75,
            ensemble: 1,
            from: None,
            calibrate: None,
            validation: Validation::default(),
            log_every: 50,
            save_every: 1000,
            precision: Precision::Auto,
            threads: None,
            ahead: 4,
        }
    }
}

/// A number that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key} is {value}, which is not {wanted}")]
pub struct Error {
    key: &'static str,
    value: f64,
    wanted: &'static str,
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let config = Self::deserialize(from)?;
        config.check().map_err(D::Error::custom)?;
        Ok(config)
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, to)
    }
}

impl Config {
    /// The number of steps to go, where a number ends the run: by steps, or by epochs of so many batches.
    pub fn most_steps(&self, batches_an_epoch: u64) -> Option<u64> {
        let epochs = self.epochs.map(|epochs| {
            let batches = (epochs * batches_an_epoch as f64).ceil().max(1.0) as u64;
            batches.div_ceil(self.accumulate)
        });
        let said = self.steps.into_iter().chain(epochs).min();
        said.or(self.minutes.is_none().then_some(STEPS))
    }

    /// Whether the numbers can be.
    pub fn check(&self) -> Result<(), Error> {
        let limit = |value: Option<f64>| value.unwrap_or(1.0);
        let below_one = |value: f64| (0.0..1.0).contains(&value);
        let above_zero = |value: f64| value > 0.0 && value.is_finite();
        let counted = "a number above 0";
        let share = "in [0, 1)";
        let patience = self.validation.patience;
        let needless = patience.is_none() || self.validation.best == Best::Loss;
        let patience = patience.unwrap_or(1);
        for (key, value, fits, wanted) in [
            ("batch", self.batch as f64, self.batch > 0, counted),
            ("accumulate", self.accumulate as f64, self.accumulate > 0, counted),
            ("steps", self.steps.unwrap_or(1) as f64, self.steps != Some(0), counted),
            ("epochs", limit(self.epochs), above_zero(limit(self.epochs)), counted),
            ("minutes", limit(self.minutes), above_zero(limit(self.minutes)), counted),
            ("rate", self.rate, above_zero(self.rate), counted),
            ("last_rate", self.last_rate, (0.0..=1.0).contains(&self.last_rate), "in [0, 1]"),
            ("betas", self.betas[0], below_one(self.betas[0]), share),
            ("betas", self.betas[1], below_one(self.betas[1]), share),
            ("epsilon", self.epsilon, above_zero(self.epsilon), counted),
            ("decay", self.decay, self.decay >= 0.0 && self.decay.is_finite(), "a number from 0 on"),
            ("clip", self.clip, self.clip >= 0.0 && self.clip.is_finite(), "a number from 0 on"),
            ("ema", self.ema, below_one(self.ema), share),
            ("ema_power", self.ema_power, above_zero(self.ema_power), counted),
            ("ensemble", self.ensemble as f64, (1..=100).contains(&self.ensemble), "from 1 to 100"),
            ("validation.every", self.validation.every as f64, self.validation.every > 0, counted),
            ("validation.batches", self.validation.batches as f64, self.validation.batches > 0, counted),
            ("validation.patience", patience.into(), patience > 0, counted),
            ("validation.patience", patience.into(), needless, "needed where `best` is `last`"),
            ("log_every", self.log_every as f64, self.log_every > 0, counted),
            ("save_every", self.save_every as f64, self.save_every > 0, counted),
            ("threads", self.threads.unwrap_or(1).into(), self.threads != Some(0), counted),
            ("ahead", self.ahead as f64, (1..=64).contains(&self.ahead), "from 1 to 64"),
        ] {
            if !fits {
                return Err(Error { key, value, wanted });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn what_is_not_said_is_the_default_and_what_is_written_reads_back() -> Result<(), serde_json::Error> {
        let config = read(r#"{"batch": 8, "minutes": 3, "validation": {"patience": 4}}"#)?;
        assert_eq!((config.batch, config.minutes, config.rate), (8, Some(3.0), 1e-4));
        assert_eq!(config.validation, Validation { patience: Some(4), ..Validation::default() });
        assert_eq!(read(&serde_json::to_string(&config)?)?, config);
        Ok(())
    }

    #[test]
    fn what_cannot_be_is_refused_in_words() {
        let refused = |text| read(text).expect_err("it cannot be").to_string();
        assert!(refused(r#"{"batch": 0}"#).contains("batch is 0, which is not a number above 0"));
        assert!(refused(r#"{"validation": {"patience": 0}}"#).contains("validation.patience is 0"));
        assert!(refused(r#"{"ema": 1.0}"#).contains("ema is 1, which is not in [0, 1)"));
        assert!(
            refused(r#"{"validation": {"best": "last", "patience": 3}}"#)
                .contains("validation.patience is 3")
        );
        assert!(refused(r#"{"rte": 1.0}"#).contains("unknown field `rte`"));
    }

    #[test]
    fn what_comes_first_ends_the_run() -> Result<(), serde_json::Error> {
        assert_eq!(read("{}")?.most_steps(100), Some(STEPS));
        assert_eq!(read(r#"{"minutes": 1}"#)?.most_steps(100), None);
        assert_eq!(read(r#"{"steps": 70, "epochs": 1.5}"#)?.most_steps(100), Some(70));
        assert_eq!(read(r#"{"steps": 700, "epochs": 1.5, "accumulate": 4}"#)?.most_steps(100), Some(38));
        Ok(())
    }
}
