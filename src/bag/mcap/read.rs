//! Reading an MCAP file by time of receipt, a few chunks at a time.
//!
//! Chunks may overlap in time. A chunk is opened when the reader's time reaches its first message and closed after
//! its last; where very many overlap, the furthest give all they hold back, keep the number of messages they have
//! left, and are read again when their turn comes.
//! So memory is bounded whatever the file's size, which a memory map would give too, but not without `unsafe` and
//! not for compressed chunks.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::CHUNK_LIMIT;
use super::index::{Index, stamp};
use super::record::{Fields, Flaw, MESSAGE, Stamped};
use super::scan::{scan, unpack};
use crate::bag::{Error, Notes, Samples, Shelf, Tally};
use crate::wire::{Sample, Topic};

/// Open chunks hold this many bytes together, and one chunk more at most.
const BUDGET: u64 = CHUNK_LIMIT;

struct Book {
    path: PathBuf,
    file: File,
    index: Index,
    tally: Tally,
    /// Whether the file has its end.
    whole: bool,
    topics: HashMap<u16, Arc<Topic>>,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn Shelf>, Error> {
    let file = File::open(path).map_err(Error::disk("opening", path))?;
    let found = scan(&file, path)?;
    let tally = found.index.tally(path, found.size);
    let ids = found.index.channels.keys().copied();
    let topics = ids.zip(tally.tracks.iter().map(|track| Arc::clone(&track.topic))).collect();
    Ok(Box::new(Book { path: path.to_owned(), file, index: found.index, tally, whole: found.whole, topics }))
}

impl Shelf for Book {
    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn notes(&self) -> &Notes {
        &self.index.notes
    }

    fn is_whole(&self) -> bool {
        self.whole
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
        order.sort_by_key(|at| std::cmp::Reverse((chunks[*at].first, *at)));
        Box::new(Reading { book: self, channels, closed: order, open: BTreeMap::new(), held: 0 })
    }
}

/// What a chunk holds.
struct Contents {
    bytes: Bytes,
    /// Where its messages still to come begin, the next last. No chunk is longer than 32 bits tell.
    places: Vec<u32>,
}

impl Contents {
    fn size(&self) -> u64 {
        (self.bytes.len() + self.places.capacity() * size_of::<u32>()) as u64
    }

    /// When the next message was received.
    fn next(&self) -> Option<u64> {
        self.places.last().map(|place| received(&self.bytes, *place))
    }
}

/// The message at a place that was found to hold one: its head and where its own bytes are.
fn message_at(bytes: &[u8], place: u32) -> Result<(Stamped, Range<usize>), Flaw> {
    let mut rest = Fields(bytes.get(place as usize..).unwrap_or_default());
    let (_, mut fields) = rest.record()?;
    let head = Stamped::read(&mut fields)?;
    let end = bytes.len() - rest.0.len();
    Ok((head, end - fields.0.len()..end))
}

fn received(bytes: &[u8], place: u32) -> u64 {
    message_at(bytes, place).map_or(0, |(head, _)| head.received)
}

/// A chunk being read.
struct Opened {
    chunk: usize,
    /// Its messages still to come.
    left: usize,
    /// What it holds, unless that was given back.
    contents: Option<Contents>,
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
        let (contents, flaw) = self.contents(chunk)?;
        if let Some(time) = contents.next() {
            let left = contents.places.len();
            self.held += contents.size();
            self.open.insert((time, chunk), Opened { chunk, left, contents: Some(contents) });
        }
        flaw.map_or(Ok(()), |flaw| Err(self.damaged(chunk, &flaw)))
    }

    /// What a chunk holds, and what ended it early.
    fn contents(&mut self, chunk: usize) -> Result<(Contents, Option<Flaw>), Error> {
        let about = &self.book.index.chunks[chunk];
        self.give_back(about.uncompressed.max(about.length));
        let bytes = self.unpack(chunk)?;
        let (mut places, flaw) = self.places(&bytes);
        places.sort_unstable_by_key(|place| std::cmp::Reverse((received(&bytes, *place), *place)));
        Ok((Contents { bytes, places }, flaw))
    }

    /// What a chunk that gave it back held.
    fn contents_again(&mut self, chunk: usize, left: usize) -> Result<Contents, Error> {
        let (mut contents, _) = self.contents(chunk)?;
        if contents.places.len() < left {
            return Err(self.damaged(chunk, &Flaw::new("it changed while it was read")));
        }
        contents.places.truncate(left);
        self.held += contents.size();
        Ok(contents)
    }

    fn unpack(&self, chunk: usize) -> Result<Bytes, Error> {
        let unpacked = unpack(&self.book.file, &self.book.index.chunks[chunk]);
        unpacked.map(Bytes::from).map_err(|flaw| self.damaged(chunk, &flaw))
    }

    fn damaged(&self, chunk: usize, flaw: &Flaw) -> Error {
        let at = self.book.index.chunks[chunk].offset;
        Error::damaged(&self.book.path, format!("in the chunk at byte {at}: {flaw}"))
    }

    /// Where the wanted messages of a chunk are, and what ended them early.
    fn places(&self, bytes: &[u8]) -> (Vec<u32>, Option<Flaw>) {
        let (mut rest, mut places) = (Fields(bytes), Vec::new());
        while !rest.0.is_empty() {
            let place = (bytes.len() - rest.0.len()) as u32;
            let (code, mut fields) = match rest.record() {
                Ok(record) => record,
                Err(flaw) => return (places, Some(flaw)),
            };
            if code != MESSAGE {
                continue;
            }
            match Stamped::read(&mut fields) {
                Err(flaw) => return (places, Some(flaw)),
                Ok(head) if !self.channels.get(&head.channel).copied().unwrap_or(true) => {}
                Ok(_) => places.push(place),
            }
        }
        (places, None)
    }

    /// Has the chunks whose turn is furthest give back what they hold, until there is room for so many bytes.
    fn give_back(&mut self, room: u64) {
        let furthest = self.open.values_mut().rev();
        for opened in furthest {
            if self.held.saturating_add(room) <= BUDGET {
                break;
            }
            if let Some(contents) = opened.contents.take() {
                self.held -= contents.size();
            }
        }
    }

    fn sample(&self, chunk: usize, bytes: &Bytes, place: u32) -> Result<Sample, Error> {
        let (head, range) = message_at(bytes, place).map_err(|flaw| self.damaged(chunk, &flaw))?;
        let refused =
            |topic: String, why: String| Error::Message { path: self.book.path.clone(), topic, why };
        let Some(topic) = self.book.topics.get(&head.channel) else {
            return Err(refused(String::new(), format!("its channel {} is not known", head.channel)));
        };
        if range.len() < 4 {
            return Err(refused(topic.name.clone(), format!("it has {} bytes only", range.len())));
        }
        // A small message must not keep a whole chunk in memory for as long as somebody keeps it.
        let cdr = match range.len() * 4 < bytes.len() {
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
            // Of messages received at one instant the earlier chunk's come first, so the later can wait.
            if self.open.first_key_value().is_some_and(|(turn, _)| *turn < (begins, chunk)) {
                break;
            }
            self.closed.pop();
            if let Err(error) = self.open(chunk) {
                return Some(Err(error));
            }
        }
        let (_, Opened { chunk, left, contents }) = self.open.pop_first()?;
        let mut contents = match contents.map_or_else(|| self.contents_again(chunk, left), Ok) {
            Ok(contents) => contents,
            Err(error) => return Some(Err(error)),
        };
        let item = contents.places.pop().map(|place| self.sample(chunk, &contents.bytes, place));
        match contents.next() {
            None => self.held -= contents.size(),
            Some(time) => {
                let opened = Opened { chunk, left: contents.places.len(), contents: Some(contents) };
                self.open.insert((time, chunk), opened);
            }
        }
        item
    }
}
