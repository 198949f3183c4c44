//! Steps that are done once: what came of each is a file, and a step whose file is there is not done again.
//!
//! A file appears whole, so there is no moment at which a kill leaves half of a step behind; what a step itself leaves half done, it
//! takes up or clears away when it is begun again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use apprentice::train::interact::Tally;
use clap::Args;
use serde::de::DeserializeOwned;
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

/// What `step` came to the first time it was done, which `file` says. The file is there whole or not at all.
pub(crate) fn once<T: Serialize + DeserializeOwned>(
    file: &Path,
    step: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    match fs::read_to_string(file) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("{file:?}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let done = step()?;
            let part = file.with_extension("part");
            let write = || -> std::io::Result<()> {
                file.parent().map_or(Ok(()), fs::create_dir_all)?;
                let written = fs::File::create(&part)?;
                serde_json::to_writer_pretty(&written, &done)?;
                written.sync_all()?;
                fs::rename(&part, file)
            };
            write().with_context(|| format!("{file:?}"))?;
            Ok(done)
        }
        Err(error) => Err(error).with_context(|| format!("{file:?}")),
    }
}

/// A command of this program, as its user would give it.
pub(crate) fn words<T: Args>(said: &[String]) -> anyhow::Result<T> {
    let command = T::augment_args(clap::Command::new("apprentice").no_binary_name(true));
    Ok(T::from_arg_matches(&command.try_get_matches_from(said)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_done_once_and_a_torn_file_is_none() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("a/step.json");
        let mut done = 0;
        for _ in 0..3 {
            let trained = once(&file, || {
                done += 1;
                Ok(Trained { steps: 7, seconds: 0.5 })
            })?;
            assert_eq!(trained, Trained { steps: 7, seconds: 0.5 });
        }
        assert_eq!(done, 1);
        fs::write(file.with_extension("part"), "{")?;
        assert_eq!(once::<Trained>(&file, || unreachable!("it is done"))?.steps, 7);
        assert!(once::<Trained>(&folder.path().join("b.json"), || anyhow::bail!("it failed")).is_err());
        assert!(!folder.path().join("b.json").exists(), "what failed is done again");
        Ok(())
    }
}
