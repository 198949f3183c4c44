//! The batch that ended a run: `RUN/bad_batch.json`.
//!
//! A loss that is no number comes from a number in the data that nobody expected, or from a rate that is too high. Which of the two
//! shows in the windows, so they are written down by recording and time, as people find them.

use std::path::Path;

use serde::Serialize;

use super::{Error, Job};
use crate::data::Windows;

/// What is written of a batch.
#[derive(Debug, Serialize)]
struct Written<'a> {
    what: &'a str,
    value: String,
    step: u64,
    rate: f64,
    /// The windows of each member of the ensemble.
    members: Vec<Vec<Place<'a>>>,
}

/// Where a window is.
#[derive(Debug, Serialize)]
struct Place<'a> {
    window: u32,
    recording: &'a Path,
    episode: usize,
    tick: usize,
    seconds: f64,
}

/// A step that came to nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault<'a> {
    /// What is no number.
    pub(super) what: &'static str,
    /// What it is.
    pub(super) value: f64,
    /// The step.
    pub(super) step: u64,
    /// Its rate of learning.
    pub(super) rate: f64,
    /// The windows of each member.
    pub(super) numbers: &'a [Vec<u32>],
}

impl Fault<'_> {
    /// Writes it to `path`; what is given back ends the run.
    pub(super) fn ends(&self, path: &Path, job: &Job<'_>) -> Error {
        let Self { what, value, step, .. } = *self;
        match self.write(path, job.learned) {
            Ok(()) => Error::Diverged { what, step, value, path: path.to_owned() },
            Err(source) => Error::Disk { path: path.to_owned(), source },
        }
    }

    fn write(&self, path: &Path, windows: &Windows) -> std::io::Result<()> {
        let dataset = windows.dataset();
        let recordings: Vec<&Path> = dataset.identities().map(|(path, _)| path).collect();
        let place = |window: &u32| {
            let (episode, tick, _) = windows.place(*window);
            let recording = recordings[dataset.episodes[episode].recording];
            let seconds = tick as f64 / dataset.layout.rate_hz;
            Place { window: *window, recording, episode, tick, seconds }
        };
        let members = self.numbers.iter().map(|numbers| numbers.iter().map(place).collect()).collect();
        let Self { what, value, step, rate, .. } = *self;
        let written = Written { what, value: value.to_string(), step, rate, members };
        std::fs::write(path, serde_json::to_vec_pretty(&written)?)
    }
}
