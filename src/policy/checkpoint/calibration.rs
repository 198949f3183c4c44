//! How doubtful a policy was in episodes that went well: `doubt.json` of a checkpoint.
//!
//! It is found out after the policy is saved and on other episodes, perhaps on another day, so it is a file of its own. What it is of
//! is named by the seal of the policy's provenance: beside another policy it is refused, and where another policy takes the folder it
//! goes with the old one. The greatest doubt of every episode is kept, not a threshold: any share of false alarms can then be asked for.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::folder::{beside, failed, sync};
use super::provenance::checksum;
use super::{Checkpoint, Provenance, json};
use crate::control::calibrate::{self, Threshold};
use crate::control::gate::By;
use crate::control::{self, Join};
use crate::policy::Error;

const FILE: &str = "doubt.json";

/// What `doubt.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What doubt was measured by.
    pub by: By,
    /// How chunks were joined, which says at which ticks the policy thinks.
    pub join: Join,
    /// The greatest doubt of each episode, rising; nothing where it was no number.
    pub greatest: Vec<Option<f32>>,
    /// The seal of the policy.
    policy: String,
    /// The checksum of this file as it would be with nothing here.
    seal: String,
}

impl Calibration {
    /// Of the policy with that provenance, from the greatest doubt of each episode.
    pub fn new(provenance: &Provenance, by: By, join: Join, greatest: &[f32]) -> Self {
        let mut greatest = greatest.to_vec();
        greatest.sort_by(f32::total_cmp);
        let greatest = greatest.into_iter().map(|doubt| doubt.is_finite().then_some(doubt)).collect();
        let policy = provenance.seal().to_owned();
        let mut calibration = Self { by, join, greatest, policy, seal: String::new() };
        calibration.seal = calibration.unsealed();
        calibration
    }

    /// The doubt from which a person is asked for, so that at most the share `false_alarms` of episodes that go well has an alarm.
    pub fn threshold(&self, false_alarms: f64) -> Result<Threshold, Error> {
        let greatest: Vec<f32> = self.greatest.iter().map(|doubt| doubt.unwrap_or(f32::INFINITY)).collect();
        Ok(calibrate::threshold(&greatest, false_alarms)?)
    }

    /// Puts it into the checkpoint's folder, in the place of one that is there: all of it or nothing.
    pub fn save(&self, checkpoint: &Path) -> Result<(), Error> {
        let place = checkpoint.join(FILE);
        let part = beside(&place, "new")?;
        let write = || -> io::Result<()> {
            let mut file = fs::File::create(&part)?;
            file.write_all(json(self).as_bytes())?;
            file.sync_all()?;
            fs::rename(&part, &place)
        };
        write().map_err(|source| failed("writing", &place, source))?;
        sync(checkpoint)
    }

    /// That of the checkpoint in `folder`, where there is one.
    pub(super) fn read(folder: &Path, provenance: &Provenance) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let damaged = |why: &str| Error::Damaged { path: path.clone(), why: why.to_owned() };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed("reading", &path, source)),
        };
        let read: Self = serde_json::from_slice(&bytes).map_err(|source| damaged(&source.to_string()))?;
        if read.unsealed() != read.seal {
            return Err(damaged("it is not what was written"));
        }
        match read.policy == provenance.seal() {
            true => Ok(Some(read)),
            false => Err(damaged("it is of another policy; calibrate this one")),
        }
    }

    fn unsealed(&self) -> String {
        checksum(json(&Self { seal: String::new(), ..self.clone() }).as_bytes())
    }
}

impl Checkpoint {
    /// What the policy's doubt is measured by and from which on a person is asked for, where `config` has doubt ask at all. Refused
    /// in words where the policy was not calibrated for that.
    pub fn threshold(&self, config: &control::Config) -> Result<Option<(By, Threshold)>, Error> {
        let Some(doubt) = &config.gate.doubt else { return Ok(None) };
        let by = self.policy.doubts_by(doubt.by)?;
        let path = &self.path;
        let refused = |why: String| {
            Err(Error::Doubt { why: format!("{why}; `apprentice calibrate --policy {}`", path.display()) })
        };
        let Some(calibration) = &self.calibration else {
            return refused("nobody knows how much of it is too much".to_owned());
        };
        if calibration.by != by {
            return refused(format!("it is calibrated by {}, not by {}", calibration.by.word(), by.word()));
        }
        if calibration.join != config.join {
            let (was, is) = (&calibration.join, &config.join);
            return refused(format!("it is calibrated for chunks joined by {was:?}, not by {is:?}"));
        }
        Ok(Some((by, calibration.threshold(doubt.false_alarms)?)))
    }
}
