//! From recordings to what is learned from.
//!
//! No torch and no clock of its own: what a policy sees is made here, by the same code from a bag and on the robot. Streams come
//! at rates of their own and late; a policy sees instants on one grid, its ticks. Each stream is looked at `latency_ms` before
//! the tick, by its own stamps, and only among what was received by the tick:
//!
//! ```text
//!                    looked at here     the tick
//!                          ╎◄─latency_ms─►│
//! joints  ──●───●───●───●──╎●───●───●     │     linear: between its neighbours, ● received by the tick
//!                       └──╎┘             │
//! camera  ────■───────────■╎───────────□──│     newest: the last ■ not after the instant; □ is not looked at yet
//!             └─age────────╎              │     older than max_age_ms: a gap, never zeros
//! command ──▲───────▲──────╎───▲───────▲──│▲    labels alone look ahead: the action of a tick lies between
//!                          ╎           └──│┘    its neighbours at the tick itself, moved by offset_ms
//!
//! window: history      │ chunk                        ticks of one episode
//!         [t−1]   [t]  │ a[t] a[t+1] a[t+2] …         first observations repeat where the history begins before the
//!          └───────┘     └─ what was done from t on   episode; past its end the last action repeats and counts nothing
//! ```
//!
//! An observation's `past` is the action of the tick before, so a window never shows a policy the action it is to find.

pub mod actions;
pub mod augment;
#[cfg(feature = "learn")]
pub mod batch;
mod dataset;
mod driver;
pub mod errors;
mod frame;
mod gathered;
pub mod goal;
mod import;
mod layout;
mod observation;
pub mod observe;
mod picture;
mod settings;
mod statistics;
mod store;
mod summary;
pub mod weights;
mod window;

use std::path::PathBuf;

pub use dataset::{Before, Dataset, Episode, Progress, Subject};
pub use driver::{Driver, Interventions};
pub use frame::Frame;
pub use gathered::Gathered;
pub use layout::{Camera, Layout, Part};
pub use observation::Observation;
pub use picture::Unseen;
pub use settings::{Config, Failures, Gaps};
pub use statistics::{EDGES, Spread, Statistics};
pub use summary::{Dropped, Heard, Summary};
pub use window::{Rules, Shape, Windows};

use crate::bag;

/// What goes wrong on the way from recordings to windows.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that does not go with the robot's file or with the data.
    #[error("{key}: {why}")]
    Setting {
        /// The keys that lead there.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// A recording cannot be opened.
    #[error("the recording {path:?}")]
    Bag {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: bag::Error,
    },
    /// Nothing is left to learn from.
    #[error("none of {recordings} recordings can be learned from; {path:?}: {why}")]
    Nothing {
        /// How many were looked at.
        recordings: usize,
        /// One of them.
        path: PathBuf,
        /// Why it cannot.
        why: String,
    },
    /// No recordings were given.
    #[error("there are no recordings to learn from")]
    NoRecordings,
    /// The disk refused while decoded frames were kept or fetched.
    #[error("{what} {path:?} failed")]
    Cache {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What another process or a disk did to the cache while it was in use.
    #[error("{path:?} is damaged: {why}; it is made anew the next time")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Windows that were asked for and are not there.
    #[error("no window fits: {episodes} episodes with {ticks} ticks, of which {fit} could begin one")]
    NoWindow {
        /// How many episodes.
        episodes: usize,
        /// How many ticks they have.
        ticks: usize,
        /// How many of them could begin a window.
        fit: usize,
    },
}

impl Error {
    /// Whether the disk had no room left.
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::Cache { source, .. } if source.kind() == std::io::ErrorKind::StorageFull)
    }
}
