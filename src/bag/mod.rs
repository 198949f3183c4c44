//! Recordings: rosbag2 folders, read and written message by message.
//!
//! Bytes in, bytes out: nothing here looks inside a message. A message that cannot be read is an error item in
//! the stream and the next one follows; a file that cannot be read says so with its path.

use std::path::PathBuf;
use std::sync::Arc;

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
}

/// The messages of a recording in the order they were received, each of them possibly damaged.
pub type Samples<'a> = Box<dyn Iterator<Item = Result<Sample, Error>> + Send + 'a>;

/// Reads a recording.
pub trait Reader: Send {
    /// Its topics.
    fn topics(&self) -> &[Arc<Topic>];
    /// The first and the last instant at which a message was received; `None` where there is no message.
    fn span(&self) -> Option<(Stamp, Stamp)>;
    /// The messages of the topics named, or of all where none is, by time of receipt.
    fn samples(&mut self, wanted: &[&str]) -> Samples<'_>;
    /// The text of a topic's message definition, where the recording has it.
    fn definition(&self, topic: &str) -> Option<&str>;
    /// What was noted beside the messages: task, operator, success and whatever others wrote.
    fn notes(&self) -> &std::collections::BTreeMap<String, String>;
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
    /// Ends the recording.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}
