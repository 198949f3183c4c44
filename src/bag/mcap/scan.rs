//! What a file holds: from the summary at its end, or, where that is missing or wrong, record by record.
//!
//! A walk reads the heads of records and skips their bodies, so a torn recording of any size is known in seconds.
//! It stops at the first record that does not fit: what comes after is torn.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::CHUNK_LIMIT;
use super::chunk::About;
use super::index::{Chunk, Index};
use super::record::{
    CHANNEL, CHUNK, DATA_END, FOOTER, Fields, Flaw, MAGIC, MESSAGE, MESSAGE_INDEX, METADATA, PREFIX, SCHEMA,
    STATISTICS, Stamped,
};
use crate::bag::Error;

/// Messages outside chunks are read in stretches of about this many bytes.
const STRETCH: u64 = 1 << 20;
/// So many bytes of schemas and channels are taken from inside chunks: a few bytes of a compressed chunk may hold a
/// thousand times as many.
const INSIDE: u64 = 16 << 20;

/// A file's structure.
pub(super) struct Scan {
    pub(super) index: Index,
    /// Everything before this is whole records; for a finished file the end of its data.
    pub(super) end: u64,
    pub(super) size: u64,
    /// Whether the file ends as it should.
    pub(super) whole: bool,
}

/// Learns a file's structure.
pub(super) fn scan(file: &File, path: &Path) -> Result<Scan, Error> {
    let size = file.metadata().map_err(Error::disk("reading", path))?.len();
    let begins = read(file, 0, size.min(8)).is_ok_and(|begin| begin == MAGIC);
    if !begins {
        return Err(Error::damaged(path, "it does not begin as an MCAP file"));
    }
    if let Ok(index) = summary(file, size) {
        return Ok(Scan { index, end: size, size, whole: true });
    }
    let at = MAGIC.len() as u64;
    let mut walk = Walk { file, size, at, index: Index::default(), open: None, inside: 0, ended: false };
    walk.run().map_err(Error::disk("reading", path))?;
    let Walk { index, at: end, ended, .. } = walk;
    let whole = ended && read(file, size - 8, 8).is_ok_and(|end| end == MAGIC);
    Ok(Scan { index, end, size, whole })
}

/// Reads `length` bytes, after the check that the file has them.
pub(super) fn read(file: &File, at: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    if length > CHUNK_LIMIT || at.checked_add(length).is_none_or(|end| end > size) {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

fn unread(error: std::io::Error) -> Flaw {
    Flaw::new(format!("it cannot be read: {error}"))
}

/// The index from the summary. A summary without statistics, or that counts messages but knows no chunks, is not
/// enough to read by.
fn summary(file: &File, size: u64) -> Result<Index, Flaw> {
    const END: u64 = PREFIX + 20 + 8;
    let tail_at = size.checked_sub(END).ok_or_else(|| Flaw::new("too short"))?;
    let tail = read(file, tail_at, END).map_err(unread)?;
    if tail[END as usize - 8..] != MAGIC {
        return Err(Flaw::new("no magic at the end"));
    }
    let (code, mut fields) = Fields(&tail).record()?;
    let (start, _, crc) = (fields.u64()?, fields.u64()?, fields.u32()?);
    if code != FOOTER || start == 0 || start > tail_at {
        return Err(Flaw::new("no summary"));
    }
    let bytes = read(file, start, tail_at - start).map_err(unread)?;
    let mut hash = crc32fast::Hasher::new();
    hash.update(&bytes);
    hash.update(&tail[..END as usize - 12]);
    if crc != 0 && crc != hash.finalize() {
        return Err(Flaw::new("the summary's checksum does not match"));
    }
    let mut index = Index::default();
    let (mut rest, mut counted) = (Fields(&bytes), false);
    while !rest.0.is_empty() {
        let (code, fields) = rest.record()?;
        counted |= code == STATISTICS;
        index.learn(code, fields)?;
    }
    let known = index.counts.keys().all(|channel| index.channels.contains_key(channel));
    if !counted || !known || (index.chunks.is_empty() && index.counts.values().any(|count| *count > 0)) {
        return Err(Flaw::new("the summary does not tell enough"));
    }
    learn_all_notes(file, &mut index);
    Ok(index)
}

fn learn_all_notes(file: &File, index: &mut Index) {
    for noted in index.noted.clone() {
        let Ok(bytes) = read(file, noted.offset, noted.length) else { continue };
        let record = Fields(&bytes).record();
        if let Ok((METADATA, mut fields)) = record
            && let (Ok(name), Ok(map)) = (fields.text(), fields.map())
        {
            index.learn_notes(name, map);
        }
    }
}

/// A chunk whose message indexes may still follow.
struct Open {
    chunk: Chunk,
    counts: BTreeMap<u16, u64>,
}

struct Walk<'a> {
    file: &'a File,
    size: u64,
    at: u64,
    index: Index,
    open: Option<Open>,
    /// Bytes of schemas and channels that stood inside chunks.
    inside: u64,
    /// Whether the data's end was found.
    ended: bool,
}

impl Walk<'_> {
    fn run(&mut self) -> std::io::Result<()> {
        while self.size - self.at >= PREFIX {
            let head = read(self.file, self.at, PREFIX)?;
            let code = head[0];
            let length =
                u64::from_le_bytes([head[1], head[2], head[3], head[4], head[5], head[6], head[7], head[8]]);
            let torn = code == 0 || length > self.size - self.at - PREFIX;
            if torn {
                break;
            }
            if code != MESSAGE_INDEX {
                self.settle(true);
            }
            if code == DATA_END || code == FOOTER {
                self.ended = true;
                break;
            }
            match self.step(code, length) {
                Ok(()) => self.at += PREFIX + length,
                Err(_) => break,
            }
        }
        let ended = self.ended;
        self.settle(ended);
        Ok(())
    }

    fn step(&mut self, code: u8, length: u64) -> Result<(), Flaw> {
        let body = self.at + PREFIX;
        match code {
            SCHEMA | CHANNEL => {
                let bytes = read(self.file, body, length).map_err(unread)?;
                self.index.learn(code, Fields(&bytes))?;
            }
            METADATA => {
                let bytes = read(self.file, body, length).map_err(unread)?;
                let mut fields = Fields(&bytes);
                let (name, map) = (fields.text()?.to_owned(), fields.map()?);
                let (offset, length) = (self.at, PREFIX + length);
                self.index.learn_notes(&name, map);
                self.index.noted.push(super::index::Noted { offset, length, name });
            }
            MESSAGE => self.bare(body, length)?,
            CHUNK => {
                let chunk = chunk_at(self.file, self.at, PREFIX + length)?.0;
                self.open = Some(Open { chunk, counts: BTreeMap::new() });
            }
            MESSAGE_INDEX => {
                let head = read(self.file, body, 6.min(length)).map_err(unread)?;
                let mut fields = Fields(&head);
                let (channel, bytes) = (fields.u16()?, fields.u32()?);
                if let Some(open) = &mut self.open {
                    open.counts.insert(channel, u64::from(bytes / 16));
                    open.chunk.indexes.insert(channel, self.at);
                    open.chunk.indexes_length += PREFIX + length;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A message outside any chunk joins the stretch before it.
    fn bare(&mut self, body: u64, length: u64) -> Result<(), Flaw> {
        let head = read(self.file, body, Stamped::LENGTH.min(length)).map_err(unread)?;
        let head = Stamped::read(&mut Fields(&head))?;
        self.index.count(head.channel, head.received);
        let at = self.at;
        let joined =
            self.index.chunks.last_mut().filter(|last| {
                last.bare && last.offset + last.length == at && last.length + length < STRETCH
            });
        match joined {
            Some(stretch) => {
                stretch.length += PREFIX + length;
                stretch.first = stretch.first.min(head.received);
                stretch.last = stretch.last.max(head.received);
            }
            None => self.index.chunks.push(Chunk {
                first: head.received,
                last: head.received,
                offset: at,
                length: PREFIX + length,
                bare: true,
                ..Chunk::default()
            }),
        }
        Ok(())
    }

    /// Counts a chunk whose record is complete: by its indexes where they are, else by what is in it.
    fn settle(&mut self, indexed: bool) {
        let Some(Open { mut chunk, mut counts }) = self.open.take() else { return };
        let known = counts.keys().all(|channel| self.index.channels.contains_key(channel));
        if !indexed || counts.is_empty() || !known {
            let unpacked = unpack(self.file, &chunk);
            if let Ok(bytes) = &unpacked {
                counts = self.look_through(bytes);
            }
        }
        if !indexed {
            chunk.indexes.clear();
            chunk.indexes_length = 0;
        }
        for (channel, count) in &counts {
            *self.index.counts.entry(*channel).or_default() += count;
        }
        if !counts.is_empty() {
            self.index.widen(chunk.first, chunk.last);
        }
        self.index.chunks.push(chunk);
    }

    fn look_through(&mut self, bytes: &[u8]) -> BTreeMap<u16, u64> {
        let (mut rest, mut counts) = (Fields(bytes), BTreeMap::new());
        while let Ok((code, mut fields)) = rest.record() {
            match code {
                MESSAGE => {
                    let Ok(head) = Stamped::read(&mut fields) else { continue };
                    *counts.entry(head.channel).or_default() += 1;
                }
                SCHEMA | CHANNEL => self.learn_inside(code, fields),
                _ => {}
            }
        }
        counts
    }

    /// Learns a schema or a channel that stands inside a chunk. What does not read or is too much makes an error
    /// item of each message that needs it.
    fn learn_inside(&mut self, code: u8, fields: Fields<'_>) {
        let Ok(id) = fields.clone().u16() else { return };
        let Index { schemas, channels, .. } = &self.index;
        let known = if code == SCHEMA { schemas.contains_key(&id) } else { channels.contains_key(&id) };
        let length = fields.0.len() as u64;
        if !known && self.inside + length <= INSIDE {
            self.inside += length;
            self.index.learn(code, fields).unwrap_or_default();
        }
    }
}

/// The chunk record at `at`, `length` bytes long, and the fields before its messages.
pub(super) fn chunk_at(file: &File, at: u64, length: u64) -> Result<(Chunk, About), Flaw> {
    /// Longer than any compression's name.
    const NAME: u64 = 64;
    let head = read(file, at, (PREFIX + About::length(NAME)).min(length)).map_err(unread)?;
    if head.first() != Some(&CHUNK) {
        return Err(Flaw::new(format!("no chunk at byte {at}")));
    }
    let about = About::read(&mut Fields(head.get(PREFIX as usize..).unwrap_or_default()))?;
    let chunk = Chunk {
        first: about.first,
        last: about.last,
        offset: at,
        length,
        compression: about.compression.clone(),
        compressed: about.compressed,
        uncompressed: about.uncompressed,
        ..Chunk::default()
    };
    Ok((chunk, about))
}

/// The messages of a chunk, as records one after the other.
pub(super) fn unpack(file: &File, chunk: &Chunk) -> Result<Vec<u8>, Flaw> {
    if chunk.bare {
        return read(file, chunk.offset, chunk.length).map_err(unread);
    }
    let (_, about) = chunk_at(file, chunk.offset, chunk.length)?;
    let (is, says) = (chunk.length.saturating_sub(about.body()), about.compressed);
    if is < says {
        return Err(Flaw::new(format!("a chunk of {is} bytes that says it has {says}")));
    }
    about.unpack(read(file, chunk.offset + about.body(), says).map_err(unread)?)
}
