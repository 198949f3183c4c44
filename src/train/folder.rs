//! A run's folder and where in it everything is.
//!
//! ```text
//! RUN/config.yaml           the resolved settings
//!     metrics.jsonl         what was measured, a line each
//!     report.html           the same, drawn
//!     events.out.tfevents…  the same, for TensorBoard
//!     best/  last/          checkpoints
//!     resume.safetensors    what the run goes on from
//!     bad_batch.json        the batch that ended it, where one did
//! ```
//!
//! A folder with a run is never written to by accident: a second run needs another folder, or has to be asked to go on.

use std::fs;
use std::path::{Path, PathBuf};

use super::Error;

/// What a run leaves behind, and by which a folder is known to have one.
const TRACES: &[&str] = &["config.yaml", "metrics.jsonl", "resume.safetensors", "best", "last"];

/// A run's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// For a run that begins, or goes on if `resume` says so; a folder that has none may be told to go on too, and begins.
    pub fn open(path: &Path, resume: bool) -> Result<Self, Error> {
        Self::check(path, resume)?;
        fs::create_dir_all(path).map_err(|source| Error::Disk { path: path.to_owned(), source })?;
        Ok(Self(path.to_owned()))
    }

    /// Refuses what [`open`](Self::open) would, and makes nothing.
    pub fn check(path: &Path, resume: bool) -> Result<(), Error> {
        let trace = TRACES.iter().find(|trace| path.join(trace).exists());
        match trace.filter(|_| !resume) {
            Some(trace) => Err(Error::Occupied { path: path.to_owned(), trace }),
            None => Ok(()),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The resolved settings.
    pub fn config(&self) -> PathBuf {
        self.0.join("config.yaml")
    }

    /// The lines of metrics.
    pub fn metrics(&self) -> PathBuf {
        self.0.join("metrics.jsonl")
    }

    /// The page with the curves.
    pub fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }

    /// The checkpoint that was best.
    pub fn best(&self) -> PathBuf {
        self.0.join("best")
    }

    /// The checkpoint of the last step.
    pub fn last(&self) -> PathBuf {
        self.0.join("last")
    }

    /// What the run goes on from.
    pub fn state(&self) -> PathBuf {
        self.0.join("resume.safetensors")
    }

    /// The batch that ended the run.
    pub fn bad_batch(&self) -> PathBuf {
        self.0.join("bad_batch.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_has_a_run_is_refused_unless_it_is_to_go_on() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let run = Folder::open(&folder.path().join("a/run"), false)?;
        assert!(Folder::open(run.path(), false).is_ok(), "nothing is in it yet");
        let other = folder.path().join("other");
        assert!(Folder::check(&other, false).is_ok() && !other.exists(), "looking makes nothing");
        fs::write(run.metrics(), "")?;
        let refused = Folder::open(run.path(), false).expect_err("a run is in it").to_string();
        assert!(refused.contains("metrics.jsonl") && refused.contains("--resume"), "{refused}");
        assert_eq!(Folder::open(run.path(), true)?, run);
        Ok(())
    }
}
