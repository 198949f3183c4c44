//! What came of the steps of a round, as it is kept.
//!
//! Each is the content of a file that says that its step is done, so a name here is a name in a folder that somebody has.

use std::path::PathBuf;

use apprentice::train::interact::Tally;
use clap::Args;
use serde::{Deserialize, Serialize};

/// What a collection came to.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Collected {
    /// Who drove.
    pub(super) tally: Tally,
    /// At how many ticks the expert said what he would do, for learning or for calibration.
    pub(super) labels: u64,
}

/// What came of training.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trained {
    /// Its steps.
    pub(super) steps: u64,
    /// How long it took.
    pub(super) seconds: f64,
}

/// How good a policy is alone.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Judged {
    /// The share of attempts that succeed.
    pub(super) share: f64,
    /// Where the truth lies, with 95 % confidence.
    pub(super) interval: [f64; 2],
    /// The mean score.
    pub(super) score: f64,
    /// The first attempts, as they were filmed, where any were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) films: Vec<Filmed>,
}

/// An attempt that was filmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filmed {
    /// What everything by chance in it followed from.
    pub(super) seed: u64,
    /// Whether the task was done.
    pub(super) success: bool,
    /// How long it took.
    pub(super) seconds: f64,
    /// The file, beside what tells of it.
    pub(super) file: PathBuf,
}

/// A corrected attempt that is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Corrected {
    /// The film.
    pub(super) filmed: Filmed,
    /// Who drove for how many seconds, one after another.
    pub(super) turns: Vec<(u8, f64)>,
    /// How high the tool was, m, at instants that are evenly spread over the attempt.
    pub(super) heights: Vec<f64>,
}

/// A command of this program, as its user would give it.
pub(crate) fn words<T: Args>(said: &[String]) -> anyhow::Result<T> {
    let command = T::augment_args(clap::Command::new("apprentice").no_binary_name(true));
    Ok(T::from_arg_matches(&command.try_get_matches_from(said)?)?)
}
