//! What a recorder is told: the `record` section of a robot's file, the topics wanted, and this run's wishes.
//!
//! Three structs and not one, because they come from three places: the section is the robot's habit and is kept
//! beside each bag, the topics follow from what the robot's file observes and commands (or from the command
//! line), and the session is what the person at the keyboard wants today.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bag::{Split, Storage};
use crate::spec::{Expect, Teach};

/// The `record` section of a robot's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// An episode ends by itself after so many seconds; `None` leaves it to the operator.
    pub episode_s: Option<f64>,
    /// What is kept from before somebody asked for it.
    pub ring: Ring,
    /// The format of the bags.
    pub storage: Storage,
    /// When a bag goes on in a new file.
    pub split: Split,
    /// The most that may wait for the disk before messages are dropped and counted. A disk was seen to stall for
    /// half a second, which at 110 MB/s is 55 MB.
    pub queue_megabytes: u64,
    /// The most that may wait for the recorder itself between bus and queue.
    pub inbox_megabytes: u64,
    /// No episode begins with less free space than this, and one that runs is ended when it is reached.
    pub min_free_megabytes: u64,
    /// So often what was written is made to survive the end of this process.
    pub flush_ms: u64,
    /// An episode that starts by itself waits so long for all topics that are not optional.
    pub wait_s: f64,
}

/// What is kept from before somebody asked for it: bounded in time and in bytes, whichever is reached first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ring {
    /// Seconds kept; zero keeps nothing.
    pub seconds: f64,
    /// Megabytes kept.
    pub megabytes: u64,
    /// Whether an episode begins with what the ring holds at its start.
    pub before_start: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            episode_s: None,
            ring: Ring::default(),
            storage: Storage::default(),
            split: Split::default(),
            queue_megabytes: 96,
            inbox_megabytes: 48,
            min_free_megabytes: 256,
            flush_ms: 500,
            wait_s: 10.0,
        }
    }
}

impl Default for Ring {
    fn default() -> Self {
        Self { seconds: 0.0, megabytes: 256, before_start: false }
    }
}

/// The topics to record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Topics counted on, each watched against what it promises.
    pub expect: Vec<Expect>,
    /// Whether every other topic on the bus is recorded too.
    pub all: bool,
}

/// What this run of the recorder is for.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// The folder of episodes, made where it is missing.
    pub out: PathBuf,
    /// The session is over after so many episodes were kept.
    pub episodes: Option<u32>,
    /// An episode ends by itself after this, after zero never; goes before [`Config::episode_s`].
    pub length: Option<Duration>,
    /// Whether episodes start by themselves: the first when every topic that is not optional has delivered, the
    /// next, where episodes end by themselves or a number of them is set, when the last is safe. Whatever fails
    /// then ends the session with an error, because nobody is there to read it.
    pub auto: bool,
    /// Whether the terminal is ours: keys, and a live table.
    pub keys: bool,
    /// Noted in every bag: task, operator, the robot's file.
    pub notes: BTreeMap<String, String>,
    /// Makes the arm draggable before each episode.
    pub teach: Option<Teach>,
}

/// What a session came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The episodes that were kept.
    pub kept: Vec<Kept>,
    /// How many episodes failed; what they wrote until then is among those kept.
    pub failed: u32,
    /// Bags of an earlier session that were cut off and are whole again.
    pub recovered: Vec<PathBuf>,
}

/// One episode that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its folder.
    pub path: PathBuf,
    /// Messages written.
    pub messages: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Messages lost anywhere between the publishers and the disk, as far as the bus can see.
    pub lost: u64,
    /// How long it was, by the bus's clock.
    pub length: Duration,
}
