//! What a run goes on from: one file with weights, averages, moments and how far it has come.
//!
//! It is one file because only one file can be replaced at once: whatever moment a run is killed at, the old state or the new
//! one is there, whole; a checksum of all of it finds what a disk did to it later. Chance needs no place in it; every stream of chance follows from the seed and the number of the step.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tch::{Device, TchError, Tensor};

use super::Error;
use super::meter::Meter;

/// The tensor that holds the rest, as JSON.
const PROGRESS: &str = "progress";
/// The tensor that holds the checksum of all others.
const SEAL: &str = "seal";

/// What has to be the same for a run to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// A checksum of what the policy is.
    pub policy: String,
    /// A checksum of what it learns from.
    pub data: String,
    /// How many learn.
    pub members: usize,
}

impl Identity {
    /// What is not the same, in words.
    pub fn differs(&self, other: &Self) -> Option<&'static str> {
        let Self { policy, data, members } = self;
        [
            (policy == &other.policy, "the policy's settings, or what it sees and does, are not the same"),
            (data == &other.data, "it learned from other recordings, or took other parts of them"),
            (members == &other.members, "`train.ensemble` is not the same"),
        ]
        .into_iter()
        .find_map(|(same, words)| (!same).then_some(words))
    }
}

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// What it is a run of.
    pub identity: Identity,
    /// Steps that are done.
    pub step: u64,
    /// How long they took, with all that was between them.
    pub seconds: f64,
    /// The best result so far, and the step it was had at.
    pub best: Option<(f64, u64)>,
    /// Validations since then.
    pub since_best: u32,
    /// The step of the last validation.
    pub looked: u64,
    /// What the next line of metrics is made of.
    pub meter: Meter,
}

/// A state that was read.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    tensors: HashMap<String, Tensor>,
    /// How far the run had come.
    pub progress: Progress,
}

/// Replaces the state at `path`.
pub fn save(path: &Path, tensors: Vec<(String, Tensor)>, progress: &Progress) -> Result<(), Error> {
    let unwritten = |source| Error::State { path: path.to_owned(), source };
    let disk = |source| Error::Disk { path: path.to_owned(), source };
    let text = serde_json::to_vec(progress).expect("names and finite numbers can be written");
    let mut all = tensors;
    all.push((PROGRESS.to_owned(), Tensor::from_slice(&text)));
    let sum = seal(all.iter().map(|(name, tensor)| (name.as_str(), tensor))).map_err(unwritten)?;
    all.push((SEAL.to_owned(), Tensor::from_slice(&sum)));
    let beside = path.with_extension("part");
    let written = Tensor::write_safetensors(&all, &beside).map_err(unwritten);
    let kept = written.and_then(|()| {
        File::open(&beside).and_then(|file| file.sync_all()).map_err(disk)?;
        std::fs::rename(&beside, path).map_err(disk)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all()).map_err(disk)
    });
    if kept.is_err() {
        // What could not be written is of no use; that it is in the way is all that can be said of it.
        drop(std::fs::remove_file(&beside));
    }
    kept
}

/// Reads the state at `path`.
pub fn load(path: &Path) -> Result<Kept, Error> {
    let unread = |source| Error::State { path: path.to_owned(), source };
    let damaged = |why: String| Error::Damaged { path: path.to_owned(), why };
    let cut = |error: TchError| damaged(format!("it is no whole file of tensors ({error})"));
    let mut tensors: HashMap<String, Tensor> =
        Tensor::read_safetensors(path).map_err(cut)?.into_iter().collect();
    let mut taken = |name: &str| tensors.remove(name).ok_or_else(|| damaged(format!("it has no {name:?}")));
    let (written, progress) = (taken(SEAL)?, taken(PROGRESS)?);
    let all = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
    let found = seal(all.chain([(PROGRESS, &progress)])).map_err(unread)?;
    if Vec::<u8>::try_from(written).map_err(unread)? != found {
        return Err(damaged("its checksum is not the one that was written".to_owned()));
    }
    let text = Vec::<u8>::try_from(progress).map_err(unread)?;
    let progress = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    Ok(Kept { path: path.to_owned(), tensors, progress })
}

/// A checksum of tensors, with their names, kinds and sizes.
fn seal<'a>(tensors: impl Iterator<Item = (&'a str, &'a Tensor)>) -> Result<Vec<u8>, TchError> {
    let mut tensors: Vec<_> = tensors.collect();
    tensors.sort_by_key(|(name, _)| *name);
    let mut hash = Sha256::new();
    let mut bytes = Vec::new();
    for (name, tensor) in tensors {
        bytes.resize(tensor.numel() * tensor.kind().elt_size_in_bytes(), 0);
        tensor.f_to_device(Device::Cpu)?.f_copy_data_u8(&mut bytes, tensor.numel())?;
        hash.update(format!("{name:?} {:?} {:?}", tensor.kind(), tensor.size()));
        hash.update(&bytes);
    }
    Ok(hash.finalize().to_vec())
}

impl Kept {
    /// Every tensor, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Copies the tensor `name` into `place`, to the bit.
    pub fn copy(&self, name: &str, place: &Tensor) -> Result<(), Error> {
        let damaged = |why: String| Error::Damaged { path: self.path.clone(), why };
        let kept = self.tensors.get(name).ok_or_else(|| damaged(format!("it has no {name:?}")))?;
        let (has, wants) = ((kept.size(), kept.kind()), (place.size(), place.kind()));
        if has != wants {
            return Err(damaged(format!("{name:?} is {has:?} where {wants:?} is wanted")));
        }
        let mut place = place.shallow_clone();
        Ok(tch::no_grad(|| place.f_copy_(kept).map(drop))?)
    }
}
