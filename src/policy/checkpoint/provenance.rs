//! Where a policy comes from, and a checksum of everything it is made of.
//!
//! A policy is as good as what it was trained on; years later that must still be said, and that nothing was changed since.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{PROVENANCE, WEIGHTS, json};
use crate::data::Before;
use crate::policy::Error;

/// What a policy was trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The recordings.
    pub bags: Vec<Bag>,
    /// Those of them that were judged by and not learned from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out: Vec<Bag>,
    /// What was learned from by whatever it goes on from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Bag>,
    /// What its chance followed from.
    pub seed: u64,
    /// Steps it was trained for.
    pub steps: u64,
    /// Whatever else is worth knowing: its losses, how long it took.
    #[serde(default)]
    pub notes: BTreeMap<String, String>,
}

impl Origin {
    /// What the recording of that hash is to whoever goes on from this. All of its own count as learned from where nothing says
    /// which were held out.
    pub fn known(&self, hash: &str) -> Before {
        let among = |bags: &[Bag]| bags.iter().any(|bag| bag.hash == hash);
        if among(&self.held_out) && !among(&self.before) {
            Before::HeldOut
        } else if among(&self.bags) || among(&self.before) {
            Before::Learned
        } else {
            Before::Unseen
        }
    }

    /// Every recording that was learned from, here or before: each once.
    pub fn learned(&self) -> Vec<Bag> {
        let held_out: BTreeSet<&str> = self.held_out.iter().map(|bag| bag.hash.as_str()).collect();
        let own = self.bags.iter().filter(|bag| !held_out.contains(bag.hash.as_str()));
        let mut known = BTreeSet::new();
        self.before.iter().chain(own).filter(|bag| known.insert(&bag.hash)).cloned().collect()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_goes_on_from_a_policy_knows_what_all_before_it_learned_from() {
        let bags = |hashes: &[&str]| -> Vec<Bag> {
            let bag = |hash: &&str| Bag { name: format!("episode_{hash}"), hash: (*hash).to_owned() };
            hashes.iter().map(bag).collect()
        };
        let first = Origin { bags: bags(&["a", "b", "c"]), held_out: bags(&["c"]), ..Origin::default() };
        let next = Origin {
            bags: bags(&["b", "c", "d", "e"]),
            held_out: bags(&["c", "e"]),
            before: first.learned(),
            ..Origin::default()
        };
        assert_eq!(next.learned(), bags(&["a", "b", "d"]));
        use Before::{HeldOut, Learned, Unseen};
        let known = ["a", "b", "c", "d", "e", "f"].map(|hash| next.known(hash));
        assert_eq!(known, [Learned, Learned, HeldOut, Learned, HeldOut, Unseen]);
        let silent = Origin { bags: bags(&["a"]), ..Origin::default() };
        assert_eq!(silent.known("a"), Learned, "it does not say what was held out");
    }
}
