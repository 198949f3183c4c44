//! What goes wrong with training.
//!
//! A disk that is full, a folder that is taken and a loss that is no number are the ones people meet; each says where it happened
//! and what is left.

use std::path::PathBuf;

use tch::TchError;

use super::config;
use crate::{data, policy};

/// What goes wrong with training.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that cannot be.
    #[error("train: {0}")]
    Setting(#[from] config::Error),
    /// libtorch refused.
    #[error("libtorch refused")]
    Torch(#[from] TchError),
    /// The disk refused.
    #[error("{path:?} cannot be read or written")]
    Disk {
        /// What was read or written.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state of a run cannot be read or written.
    #[error("the state {path:?} cannot be read or written")]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TchError,
    },
    /// A file that is not what it was.
    #[error("{path:?} is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A policy that training cannot begin from.
    #[error("training cannot begin from this policy: {why}")]
    Beginning {
        /// What does not fit.
        why: String,
    },
    /// A folder that has a run already.
    #[error(
        "{path:?} has a run already ({trace:?} is there): --resume goes on with it, or name another folder"
    )]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What was found in it.
        trace: &'static str,
    },
    /// A run that has checkpoints and nothing to go on from.
    #[error(
        "{path:?} has checkpoints and not what its run goes on from (resume.safetensors): name another folder; `train.from` begins \
         from a checkpoint"
    )]
    Stateless {
        /// The folder.
        path: PathBuf,
    },
    /// A run that is to go on as something else.
    #[error("{path:?} is a run of something else: {differs}; go on with the same, or name another folder")]
    Foreign {
        /// The state.
        path: PathBuf,
        /// What is not the same.
        differs: &'static str,
    },
    /// The recordings cannot be read, or not as they are needed.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// The policy cannot be made, or refused.
    #[error(transparent)]
    Policy(#[from] policy::Error),
    /// The thread that makes batches is gone.
    #[error("the thread that makes batches ended")]
    Loader,
    /// No thread could be started.
    #[error("no thread can be started")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
    /// The loss is no number any more.
    #[error("the {what} of step {step} is {value}; the batch that made it is in {path:?}")]
    Diverged {
        /// The loss, or the norm of the gradients.
        what: &'static str,
        /// The step.
        step: u64,
        /// What it is.
        value: f64,
        /// Where the batch is told of.
        path: PathBuf,
    },
}
