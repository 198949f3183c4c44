//! Finishing a file whose writer died.
//!
//! The file is finished in place, because a copy would need as much room again, which after a full disk there is
//! not, and minutes where this takes milliseconds. It is safe against a second kill: first the torn bytes after the
//! last whole message are cut, then a torn chunk's head is corrected in one small write, then the indexes and the
//! end are appended. Stopped anywhere in between, the file is a torn file again with the same messages.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::CHUNK_LIMIT;
use super::chunk::{About, message_indexes};
use super::index::{Chunk, Index};
use super::record::{Fields, HEADER, MAGIC, MESSAGE, PREFIX, Put, Stamped};
use super::scan::{Scan, chunk_at, read, scan, unpack};
use crate::bag::{Error, Repair};

/// Times and places of a chunk's messages, by channel.
type Entries = BTreeMap<u16, Vec<(u64, u64)>>;

pub(super) fn repair(path: &Path) -> Result<Repair, Error> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(Error::disk("opening", path))?;
    super::lock(&file, path)?;
    let size = file.metadata().map_err(Error::disk("reading", path))?.len();
    let begun = read(&file, 0, size.min(8)).unwrap_or_default();
    if size < 8 && MAGIC.starts_with(&begun) {
        return begin(&file, path).map(|()| Repair { changed: true, dropped: size });
    }
    let found = scan(&file, path)?;
    if found.whole {
        return Ok(Repair::default());
    }
    finish(&file, found).map_err(Error::disk("repairing", path))
}

/// Makes a file that was killed before its first record an empty recording.
fn begin(file: &File, path: &Path) -> Result<(), Error> {
    let mut bytes = MAGIC.to_vec();
    bytes.record(HEADER, |out| {
        out.text("ros2");
        out.text("");
    });
    let ending = Index::default().ending(bytes.len() as u64);
    bytes.extend(ending);
    let written = file.set_len(0).and_then(|()| file.write_all_at(&bytes, 0)).and_then(|()| file.sync_all());
    written.map_err(Error::disk("repairing", path))
}

fn finish(file: &File, found: Scan) -> std::io::Result<Repair> {
    let Scan { mut index, mut end, size, .. } = found;
    let mut dropped = size - end;
    // Past a Data End there is only a summary, which is written anew.
    let has_data_end = read(file, end, 1).is_ok_and(|code| code == [super::record::DATA_END]);
    if has_data_end {
        dropped = 0;
    }
    if let Some(saved) = salvage(file, end, size) {
        dropped = dropped.saturating_sub(saved.length);
        file.set_len(end + saved.length)?;
        file.sync_data()?;
        file.write_all_at(&saved.head, end)?;
        end += saved.length;
        for (channel, entries) in &saved.entries {
            *index.counts.entry(*channel).or_default() += entries.len() as u64;
        }
        index.widen(saved.chunk.first, saved.chunk.last);
        index.chunks.push(saved.chunk);
    }
    let tail = index_last_chunk(file, &mut index, end);
    let cut = tail.as_ref().map_or(end, |(at, _)| *at);
    file.set_len(cut)?;
    let mut bytes = tail.map(|(_, indexes)| indexes).unwrap_or_default();
    bytes.extend(index.ending(cut + bytes.len() as u64));
    file.write_all_at(&bytes, cut)?;
    file.sync_all()?;
    Ok(Repair { changed: true, dropped })
}

/// Where the file ends in a chunk whose message indexes are torn or missing: where they go, and their bytes.
fn index_last_chunk(file: &File, index: &mut Index, end: u64) -> Option<(u64, Vec<u8>)> {
    let chunk = index.chunks.last_mut().filter(|chunk| !chunk.bare && chunk.indexes.is_empty())?;
    let at = chunk.offset + chunk.length;
    // Records that are no index may follow already; then the chunk stays without.
    let followed = read(file, at, 1).is_ok_and(|code| code != [super::record::MESSAGE_INDEX]) && at < end;
    if followed {
        return None;
    }
    let (entries, _) = entries_of(&unpack(file, chunk).ok()?);
    let (bytes, places) = message_indexes(&entries, at);
    chunk.indexes = places;
    chunk.indexes_length = bytes.len() as u64;
    Some((at, bytes))
}

/// What a torn chunk still holds.
struct Saved {
    /// The corrected start of its record.
    head: Vec<u8>,
    /// Of the record up to its last whole message.
    length: u64,
    chunk: Chunk,
    entries: Entries,
}

/// The whole messages of a torn chunk at `at`. A torn compressed chunk has none that could be kept in place.
fn salvage(file: &File, at: u64, size: u64) -> Option<Saved> {
    let (_, about) = chunk_at(file, at, size - at).ok()?;
    let there = (size - at).checked_sub(about.body())?;
    let torn = about.compressed > there;
    if !torn || !about.compression.is_empty() || there > CHUNK_LIMIT {
        return None;
    }
    let bytes = read(file, at + about.body(), there).ok()?;
    let (entries, kept) = entries_of(&bytes);
    let times = || entries.values().flatten().map(|(time, _)| *time);
    let about = About {
        first: times().min()?,
        last: times().max()?,
        uncompressed: kept,
        crc: crc32fast::hash(&bytes[..kept as usize]),
        compression: String::new(),
        compressed: kept,
    };
    let length = about.body() + kept;
    let chunk = Chunk {
        first: about.first,
        last: about.last,
        offset: at,
        length,
        compressed: kept,
        uncompressed: kept,
        ..Chunk::default()
    };
    Some(Saved { head: about.record_head(), length, chunk, entries })
}

/// The messages in a row of records, and the bytes up to the end of the last whole one.
fn entries_of(bytes: &[u8]) -> (Entries, u64) {
    let (mut rest, mut entries, mut kept) = (Fields(bytes), Entries::new(), 0);
    loop {
        let place = (bytes.len() - rest.0.len()) as u64;
        let Ok((code, mut fields)) = rest.record() else { break };
        if code == 0 {
            break;
        }
        if let (MESSAGE, Ok(head)) = (code, Stamped::read(&mut fields)) {
            entries.entry(head.channel).or_default().push((head.received, place));
        }
        kept = (bytes.len() - rest.0.len()) as u64;
    }
    debug_assert!(kept == 0 || kept >= PREFIX);
    (entries, kept)
}
