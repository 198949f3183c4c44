//! Reading an MCAP file by time of receipt, a few chunks at a time.
//!
//! Chunks may overlap in time. A chunk is opened when the reader's time reaches its first message and closed after
//! its last; where very many overlap, the furthest give their bytes back and are read again when their turn comes.
//! So memory is bounded whatever the file's size, which a memory map would give too, but not without `unsafe` and
//! not for compressed chunks.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::CHUNK_LIMIT;
use super::index::{Index, stamp};
use super::record::{Fields, Flaw, MESSAGE, Stamped};
use super::scan::{scan, unpack};
use crate::bag::{Error, Notes, Samples, Shelf, Tally};
use crate::wire::{Sample, Topic};

/// Open chunks hold this many bytes together, or one chunk where that is larger.
const BUDGET: u64 = CHUNK_LIMIT;

struct Book {
    path: PathBuf,
    file: File,
    index: Index,
    tally: Tally,
    topics: HashMap<u16, Arc<Topic>>,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn Shelf>, Error> {
    let file = File::open(path).map_err(Error::disk("opening", path))?;
    let found = scan(&file, path)?;
    let tally = found.index.tally(path, found.size);
    let ids = found.index.channels.keys().copied();
    let topics = ids.zip(tally.tracks.iter().map(|track| Arc::clone(&track.topic))).collect();
    Ok(Box::new(Book { path: path.to_owned(), file, index: found.index, tally, topics }))
}

impl Shelf for Book {
    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn notes(&self) -> &Notes {
        &self.index.notes
    }

    fn samples(&mut self, wanted: &[String]) -> Samples<'_> {
        let is_wanted = |topic: &Topic| wanted.is_empty() || wanted.contains(&topic.name);
        let channels: HashMap<u16, bool> =
            self.topics.iter().map(|(id, topic)| (*id, is_wanted(topic))).collect();
        let any = |indexes: &BTreeMap<u16, u64>| {
            indexes.is_empty() || indexes.keys().any(|id| channels.get(id).copied().unwrap_or(true))
        };
        let chunks = &self.index.chunks;
        let mut order: Vec<usize> = (0..chunks.len()).filter(|at| any(&chunks[*at].indexes)).collect();
        order.sort_by_key(|at| std::cmp::Reverse((chunks[*at].first, chunks[*at].offset)));
        Box::new(Reading { book: self, channels, closed: order, open: BTreeMap::new(), held: 0 })
    }
}

/// A message inside an open chunk.
#[derive(Clone, Copy)]
struct Entry {
    head: Stamped,
    start: usize,
    length: usize,
}

/// A chunk being read.
struct Opened {
    chunk: usize,
    /// Its messages still to come, the next last.
    entries: Vec<Entry>,
    /// Its bytes, unless they were given back.
    bytes: Option<Bytes>,
}

struct Reading<'a> {
    book: &'a Book,
    /// Which channels are wanted.
    channels: HashMap<u16, bool>,
    /// Chunks not yet opened, the next last.
    closed: Vec<usize>,
    /// Open chunks by the time of their next message.
    open: BTreeMap<(u64, usize), Opened>,
    held: u64,
}

impl Reading<'_> {
    /// Opens the next chunk.
    fn open(&mut self, chunk: usize) -> Result<(), Error> {
        let bytes = self.unpack(chunk)?;
        let (mut entries, flaw) = self.entries(&bytes);
        entries.sort_by_key(|entry| std::cmp::Reverse((entry.head.received, entry.start)));
        let time = entries.last().map(|entry| entry.head.received);
        if let Some(time) = time {
            self.held += bytes.len() as u64;
            self.open.insert((time, chunk), Opened { chunk, entries, bytes: Some(bytes) });
            self.give_back();
        }
        flaw.map_or(Ok(()), |flaw| Err(self.damaged(chunk, &flaw)))
    }

    fn unpack(&self, chunk: usize) -> Result<Bytes, Error> {
        let unpacked = unpack(&self.book.file, &self.book.index.chunks[chunk]);
        unpacked.map(Bytes::from).map_err(|flaw| self.damaged(chunk, &flaw))
    }

    fn damaged(&self, chunk: usize, flaw: &Flaw) -> Error {
        let at = self.book.index.chunks[chunk].offset;
        Error::damaged(&self.book.path, format!("in the chunk at byte {at}: {flaw}"))
    }

    /// The wanted messages of a chunk, and what ended them early.
    fn entries(&self, bytes: &[u8]) -> (Vec<Entry>, Option<Flaw>) {
        let (mut rest, mut entries) = (Fields(bytes), Vec::new());
        while !rest.0.is_empty() {
            let (code, mut fields) = match rest.record() {
                Ok(record) => record,
                Err(flaw) => return (entries, Some(flaw)),
            };
            if code != MESSAGE {
                continue;
            }
            match Stamped::read(&mut fields) {
                Err(flaw) => return (entries, Some(flaw)),
                Ok(head) if !self.channels.get(&head.channel).copied().unwrap_or(true) => {}
                Ok(head) => {
                    let length = fields.0.len();
                    let start = bytes.len() - rest.0.len() - length;
                    entries.push(Entry { head, start, length });
                }
            }
        }
        (entries, None)
    }

    /// Has the chunks whose turn is furthest give their bytes back, until the rest fit.
    fn give_back(&mut self) {
        let furthest = self.open.values_mut().rev();
        for opened in furthest {
            if self.held <= BUDGET {
                break;
            }
            if let Some(bytes) = opened.bytes.take() {
                self.held -= bytes.len() as u64;
            }
        }
    }

    fn sample(&self, entry: &Entry, bytes: &Bytes) -> Result<Sample, Error> {
        let head = entry.head;
        let refused =
            |topic: String, why: String| Error::Message { path: self.book.path.clone(), topic, why };
        let Some(topic) = self.book.topics.get(&head.channel) else {
            return Err(refused(String::new(), format!("its channel {} is not known", head.channel)));
        };
        if entry.length < 4 {
            return Err(refused(topic.name.clone(), format!("it has {} bytes only", entry.length)));
        }
        let range = entry.start..entry.start + entry.length;
        // A small message must not keep a whole chunk in memory for as long as somebody keeps it.
        let cdr = match entry.length * 4 < bytes.len() {
            true => Bytes::copy_from_slice(&bytes[range]),
            false => bytes.slice(range),
        };
        Ok(Sample {
            topic: Arc::clone(topic),
            received: stamp(head.received),
            sent: (head.sent != head.received && head.sent != 0).then(|| stamp(head.sent)),
            publisher: None,
            sequence: (head.sequence != 0).then_some(u64::from(head.sequence)),
            cdr,
        })
    }
}

impl Iterator for Reading<'_> {
    type Item = Result<Sample, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(&chunk) = self.closed.last() {
            let begins = self.book.index.chunks[chunk].first;
            if self.open.first_key_value().is_some_and(|((time, _), _)| *time < begins) {
                break;
            }
            self.closed.pop();
            if let Err(error) = self.open(chunk) {
                return Some(Err(error));
            }
        }
        let (_, mut opened) = self.open.pop_first()?;
        let bytes = match opened.bytes.take() {
            Some(bytes) => bytes,
            None => match self.unpack(opened.chunk) {
                Err(error) => return Some(Err(error)),
                Ok(bytes) => {
                    self.held += bytes.len() as u64;
                    bytes
                }
            },
        };
        let item = opened.entries.pop().map(|entry| self.sample(&entry, &bytes));
        match opened.entries.last().map(|entry| entry.head.received) {
            None => self.held -= bytes.len() as u64,
            Some(time) => {
                opened.bytes = Some(bytes);
                self.open.insert((time, opened.chunk), opened);
                self.give_back();
            }
        }
        item
    }
}
