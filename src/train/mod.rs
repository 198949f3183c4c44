//! Training: from recordings to a policy that can be judged, kept and gone on with.
//!
//! The loop is on this page: a batch made ready on another thread, one step down, and at intervals a line of metrics, a look at
//! episodes that are not learned from, a checkpoint. Whatever moment a run is killed at, it can go on, and on a processor it
//! comes to the same weights to the bit as if it had not been: all chance follows from the seed and the number of the step.

mod batches;
mod chance;
mod config;
pub mod doubts;
mod error;
pub mod errors;
#[cfg(feature = "sim")]
pub mod evaluate;
pub mod events;
mod fault;
#[cfg(feature = "sim")]
pub mod film;
mod folder;
mod from;
#[cfg(feature = "sim")]
pub mod interact;
pub mod interval;
mod judge;
pub mod loader;
mod member;
mod meter;
pub mod metrics;
pub mod optimize;
mod outcome;
pub mod report;
mod run;
mod schedule;
pub mod state;
mod wanted;

use std::path::Path;
use std::thread;
use std::time::Duration;

use tch::Device;

pub use config::{Best, Config, Precision, Validation};
pub use error::Error;
pub use folder::Folder;
pub use from::check as check_beginning;
pub use judge::{Errors, Judgement};
pub use meter::Meter;
pub use outcome::{Ended, Outcome};
pub use schedule::Schedule;

use crate::data::{Statistics, Windows};
use crate::policy::checkpoint::Origin;
use crate::policy::{Ensemble, Policy, Spec};
use batches::Batches;
use loader::Loader;
use report::Facts;
use run::Run;

/// What is to be trained.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// How.
    pub config: &'a Config,
    /// What.
    pub spec: &'a Spec,
    /// How the numbers are spread in what is learned from.
    pub statistics: &'a Statistics,
    /// The windows of the episodes that are learned from.
    pub learned: &'a Windows,
    /// The windows of the episodes that are held out, as they are, without variation; none where none are held out.
    pub held_out: Option<&'a Windows>,
    /// The whole of the settings, as YAML, for the run and its checkpoints.
    pub settings: &'a str,
    /// What the recordings are, for the checkpoints.
    pub origin: &'a Origin,
    /// What is told of the run on its page.
    pub facts: &'a Facts,
    /// The policy to begin from, for the same network, statistics and number of members; nothing has been learned yet without one.
    pub from: Option<&'a Ensemble>,
    /// Where to compute.
    pub device: Device,
    /// The run's folder.
    pub out: &'a Path,
    /// Whether to go on with the run that is in it.
    pub resume: bool,
}

/// How far a run has come, for whoever waits for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// Steps that are done.
    pub step: u64,
    /// The share of the run that is over, from 0 to 1.
    pub share: f64,
    /// Samples a second, since the last line of metrics.
    pub samples_a_second: f64,
    /// How much longer it will take, by how long it took.
    pub left: Duration,
    /// The loss of the last line of metrics.
    pub loss: Option<f64>,
    /// The result of the last look at held-out episodes.
    pub validation: Option<f64>,
}

/// Says how good policies are, more being better.
pub type Evaluate<'a> = dyn FnMut(&[&Policy]) -> f64 + 'a;

/// Who waits for a run.
pub struct Watch<'a> {
    /// Is told after every step.
    pub told: &'a mut dyn FnMut(&Told),
    /// Whether the run shall end after this step.
    pub stop: &'a dyn Fn() -> bool,
    /// Says how good policies are, more being better, where the loss on held-out episodes is not to say it.
    pub evaluate: Option<&'a mut Evaluate<'a>>,
}

/// Trains, from the beginning or from where the run in the folder is.
pub fn train(job: &Job<'_>, watch: &mut Watch<'_>) -> Result<Outcome, Error> {
    job.config.check()?;
    if let Some(threads) = job.config.threads {
        tch::set_num_threads(threads.into());
    }
    let mut batches = Batches::new(job.learned, job.config.seed, job.config.batch, job.config.ensemble);
    let mut run = Run::begin(job, batches.an_epoch())?;
    let ended = thread::scope(|scope| -> Result<Ended, Error> {
        let numbers = run.first_batch()..u64::MAX;
        let loader =
            Loader::start(scope, numbers, job.config.ahead, |number, ready| batches.make(number, ready))
                .map_err(|source| Error::Thread { source })?;
        loop {
            if let Some(ended) = run.over(watch) {
                return Ok(ended);
            }
            run.step(&loader)?;
            if run.is_due(job.config.log_every) {
                run.log()?;
            }
            if run.is_due(job.config.validation.every) {
                run.aside(|run| run.look(watch))?;
            }
            if run.is_due(job.config.save_every) {
                run.aside(Run::save)?;
            }
            (watch.told)(&run.told());
        }
    })?;
    run.end(ended, watch)
}
