//! One episode: its folder, its writer at work, and what is noted in it at the end.
//!
//! It hides the writer's thread: the recorder only hands over and looks, so that a slow disk can fill the queue but never
//! stop the listening. What became of the bag is known only once that thread has been joined.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::alarm::Noted;
use super::queue::{Job, Queue, Refused};
use super::space::Folder;
use super::streams::{Losses, Stream, Streams};
use super::writer::{Writing, Written};
use super::{Config, Error};
use crate::bag::{self, Notes};
use crate::time::Stamp;
use crate::wire::Sample;

/// The keys under which a recorder notes things in a bag.
pub mod notes {
    /// What is shown, in words.
    pub const TASK: &str = "task";
    /// The same where rosetta and LeRobot look for it.
    pub const PROMPT: &str = "lerobot.operator_prompt";
    /// Whether the demonstration succeeded: `true` or `false`; absent where nobody said.
    pub const SUCCESS: &str = "success";
    /// Why the episode ended: one of `asked`, `length`, `interrupted`, `ended`, `disk full`, `failed`.
    pub const ENDED: &str = "apprentice.ended";
    /// What was lost between publishers and disk: `{"total": n, "topics": {"/t": {"wire": n, …}}}`.
    pub const LOST: &str = "apprentice.lost";
    /// Where a publisher announced another type hash than the one in the bag: `{"/t": {"noted": h, "announced": [h, …]}}`;
    /// absent where none did.
    pub const HASHES: &str = "apprentice.type_hashes";
    /// The alarms: `[{"topic", "alarm", "after_s", "lasted_s", "times"}]`.
    pub const ALARMS: &str = "apprentice.alarms";
}

/// How long a disk may stand still before what waits for it is given up and counted as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why an episode ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody asked.
    Asked,
    /// It reached its length.
    Length,
    /// The recorder was told to stop.
    Interrupted,
    /// The bus has nothing more to say.
    Ended,
    /// The disk is full, with these words.
    Full(String),
    /// It failed, with these words.
    Failed(String),
}

impl Why {
    fn word(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Length => "length",
            Self::Interrupted => "interrupted",
            Self::Ended => "ended",
            Self::Full(_) => "disk full",
            Self::Failed(_) => "failed",
        }
    }

    /// What went wrong, if anything did.
    pub(super) fn trouble(&self) -> Option<&str> {
        match self {
            Self::Full(words) | Self::Failed(words) => Some(words),
            Self::Asked | Self::Length | Self::Interrupted | Self::Ended => None,
        }
    }
}

/// Makes the writer of a bag.
pub(super) type Create = fn(&Path, &bag::Options) -> Result<Box<dyn bag::Writer>, bag::Error>;

/// An episode being written.
#[derive(Debug)]
pub(super) struct Episode {
    pub(super) number: u32,
    pub(super) path: PathBuf,
    pub(super) start: Stamp,
    writing: Writing,
    queue_bytes: usize,
}

impl Episode {
    /// Begins the episode after the last in `folder`, with a writer that `create` makes.
    pub(super) fn begin(
        folder: &Folder,
        config: &Config,
        notes: &Notes,
        start: Stamp,
        create: Create,
    ) -> Result<Self, Error> {
        folder.enough()?;
        let reserve = folder.reserve()?;
        let (number, path) = folder.next_episode()?;
        let options = bag::Options {
            storage: config.storage.clone(),
            split: config.split,
            notes: notes.clone(),
            // As rosbag2 notes it; empty where no ROS 2 is sourced.
            ros_distro: std::env::var("ROS_DISTRO").unwrap_or_default(),
        };
        let writer = create(&path, &options)?;
        let queue_bytes =
            usize::try_from(config.queue_megabytes.saturating_mul(1_000_000)).unwrap_or(usize::MAX);
        let flush = Duration::from_millis(config.flush_ms);
        let writing = Writing::start(writer, Queue::new(queue_bytes), flush, reserve)
            .map_err(|source| Error::Folder { what: "starting a writer for", path: path.clone(), source })?;
        Ok(Self { number, path, start, writing, queue_bytes })
    }

    /// Declares a topic whose type is known.
    pub(super) fn declare(&self, stream: &Stream) {
        if let Some(topic) = &stream.topic {
            let job = Job::Declare(topic.clone(), stream.definition.clone(), stream.type_hash.clone());
            self.writing.queue().order(job);
        }
    }

    /// Hands a sample to the writer.
    pub(super) fn push(&self, sample: &Sample) -> Result<(), Refused> {
        self.writing.queue().push(sample)
    }

    /// Hands a sample to the writer, and waits for room where those who publish wait as well.
    pub(super) fn push_patiently(&self, sample: &Sample) -> Result<(), Refused> {
        self.writing.queue().push_patiently(sample, Instant::now() + PATIENCE)
    }

    /// Hands over samples whose memory was granted to whoever holds them: they leave the queue's room to others.
    pub(super) fn push_held(&self, samples: Vec<Sample>) {
        samples.into_iter().for_each(|sample| self.writing.queue().order(Job::Held(sample)));
    }

    /// Has the writer end the bag, with these notes.
    pub(super) fn end(&self, notes: Notes) {
        for (key, value) in notes {
            self.writing.queue().order(Job::Note(key, value));
        }
        self.writing.queue().order(Job::End);
    }

    /// Has the writer leave the bag as it is.
    pub(super) fn abandon(&self) {
        self.writing.queue().order(Job::Abandon);
    }

    /// Whether the writer has ended, in order or not.
    pub(super) fn is_over(&self) -> bool {
        self.writing.is_over()
    }

    /// Bytes on disk so far.
    pub(super) fn bytes(&self) -> u64 {
        self.writing.bytes()
    }

    /// How much of the queue is in use, from 0 to 1.
    pub(super) fn queue_in_use(&self) -> f64 {
        self.writing.queue().bytes() as f64 / self.queue_bytes.max(1) as f64
    }

    /// Waits for the writer's thread, which is over or about to be.
    pub(super) fn join(self) -> Written {
        self.writing.join()
    }
}

/// What is noted at the end of an episode that began at `start`.
pub(super) fn final_notes(
    streams: &Streams,
    why: &Why,
    success: Option<bool>,
    start: Stamp,
    now: Stamp,
) -> Notes {
    let mut notes = Notes::new();
    if let Some(success) = success {
        notes.insert(notes::SUCCESS.to_owned(), success.to_string());
    }
    notes.insert(notes::ENDED.to_owned(), why.word().to_owned());
    let alarms: Vec<Noted> =
        streams.iter().flat_map(|stream| stream.watch.noted(&stream.name, start, now)).collect();
    notes.insert(notes::ALARMS.to_owned(), json(&alarms));
    notes.insert(notes::LOST.to_owned(), json(&Lost::of(streams)));
    let hashes: BTreeMap<&str, Hashes> = streams.iter().filter_map(Hashes::of).collect();
    if !hashes.is_empty() {
        notes.insert(notes::HASHES.to_owned(), json(&hashes));
    }
    notes
}

/// Which type hash a bag has of a topic, and which others its publishers announced.
#[derive(Debug, Serialize)]
struct Hashes<'a> {
    noted: &'a str,
    announced: &'a BTreeSet<String>,
}

impl<'a> Hashes<'a> {
    /// Nothing where they agree, or where none is announced.
    fn of(stream: &'a Stream) -> Option<(&'a str, Self)> {
        let announced = stream.other_hashes();
        (!announced.is_empty()).then(|| (stream.name.as_str(), Self { noted: &stream.type_hash, announced }))
    }
}

/// What was lost, as it is noted: topics that lost nothing are left out.
#[derive(Debug, Serialize)]
struct Lost {
    total: u64,
    topics: BTreeMap<String, Losses>,
}

impl Lost {
    fn of(streams: &Streams) -> Self {
        let lossy = streams.iter().filter(|stream| stream.losses().total() > 0);
        let topics = lossy.map(|stream| (stream.name.clone(), stream.losses())).collect();
        Self { total: streams.lost(), topics }
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("strings and finite numbers always have a JSON")
}

/// Makes the bag of a failed episode readable, as far as anything of it is left; the messages it has, by topic.
pub(super) fn rescue(path: &Path) -> Result<HashMap<String, u64>, bag::Error> {
    let mut messages = HashMap::new();
    for track in bag::recover(path)?.files.iter().flat_map(|file| &file.tracks) {
        *messages.entry(track.topic.name.clone()).or_default() += track.messages;
    }
    Ok(messages)
}
