//! What became of the recordings: how much of them is learned from, what was left out, and why.
//!
//! Nothing is dropped without a count and a reason. The summary is a value, so that a table, a report and a test tell the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::driver::Driver;
use super::observe::Unread;
use crate::bag;
use crate::time::Stamp;

/// Different reasons that are told apart for one stream; what comes after them is counted together.
const REASONS: usize = 8;

/// Why a recording is left out.
#[derive(Debug, thiserror::Error)]
pub enum Dropped {
    /// It cannot be read.
    #[error("it cannot be read")]
    Bag(#[source] bag::Error),
    /// It has no message at all.
    #[error("there is no message in it")]
    Empty,
    /// It is labelled as failed.
    #[error("it is labelled as failed")]
    Failed,
    /// What is in it is in another recording too.
    #[error("it is the same as {of:?}")]
    Twice {
        /// The other one.
        of: PathBuf,
    },
    /// A topic is not in it.
    #[error("the topic {topic:?} is not in it")]
    Topic {
        /// As the settings name it.
        topic: String,
    },
    /// A topic has another type.
    #[error("the topic {topic:?} is {has} in it, not {wanted}")]
    Type {
        /// The topic.
        topic: String,
        /// Its type there.
        has: String,
        /// The type of the settings.
        wanted: String,
    },
    /// A topic has no message that could be read.
    #[error("no message of {topic:?} can be used: {}", .why.as_deref().unwrap_or("there is none"))]
    Silent {
        /// The topic.
        topic: String,
        /// What is wrong with its messages, where there are any.
        why: Option<String>,
    },
    /// All of its streams speak, but never together.
    #[error("at no tick do all of its streams speak: {why}")]
    NoTick {
        /// Which of them is missing most often.
        why: String,
    },
    /// No tick has an action.
    #[error("no tick of it has an action: {why}")]
    NoAction {
        /// What there is.
        why: String,
    },
}

impl Dropped {
    /// With what caused it.
    pub fn in_words(&self) -> String {
        let causes = std::iter::successors(Some(self as &dyn std::error::Error), |error| error.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}

/// What was heard of one stream, of all recordings together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// Its messages.
    pub messages: u64,
    /// Time between the first and the last message of each recording, summed up.
    pub seconds: f64,
    /// Messages that could not be used, by reason.
    pub bad: BTreeMap<String, u64>,
    /// Messages that counted as said before the one they came after.
    pub backwards: u64,
    /// Ticks at which it had nothing to say.
    pub gaps: u64,
    /// The sizes in which its pictures came.
    pub sizes: BTreeSet<[u32; 2]>,
    #[serde(skip)]
    span: Option<(Stamp, Stamp)>,
}

impl Heard {
    /// Messages a second.
    pub fn rate_hz(&self) -> f64 {
        if self.seconds > 0.0 { self.messages as f64 / self.seconds } else { 0.0 }
    }

    pub(super) fn hear(&mut self, received: Stamp) {
        self.messages += 1;
        let (first, _) = *self.span.get_or_insert((received, received));
        self.span = Some((first, received));
        self.seconds = received.since(first).as_secs_f64();
    }

    pub(super) fn refuse(&mut self, why: &Unread) {
        let mut reason = why.to_string();
        if self.bad.len() >= REASONS && !self.bad.contains_key(&reason) {
            reason = "for other reasons".to_owned();
        }
        *self.bad.entry(reason).or_default() += 1;
    }

    fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.seconds += other.seconds;
        self.backwards += other.backwards;
        self.gaps += other.gaps;
        self.sizes.extend(&other.sizes);
        for (reason, count) in &other.bad {
            *self.bad.entry(reason.clone()).or_default() += count;
        }
    }
}

/// What was heard in one recording, and which ticks of it have no place in an episode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Account {
    /// By stream; where actions come from, by `act.parts.<part>`.
    pub(super) heard: BTreeMap<String, Heard>,
    /// Messages that the recording itself lost.
    pub(super) damaged: u64,
    /// Ticks before the first action, after the last one, and where none was given for too long.
    pub(super) idle: [u64; 3],
}

impl Account {
    pub(super) fn of(&mut self, name: &str) -> &mut Heard {
        if !self.heard.contains_key(name) {
            self.heard.insert(name.to_owned(), Heard::default());
        }
        self.heard.get_mut(name).expect("it was inserted above")
    }
}

/// What became of the recordings.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many were given.
    pub recordings: usize,
    /// How many episodes they are: one each where there is no gap.
    pub episodes: usize,
    /// How many ticks the episodes have.
    pub ticks: usize,
    /// The same as time.
    pub seconds: f64,
    /// How many of the recordings that are learned from are labelled as successful, as failed, and not at all.
    pub success: [usize; 3],
    /// How many ticks each drove.
    pub drivers: BTreeMap<Driver, usize>,
    /// How many ticks are learned from: those whose driver counts.
    pub learned: usize,
    /// What was heard, by stream; where actions come from, by `act.parts.<part>`.
    pub heard: BTreeMap<String, Heard>,
    /// Ticks before the first action, after the last one, and in between where none was given for too long.
    pub idle: [u64; 3],
    /// Messages that the recordings themselves lost.
    pub damaged: u64,
    /// Episodes that begin or end at a gap.
    pub cut: usize,
    /// What was left out, and why.
    pub dropped: Vec<(PathBuf, Dropped)>,
    /// How many recordings were decoded now; the others were in the cache.
    pub decoded: usize,
}

impl Summary {
    pub(super) fn add(&mut self, account: &Account) {
        for (name, heard) in &account.heard {
            self.heard.entry(name.clone()).or_default().add(heard);
        }
        self.damaged += account.damaged;
        for (sum, count) in self.idle.iter_mut().zip(account.idle) {
            *sum += count;
        }
    }

    /// What a person should look at before training: a sentence each, none where all is well.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for (path, why) in &self.dropped {
            remarks.push(format!("{} is left out: {}", path.display(), why.in_words()));
        }
        for (name, heard) in &self.heard {
            for (reason, count) in &heard.bad {
                remarks
                    .push(format!("{name}: {count} of {} messages are not used: {reason}", heard.messages));
            }
            if heard.backwards > 0 {
                remarks
                    .push(format!("{name}: {} messages went back in time and are not used", heard.backwards));
            }
            if heard.gaps > 0 {
                remarks
                    .push(format!("{name}: nothing to say at {} ticks, which are in no episode", heard.gaps));
            }
            if heard.sizes.len() > 1 {
                let sizes: Vec<String> =
                    heard.sizes.iter().map(|[width, height]| format!("{width}×{height}")).collect();
                remarks.push(format!(
                    "{name}: its pictures came in {} and are all brought to one size",
                    sizes.join(", ")
                ));
            }
        }
        if self.damaged > 0 {
            remarks.push(format!("{} messages in the recordings are damaged", self.damaged));
        }
        let [before, after, between] = self.idle;
        for (count, place) in [
            (before, "before the first action"),
            (after, "after the last action"),
            (between, "where no action was given for too long"),
        ] {
            if count > 0 {
                remarks.push(format!("{count} ticks {place} are in no episode"));
            }
        }
        remarks
    }
}
