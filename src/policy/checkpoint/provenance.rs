//! Where a policy comes from, and a checksum of everything it is made of.
//!
//! A policy is as good as what it was trained on; years later that must still be said, and that nothing was changed since.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{PROVENANCE, WEIGHTS, json};
use crate::policy::Error;

/// What a policy was trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The recordings.
    pub bags: Vec<Bag>,
    /// What its chance followed from.
    pub seed: u64,
    /// Steps it was trained for.
    pub steps: u64,
    /// Whatever else is worth knowing: its losses, how long it took.
    #[serde(default)]
    pub notes: BTreeMap<String, String>,
}

/// A recording that was learned from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bag {
    /// Its folder's name.
    pub name: String,
    /// What it holds, in short: a checksum that says whether another is the same.
    pub hash: String,
}

/// The form of checkpoints: it counts up whenever what the same settings and weights say is no longer the same.
const FORM: u32 = 2;

/// What `provenance.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The form it has; none was said in the first.
    #[serde(default)]
    pub form: u32,
    /// Which version of this program wrote it.
    pub apprentice: String,
    /// Which libtorch it is written for.
    pub libtorch: String,
    /// What it was trained on.
    pub origin: Origin,
    /// Every other file of the checkpoint.
    pub files: BTreeMap<String, File>,
    /// The checksum of this file as it would be with nothing here.
    seal: String,
}

/// A file as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl File {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, sha256: checksum(bytes) }
    }
}

impl Provenance {
    pub(super) fn new(origin: Origin, files: BTreeMap<String, File>) -> Self {
        let (apprentice, libtorch) = (env!("CARGO_PKG_VERSION"), crate::nn::device::LIBTORCH);
        let (apprentice, libtorch) = (apprentice.to_owned(), libtorch.to_owned());
        let mut provenance = Self { form: FORM, apprentice, libtorch, origin, files, seal: String::new() };
        provenance.seal = provenance.unsealed();
        provenance
    }

    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let damaged = |why: String| Error::Damaged { path: path.to_owned(), why };
        let text = std::fs::read(path).map_err(|source| Error::Disk {
            doing: "reading",
            path: path.to_owned(),
            source,
        })?;
        let read: Self = serde_json::from_slice(&text).map_err(|source| damaged(source.to_string()))?;
        if read.form != FORM {
            let Self { form, apprentice, .. } = &read;
            // Read as if it were one of ours, it would act, and act otherwise than it learned to.
            let why = format!(
                "it has the form {form}, of version {apprentice}; this one reads the form {FORM}: train it again"
            );
            return Err(damaged(why));
        }
        match read.unsealed() == read.seal && json(&read).as_bytes() == text {
            true => Ok(read),
            false => Err(damaged("it is not what was written".to_owned())),
        }
    }

    /// The bytes of the file `name` of the checkpoint at `path`, held to what is known of it.
    pub(super) fn file(&self, path: &Path, name: &str) -> Result<Vec<u8>, Error> {
        let at = path.join(name);
        let damaged = |why: String| Error::Damaged { path: at.clone(), why };
        let known = self.files.get(name);
        let known = known.ok_or_else(|| damaged(format!("{PROVENANCE} knows nothing of it")))?;
        let bytes = match std::fs::read(&at) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                return Err(damaged("it is not there".to_owned()));
            }
            Err(source) => return Err(Error::Disk { doing: "reading", path: at, source }),
        };
        if bytes.len() as u64 != known.bytes {
            return Err(damaged(format!("it has {} bytes of {}", bytes.len(), known.bytes)));
        }
        match checksum(&bytes) == known.sha256 {
            true => Ok(bytes),
            false => Err(damaged("its checksum is not the one that was written".to_owned())),
        }
    }

    /// How many sets of weights it lists.
    pub(super) fn members(&self) -> usize {
        self.files.keys().filter(|name| *name == WEIGHTS || name.starts_with("members/")).count()
    }

    /// What tells this checkpoint from every other.
    pub fn seal(&self) -> &str {
        &self.seal
    }

    fn unsealed(&self) -> String {
        checksum(json(&Self { seal: String::new(), ..self.clone() }).as_bytes())
    }
}

pub(super) fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
