//! What a run leaves behind: its settings, checkpoints, its page, and what it goes on from.
//!
//! A run goes on only with what it began with: the same policy, learning from the same of the same recordings. How long, how fast and
//! on what machine may change on the way.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::Run;
use crate::data::Gathered;
use crate::policy::checkpoint::{self, Origin};
use crate::policy::{Landmarks, Policy, doubt};
use crate::train::chance::{Purpose, stream};
use crate::train::member::Member;
use crate::train::state::{self, Identity, Kept, Progress};
use crate::train::{Error, Folder, Job, report};

impl Run<'_> {
    /// Writes the averages as a checkpoint.
    pub(super) fn checkpoint(&self, path: &Path) -> Result<(), Error> {
        let weights = |member: &Member| member.average.weights().named();
        let members: Vec<_> = self.members.iter().map(weights).collect();
        let (seed, steps) = (self.job.config.seed, self.progress.step);
        let origin = Origin { seed, steps, ..self.job.origin.clone() };
        let contents = checkpoint::Contents {
            spec: self.job.spec,
            statistics: self.job.statistics,
            settings: self.job.settings,
            members: &members,
            landmarks: self.landmarks.as_ref(),
            origin: &origin,
        };
        Ok(checkpoint::save(path, &contents)?)
    }

    /// Keeps everything: the checkpoint of this step, and then what the run goes on from.
    pub(in crate::train) fn save(&mut self) -> Result<(), Error> {
        self.settle()?;
        self.checkpoint(&self.folder.last())?;
        self.metrics.settle()?;
        self.progress.seconds = self.pace.seconds();
        self.remember()?;
        report::write(&self.folder.report(), &self.facts, self.metrics.lines())
    }

    /// Keeps what the run goes on from.
    pub(super) fn remember(&self) -> Result<(), Error> {
        let states = self.members.iter().enumerate();
        let tensors = states.flat_map(|(number, member)| member.state(&before(number))).collect();
        state::save(&self.folder.state(), tensors, &self.progress)
    }
}

/// Some of what is learned from, by chance and evenly.
pub(super) fn landmarks(job: &Job<'_>, policy: &Policy) -> Result<Option<Landmarks>, Error> {
    let order = job.learned.order(stream(job.config.seed, Purpose::Landmarks, 0, 0).bits(), 0);
    let mut windows = Gathered::default();
    let mut chance = stream(job.config.seed, Purpose::Landmarks, 0, 1);
    job.learned.gather_places(&order[..order.len().min(doubt::MOST)], &mut chance, &mut windows);
    Ok(Landmarks::of(policy, &windows)?)
}

/// What stands before the names of a member's tensors.
pub(super) fn before(number: usize) -> String {
    format!("{number}/")
}

/// What the run in the folder left, where there is one to go on with. Checkpoints without it are not begun over.
pub(super) fn left(job: &Job<'_>, folder: &Folder) -> Result<Option<Kept>, Error> {
    if folder.state().exists() {
        return job.resume.then(|| state::load(&folder.state())).transpose();
    }
    match folder.last().exists() || folder.best().exists() {
        true => Err(Error::Stateless { path: folder.path().to_owned() }),
        false => Ok(None),
    }
}

/// How far the run is: where `kept` is of the same, as far as that one had come.
pub(super) fn progress(job: &Job<'_>, kept: Option<&Kept>, folder: &Folder) -> Result<Progress, Error> {
    let identity = identity(job);
    let Some(Kept { progress, .. }) = kept else { return Ok(Progress { identity, ..Progress::default() }) };
    match progress.identity.differs(&identity) {
        Some(differs) => Err(Error::Foreign { path: folder.state(), differs }),
        None => Ok(progress.clone()),
    }
}

fn identity(job: &Job<'_>) -> Identity {
    let checksum =
        |text: String| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let json = |value: Result<String, serde_json::Error>| value.expect("names and numbers can be written");
    // What is held out follows from what there is, and what was learned from before from what is gone on from.
    let origin = Origin { held_out: Vec::new(), before: Vec::new(), ..job.origin.clone() };
    Identity {
        policy: checksum(json(serde_json::to_string(job.spec))),
        data: checksum(json(serde_json::to_string(&(origin, job.learned.len())))),
        members: job.config.ensemble,
    }
}

/// Writes the resolved settings.
pub(super) fn settings(job: &Job<'_>, folder: &Folder) -> Result<(), Error> {
    let path = folder.config();
    let beside = path.with_extension("part");
    let written = std::fs::write(&beside, job.settings).and_then(|()| std::fs::rename(&beside, &path));
    written.map_err(|source| Error::Disk { path, source })
}
