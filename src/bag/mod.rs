//! Recordings: rosbag2 folders, read and written message by message.
//!
//! Bytes in, bytes out: nothing here looks inside a message. A message that cannot be read is an error item in
//! the stream and the next one follows; a file that cannot be read says so with its path.
//!
//! A format writes and reads single files ([`Volume`], [`Shelf`]); what makes a bag of them (names, splitting,
//! `metadata.yaml`, order across files, recovery) is written once, above the formats, in `series.rs` and
//! `recover.rs`. A new format is one file and one line in [`FORMATS`].

mod check;
mod folder;
mod mcap;
mod metadata;
mod options;
mod qos;
mod recover;
mod series;
mod settle;
mod sqlite;
mod torn;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use check::{Delay, Finding, Interval, Report, Severity, Silence, StreamReport, check, check_watched};
pub use folder::{delete, label, unfinished};
pub use options::{Compression, Mcap, Options, Split, Sqlite, Storage, Style};
pub use recover::{RECOVERED, Recovered, recover};
pub use series::{create, open};
pub use torn::Torn;

use crate::time::Stamp;
use crate::wire::{Sample, Topic};

/// What goes wrong with a recording.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refused.
    #[error("{what} {path:?} failed")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database inside a file refused.
    #[error("{what} {path:?} failed")]
    Database {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file that is not what its name says.
    #[error("{path:?} is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// One message that cannot be read; the next may well be.
    #[error("a message of {topic:?} in {path:?} is damaged: {why}")]
    Message {
        /// The file.
        path: PathBuf,
        /// Its topic, as far as known.
        topic: String,
        /// What is wrong with it.
        why: String,
    },
    /// No recording, or one of a kind we do not know.
    #[error("{path:?} is no recording: {why}")]
    NotABag {
        /// Where we looked.
        path: PathBuf,
        /// What was missing.
        why: String,
    },
    /// Something is there already, and a recording is never written over.
    #[error("{path:?} is there already")]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// Somebody is writing it.
    #[error("{path:?} is being written")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A message that this recording cannot take.
    #[error("a message of {topic:?} cannot be written to {path:?}: {why}")]
    Refused {
        /// The recording.
        path: PathBuf,
        /// The message's topic.
        topic: String,
        /// What is wrong with it.
        why: String,
    },
    /// A folder that was left as it is, because more than a recording is in it.
    #[error("{path:?} is left as it is: it also holds {other:?}")]
    NotAlone {
        /// The folder.
        path: PathBuf,
        /// What does not belong to a recording.
        other: String,
    },
}

impl Error {
    /// For `map_err`: the disk refused `what` at `path`.
    fn disk(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Disk { what, path: path.to_owned(), source }
    }

    fn damaged(path: &Path, why: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.to_string() }
    }

    /// Whether the disk had no room left.
    pub fn is_full_disk(&self) -> bool {
        match self {
            Self::Disk { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            Self::Database { source, .. } => sqlite::is_full(source.as_ref()),
            _ => false,
        }
    }
}

/// The messages of a recording in the order they were received, each of them possibly damaged.
pub type Samples<'a> = Box<dyn Iterator<Item = Result<Sample, Error>> + Send + 'a>;

/// Notes beside the messages: task, operator, success and whatever others wrote.
pub type Notes = BTreeMap<String, String>;

/// One topic of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// The topic.
    pub topic: Arc<Topic>,
    /// The text of its message definition; empty where unknown.
    pub definition: Arc<str>,
    /// The RIHS01 hash of its type; empty where unknown.
    pub type_hash: String,
    /// Its messages.
    pub messages: u64,
}

/// One file of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Its name inside the recording's folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// The first and the last instant of receipt in it; `None` where it has no message.
    pub span: Option<(Stamp, Stamp)>,
    /// The topics in it.
    pub tracks: Vec<Track>,
}

impl Tally {
    /// All messages in the file.
    pub fn messages(&self) -> u64 {
        self.tracks.iter().map(|track| track.messages).sum()
    }
}

/// Reads a recording.
pub trait Reader: Send {
    /// Its topics.
    fn topics(&self) -> &[Arc<Topic>];
    /// Its topics with definition, hash and number of messages, in the order of [`topics`](Self::topics).
    fn tracks(&self) -> &[Track];
    /// Its files.
    fn files(&self) -> &[Tally];
    /// The first and the last instant at which a message was received; `None` where there is no message.
    fn span(&self) -> Option<(Stamp, Stamp)>;
    /// The messages of the topics named, or of all where none is, by time of receipt.
    fn samples(&mut self, wanted: &[&str]) -> Samples<'_>;
    /// The text of a topic's message definition, where the recording has it.
    fn definition(&self, topic: &str) -> Option<&str> {
        let mut tracks = self.tracks().iter().filter(|track| track.topic.name == topic);
        tracks.find(|track| !track.definition.is_empty()).map(|track| &*track.definition)
    }
    /// The RIHS01 hash of a topic's type, where the recording has it.
    fn type_hash(&self, topic: &str) -> Option<&str> {
        let mut tracks = self.tracks().iter().filter(|track| track.topic.name == topic);
        tracks.find(|track| !track.type_hash.is_empty()).map(|track| track.type_hash.as_str())
    }
    /// What was noted beside the messages: task, operator, success and whatever others wrote.
    fn notes(&self) -> &Notes;
    /// What tells that it is not all there; nothing of a whole recording.
    fn torn(&self) -> &[Torn];
}

/// Writes a recording.
pub trait Writer: Send {
    /// Declares a topic with the text of its definition (empty where unknown) before its first message.
    fn declare(&mut self, topic: &Arc<Topic>, definition: &str, type_hash: &str) -> Result<(), Error>;
    /// Writes one message of a declared topic.
    fn write(&mut self, sample: &Sample) -> Result<(), Error>;
    /// Makes what was written so far survive this process.
    fn flush(&mut self) -> Result<(), Error>;
    /// Bytes on disk so far, as far as known.
    fn bytes(&self) -> u64;
    /// Notes something beside the messages; a later value replaces an earlier.
    fn note(&mut self, key: &str, value: &str);
    /// Ends the recording. After a full disk it is called all the same: it makes what fits readable.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

/// A file being written in one format.
trait Volume: Send {
    fn declare(&mut self, topic: &Arc<Topic>, definition: &str, type_hash: &str) -> Result<(), Error>;
    fn write(&mut self, sample: &Sample) -> Result<(), Error>;
    /// Keeps the notes in the file itself, so that they survive a writer that dies.
    fn keep(&mut self, notes: &Notes) -> Result<(), Error>;
    fn flush(&mut self) -> Result<(), Error>;
    /// Bytes handed to the disk and waiting to be.
    fn bytes(&self) -> u64;
    /// Makes the file whole and says what is in it.
    fn close(self: Box<Self>) -> Result<Tally, Error>;
}

/// A file being read in one format.
trait Shelf: Send {
    fn tally(&self) -> &Tally;
    fn notes(&self) -> &Notes;
    /// Whether the file ends as its format has it. A format whose damage shows on opening is always whole here.
    fn is_whole(&self) -> bool {
        true
    }
    /// The metadata version that goes with the file, and the ROS distribution it names.
    fn origin(&self) -> (u32, String) {
        (metadata::NEWEST, String::new())
    }
    /// The messages of the topics named, or of all where none is, by time of receipt.
    fn samples(&mut self, wanted: &[String]) -> Samples<'_>;
}

/// What recovery did to one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Repair {
    changed: bool,
    /// Bytes at the torn end that held no whole message.
    dropped: u64,
}

type Created = Result<Box<dyn Volume>, Error>;
type Opened = Result<Box<dyn Shelf>, Error>;

/// One way to keep messages in a file.
struct Format {
    /// What `metadata.yaml` calls it.
    identifier: &'static str,
    extension: &'static str,
    create: fn(&Path, &Options) -> Created,
    open: fn(&Path) -> Opened,
    repair: fn(&Path) -> Result<Repair, Error>,
}

/// Every format there is.
static FORMATS: &[Format] = &[self::mcap::FORMAT, self::sqlite::FORMAT];

/// The format of a file, by its extension.
fn format_of(file: &Path) -> Option<&'static Format> {
    let extension = file.extension()?.to_str()?;
    FORMATS.iter().find(|format| format.extension == extension)
}
