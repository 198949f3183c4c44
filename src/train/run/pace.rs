//! How long a run has gone on, how much of it is over, and how fast it goes.
//!
//! A run that is gone on with counts the time of all its pieces; how fast it goes is told of the steps since the last line of
//! metrics, so that a machine that others come to use shows; what is done beside learning does not slow it down.

use std::time::{Duration, Instant};

use crate::train::Config;

/// The time of a run.
#[derive(Debug)]
pub(super) struct Pace {
    /// When this piece of it began, and the seconds before that.
    begun: (Instant, f64),
    /// When the last line was written, and after which step.
    logged: (Instant, u64),
    /// How fast it went until then.
    before: f64,
    /// Where a number of steps ends it.
    most: Option<u64>,
    /// Where the clock ends it.
    minutes: Option<f64>,
    /// How many samples are learned from in a step.
    samples: f64,
}

impl Pace {
    /// Of a run that is `step` steps and `seconds` old.
    pub(super) fn new(config: &Config, most: Option<u64>, step: u64, seconds: f64) -> Self {
        let samples = config.batch as f64 * config.accumulate as f64 * config.ensemble as f64;
        let now = Instant::now();
        Self {
            begun: (now, seconds),
            logged: (now, step),
            before: 0.0,
            most,
            minutes: config.minutes,
            samples,
        }
    }

    /// How long it has gone on.
    pub(super) fn seconds(&self) -> f64 {
        self.begun.0.elapsed().as_secs_f64() + self.begun.1
    }

    /// The share of it that is over after `step`.
    pub(super) fn share(&self, step: u64) -> f64 {
        let by_steps = self.most.map(|most| step as f64 / most as f64);
        let by_clock = self.minutes.map(|minutes| self.seconds() / (60.0 * minutes));
        by_steps.into_iter().chain(by_clock).fold(0.0, f64::max).min(1.0)
    }

    /// Whether it has made all its steps.
    pub(super) fn out_of_steps(&self, step: u64) -> bool {
        self.most.is_some_and(|most| step >= most)
    }

    /// Whether its time is up.
    pub(super) fn out_of_time(&self) -> bool {
        self.minutes.is_some_and(|minutes| self.seconds() >= 60.0 * minutes)
    }

    /// How fast it has gone since the last line; until there is a step since then, as before it.
    pub(super) fn samples_a_second(&self, step: u64) -> f64 {
        let (since, logged) = self.logged;
        match step - logged {
            0 => self.before,
            steps => steps as f64 * self.samples / since.elapsed().as_secs_f64().max(1e-9),
        }
    }

    /// A line is written after `step`.
    pub(super) fn log(&mut self, step: u64) {
        self.before = self.samples_a_second(step);
        self.logged = (Instant::now(), step);
    }

    /// Something else was done for so long.
    pub(super) fn aside(&mut self, took: Duration) {
        self.logged.0 += took;
    }
}
