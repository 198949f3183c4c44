//! How far a policy was from its teacher, tick by tick, in recordings that carry both.
//!
//! A policy that runs beside its teacher without driving says on a topic of its own what it would have done. Two commands belong
//! together when they answer the same tick, which is the stamp in their headers; what has no partner is counted and left out. Joints
//! are matched by name, as everywhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bag;
use crate::msg::own::Command;
use crate::msg::{self, Message};

/// What goes wrong with comparing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A recording cannot be read.
    #[error("the recording {path:?}")]
    Bag {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: bag::Error,
    },
    /// A command cannot be read.
    #[error("a command on {topic:?} in {path:?}")]
    Command {
        /// The recording.
        path: PathBuf,
        /// The topic.
        topic: String,
        /// What is wrong with it.
        source: msg::Error,
    },
    /// Two commands of one tick that are for different joints.
    #[error("in {path:?} the teacher commands {teacher:?}, the policy {policy:?}")]
    Joints {
        /// The recording.
        path: PathBuf,
        /// The teacher's joints.
        teacher: Vec<String>,
        /// The policy's.
        policy: Vec<String>,
    },
    /// Nothing to compare.
    #[error("no tick in {recordings} recordings has a command on {teacher:?} and one on {policy:?}")]
    Nothing {
        /// How many were read.
        recordings: usize,
        /// The teacher's topic.
        teacher: String,
        /// The policy's.
        policy: String,
    },
}

/// What a policy was off by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Errors {
    /// The joints, in the order of each row.
    pub joints: Vec<String>,
    /// The policy's command less the teacher's: a row for each tick.
    pub rows: Vec<Vec<f64>>,
    /// How many recordings had such ticks.
    pub episodes: usize,
    /// How many commands of either had no partner.
    pub alone: usize,
}

/// Collects the errors of the commands on `policy` against those on `teacher`.
pub fn collect(recordings: &[PathBuf], teacher: &str, policy: &str) -> Result<Errors, Error> {
    let mut errors = Errors::default();
    for path in recordings {
        let before = errors.rows.len();
        add(&mut errors, path, teacher, policy)?;
        errors.episodes += usize::from(errors.rows.len() > before);
    }
    match errors.rows.is_empty() {
        false => Ok(errors),
        true => {
            let (recordings, teacher, policy) = (recordings.len(), teacher.to_owned(), policy.to_owned());
            Err(Error::Nothing { recordings, teacher, policy })
        }
    }
}

fn add(errors: &mut Errors, path: &Path, teacher: &str, policy: &str) -> Result<(), Error> {
    let unread = |source| Error::Bag { path: path.to_owned(), source };
    let mut reader = bag::open(path).map_err(unread)?;
    let mut waiting: BTreeMap<(i32, u32), (bool, Command)> = BTreeMap::new();
    for sample in reader.samples(&[teacher, policy]) {
        let sample = sample.map_err(unread)?;
        let of_policy = sample.topic.name == policy;
        let command = Command::decode(&sample.cdr).map_err(|source| {
            let (path, topic) = (path.to_owned(), sample.topic.name.clone());
            Error::Command { path, topic, source }
        })?;
        let stamp = (command.header.stamp.sec, command.header.stamp.nanosec);
        match waiting.remove(&stamp) {
            Some((other_of_policy, other)) if other_of_policy != of_policy => {
                let (said, meant) = if of_policy { (command, other) } else { (other, command) };
                errors.compare(path, &said, &meant)?;
            }
            // Said twice for one tick: the later one counts.
            other => {
                errors.alone += usize::from(other.is_some());
                waiting.insert(stamp, (of_policy, command));
            }
        }
    }
    errors.alone += waiting.len();
    Ok(())
}

impl Errors {
    fn compare(&mut self, path: &Path, said: &Command, meant: &Command) -> Result<(), Error> {
        if self.joints.is_empty() {
            self.joints.clone_from(&meant.names);
        }
        let of = |command: &Command, joint: &String| {
            let place = command.names.iter().position(|name| name == joint)?;
            command.values.get(place).copied()
        };
        let row: Option<Vec<f64>> =
            self.joints.iter().map(|joint| Some(of(said, joint)? - of(meant, joint)?)).collect();
        match row.filter(|row| row.len() == meant.names.len() && row.len() == said.names.len()) {
            Some(row) => {
                self.rows.push(row);
                Ok(())
            }
            None => Err(Error::Joints {
                path: path.to_owned(),
                teacher: meant.names.clone(),
                policy: said.names.clone(),
            }),
        }
    }
}
