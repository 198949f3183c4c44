//! What goes wrong with a policy, in words for whoever trains it or stands beside the robot.
//!
//! A checkpoint that is damaged or meant for another robot must be told apart from one that is not there: the first is thrown away,
//! the second brought to its robot, the third looked for.

use std::path::PathBuf;

use crate::arm;
use crate::control::calibrate;

/// What goes wrong with a policy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that does not go with others or with what is seen.
    #[error("{key}: {why}")]
    Setting {
        /// The keys that lead there.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// An observation that no policy may act on.
    #[error("this observation is not acted on: {why}")]
    Observation {
        /// What is wrong with it.
        why: String,
    },
    /// What came out is no chunk of actions.
    #[error("the policy gave no chunk that may be carried out")]
    Chunk(#[from] arm::Error),
    /// Doubt that cannot be measured, or of which nobody knows how much is too much.
    #[error("the policy's doubt: {why}")]
    Doubt {
        /// What is missing.
        why: String,
    },
    /// Episodes that cannot vouch for a threshold.
    #[error("the policy's doubt")]
    Calibration(#[from] calibrate::Error),
    /// libtorch gave up.
    #[error("libtorch failed while {doing}: {why}")]
    Torch {
        /// What the policy was doing.
        doing: &'static str,
        /// What libtorch said.
        why: String,
    },
    /// Neither a checkpoint nor a run.
    #[error("{path:?} is neither a checkpoint nor the folder of a run that has its best in `best`")]
    NoCheckpoint {
        /// The folder.
        path: PathBuf,
    },
    /// A file that cannot be read or written.
    #[error("{doing} {path:?} failed")]
    Disk {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is not what was saved.
    #[error("the checkpoint's file {path:?} is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A policy for a robot that sees or does something else.
    #[error("the policy in {path:?} is not for this robot: {differences}")]
    OtherRobot {
        /// The checkpoint.
        path: PathBuf,
        /// Everything that differs.
        differences: String,
    },
}

impl Error {
    /// Whether the disk had no room left.
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::Disk { source, .. } if source.kind() == std::io::ErrorKind::StorageFull)
    }
}
