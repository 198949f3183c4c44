//! Checkpoints: a policy as a folder that can be read without trusting it.
//!
//! ```text
//! best/
//!   weights.safetensors   names, shapes and numbers: nothing in it is ever run
//!   config.yaml           the settings it was trained with, for people and for training on
//!   spec.yaml             the network, and what it sees and does
//!   stats.json            what its numbers are scaled by
//!   provenance.json       what it was trained on, by what; a checksum of every file, and of itself
//!   landmarks.safetensors some of what it learned from, for its doubt by distance
//!   members/              the weights of the others, where it is an ensemble
//!   doubt.json            how doubtful it was in episodes that went well, once that was found out
//! ```
//!
//! The folder appears whole or not at all. Before a policy is made of one, every byte of it is held to its checksum, every tensor to
//! the network's names and shapes, and what it sees and does to the robot: a policy that loads is the one that was saved. Only
//! `doubt.json` comes later, from other episodes: it is no part of the policy, has a checksum of its own and names the policy it is of.

mod calibration;
mod folder;
mod provenance;
mod tensors;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use tch::{Device, Kind, Tensor};

pub use calibration::Calibration;
pub use provenance::{Bag, File, Origin, Provenance};

use super::{Ensemble, Error, Landmarks, Policy, Spec, spec};
use crate::data::{Layout, Statistics};
use crate::nn::Weights;
use crate::noise::Noise;
use folder::Folder;

const WEIGHTS: &str = "weights.safetensors";
const CONFIG: &str = "config.yaml";
const SPEC: &str = "spec.yaml";
const STATISTICS: &str = "stats.json";
const LANDMARKS: &str = "landmarks.safetensors";
/// What the rows of that file are called.
const ROWS: &str = "rows";
const PROVENANCE: &str = "provenance.json";
/// The folder within a run that holds its best checkpoint.
const BEST: &str = "best";

/// What is saved.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    /// The network, and what it sees and does.
    pub spec: &'a Spec,
    /// What its numbers are scaled by.
    pub statistics: &'a Statistics,
    /// The whole of the settings, as YAML.
    pub settings: &'a str,
    /// The weights by name: one set, or one for each member of an ensemble.
    pub members: &'a [Vec<(String, Tensor)>],
    /// Some of what it learned from.
    pub landmarks: Option<&'a Landmarks>,
    /// What it was trained on.
    pub origin: &'a Origin,
}

/// What a checkpoint holds.
#[derive(Debug)]
pub struct Checkpoint {
    /// The folder it was read from.
    pub path: PathBuf,
    /// The policy, or policies.
    pub policy: Ensemble,
    /// The settings it was trained with, as YAML.
    pub settings: String,
    /// What it was trained on.
    pub provenance: Provenance,
    /// How doubtful it was in episodes that went well, where that was found out.
    pub calibration: Option<Calibration>,
}

/// Writes a checkpoint as the folder `path`, in the place of one that is there already. It is all of it on the disk when this
/// returns, and whenever the machine stops before, the older one is.
pub fn save(path: &Path, contents: &Contents<'_>) -> Result<(), Error> {
    let mut folder = Folder::begin(path)?;
    for (number, weights) in contents.members.iter().enumerate() {
        folder.write(&file_of(number), &tensors::pack(weights, &folder.path_of(&file_of(number)))?)?;
    }
    folder.write(CONFIG, contents.settings.as_bytes())?;
    folder.write(SPEC, yaml(contents.spec).as_bytes())?;
    folder.write(STATISTICS, json(contents.statistics).as_bytes())?;
    if let Some(landmarks) = contents.landmarks {
        let rows = [(ROWS.to_owned(), landmarks.rows())];
        folder.write(LANDMARKS, &tensors::pack(&rows, &folder.path_of(LANDMARKS))?)?;
    }
    let provenance = Provenance::new(contents.origin.clone(), folder.files().clone());
    folder.write(PROVENANCE, json(&provenance).as_bytes())?;
    folder.finish()
}

/// The checkpoint that is meant by `path`: itself, or the best of a run.
pub fn find(path: &Path) -> Result<PathBuf, Error> {
    let is_one = |folder: &Path| folder.join(PROVENANCE).is_file();
    [path.to_owned(), path.join(BEST)]
        .into_iter()
        .find(|folder| is_one(folder))
        .ok_or_else(|| Error::NoCheckpoint { path: path.to_owned() })
}

/// Reads the checkpoint that is meant by `path` onto `device`.
pub fn open(path: &Path, device: Device) -> Result<Checkpoint, Error> {
    let path = find(path)?;
    let provenance: Provenance = Provenance::read(&path.join(PROVENANCE))?;
    let read = |name: &str| provenance.file(&path, name);
    let spec: Spec = from_yaml(&read(SPEC)?, &path.join(SPEC))?;
    let statistics: Statistics = from_json(&read(STATISTICS)?, &path.join(STATISTICS))?;
    let settings = text(read(CONFIG)?, &path.join(CONFIG))?;
    let mut members = Vec::new();
    for number in 0..provenance.members() {
        let file = path.join(file_of(number));
        let policy = empty(&spec, &statistics, device, &path)?;
        tensors::unpack(&read(&file_of(number))?, &policy.weights().named(), &file)?;
        members.push(policy);
    }
    let others = members.split_off(1.min(members.len()));
    let missing = || Error::Damaged { path: path.join(WEIGHTS), why: "it is not there".to_owned() };
    let mut policy = Ensemble::new(members.pop().ok_or_else(missing)?, others);
    if provenance.files.contains_key(LANDMARKS) {
        let rows = tensors::only(&read(LANDMARKS)?, ROWS, &path.join(LANDMARKS))?;
        policy = policy.with_landmarks(Landmarks::new(rows)?);
    }
    let calibration = Calibration::read(&path, &provenance)?;
    Ok(Checkpoint { path, policy, settings, provenance, calibration })
}

/// As [`open`], for a robot with this `layout`; refuses in words a policy that is not for it.
pub fn open_for(path: &Path, layout: &Layout, device: Device) -> Result<Checkpoint, Error> {
    let checkpoint = open(path, device)?;
    match spec::differences(&checkpoint.policy.spec().layout, layout) {
        None => Ok(checkpoint),
        Some(differences) => Err(Error::OtherRobot { path: checkpoint.path, differences }),
    }
}

/// The network of `spec` with any weights.
fn empty(spec: &Spec, statistics: &Statistics, device: Device, path: &Path) -> Result<Policy, Error> {
    let weights = Weights::new(device, Kind::Float, Noise::new(0));
    Policy::create(spec, statistics, weights).map_err(|error| match error {
        Error::Setting { .. } => Error::Damaged { path: path.join(SPEC), why: error.to_string() },
        error => error,
    })
}

/// The file of a member's weights.
fn file_of(member: usize) -> String {
    if member == 0 { WEIGHTS.to_owned() } else { format!("members/{member}.safetensors") }
}

fn yaml<T: serde::Serialize>(value: &T) -> String {
    serde_saphyr::to_string(value).expect("names, numbers and lists of them can be written")
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("names, numbers and lists of them can be written")
}

fn text(bytes: Vec<u8>, path: &Path) -> Result<String, Error> {
    String::from_utf8(bytes)
        .map_err(|source| Error::Damaged { path: path.to_owned(), why: source.to_string() })
}

fn from_yaml<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, Error> {
    serde_saphyr::from_slice(bytes)
        .map_err(|source| Error::Damaged { path: path.to_owned(), why: source.to_string() })
}

fn from_json<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, Error> {
    serde_json::from_slice(bytes)
        .map_err(|source| Error::Damaged { path: path.to_owned(), why: source.to_string() })
}
