//! One chunk: put together while writing, and taken apart again.
//!
//! An uncompressed chunk is never copied together: large messages stay in the buffers they came in until the
//! kernel takes them from there. Small ones are copied, which is cheaper than one more piece of a write.

use std::collections::BTreeMap;
use std::io::{self, IoSlice, Read as _, Write};

use bytes::Bytes;

use super::CHUNK_LIMIT;
use super::record::{CHUNK, Fields, Flaw, MESSAGE_INDEX, PREFIX, Put, Stamped};
use crate::bag::Compression;

/// Messages below this are copied into the chunk's own buffer.
const SMALL: usize = 8 << 10;
/// No compression known reaches more than this (zstd: a block of 128 KiB from four bytes), so a larger claim is
/// refused before memory is taken for it.
const MOST_SHRUNK: u64 = 40_000;

/// A chunk being filled.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Record prefixes and small messages, in order.
    small: Vec<u8>,
    /// Large messages, each with its place in `small`.
    large: Vec<(usize, Bytes)>,
    large_bytes: u64,
    /// Time and place of each message, by channel.
    pub(super) entries: BTreeMap<u16, Vec<(u64, u64)>>,
    pub(super) span: Option<(u64, u64)>,
}

impl Draft {
    /// Its uncompressed size so far.
    pub(super) fn length(&self) -> u64 {
        self.small.len() as u64 + self.large_bytes
    }

    /// What its message indexes will take.
    pub(super) fn indexes_length(&self) -> u64 {
        self.entries.values().map(|entries| PREFIX + 6 + 16 * entries.len() as u64).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a message.
    pub(super) fn push(&mut self, head: &Stamped, cdr: &Bytes) {
        let place = self.length();
        self.entries.entry(head.channel).or_default().push((head.received, place));
        let (first, last) = self.span.unwrap_or((head.received, head.received));
        self.span = Some((first.min(head.received), last.max(head.received)));
        head.put(&mut self.small, cdr.len() as u64);
        if cdr.len() < SMALL {
            self.small.extend_from_slice(cdr);
        } else {
            self.large.push((self.small.len(), cdr.clone()));
            self.large_bytes += cdr.len() as u64;
        }
    }

    /// Empties it, keeping its buffers.
    pub(super) fn clear(&mut self) {
        let mut small = std::mem::take(&mut self.small);
        small.clear();
        *self = Self { small, ..Self::default() };
    }

    fn pieces(&self) -> Vec<&[u8]> {
        let mut pieces = Vec::with_capacity(self.large.len() * 2 + 1);
        let mut from = 0;
        for (place, message) in &self.large {
            pieces.push(&self.small[from..*place]);
            pieces.push(message);
            from = *place;
        }
        pieces.push(&self.small[from..]);
        pieces
    }

    /// Writes the chunk record; says how long the record and how long the packed messages in it are.
    pub(super) fn write(&self, out: &mut impl Write, compression: Compression) -> io::Result<(u64, u64)> {
        let pieces = self.pieces();
        let mut hash = crc32fast::Hasher::new();
        pieces.iter().for_each(|piece| hash.update(piece));
        let packed = match compression {
            Compression::None => None,
            Compression::Lz4 => Some(pack_lz4(&pieces)?),
            Compression::Zstd => Some(pack_zstd(&pieces)?),
        };
        let packed_length = packed.as_ref().map_or(self.length(), |packed| packed.len() as u64);
        let about = About {
            first: self.span.unwrap_or_default().0,
            last: self.span.unwrap_or_default().1,
            uncompressed: self.length(),
            crc: hash.finalize(),
            compression: name(compression).to_owned(),
            compressed: packed_length,
        };
        let head = about.record_head();
        let mut whole = vec![IoSlice::new(&head)];
        match &packed {
            Some(packed) => whole.push(IoSlice::new(packed)),
            None => whole.extend(pieces.iter().map(|piece| IoSlice::new(piece))),
        }
        write_all(out, &mut whole)?;
        Ok((head.len() as u64 + packed_length, packed_length))
    }
}

/// `write_all` for many pieces in few calls.
fn write_all(out: &mut impl Write, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
    /// What Linux takes in one call.
    const MOST: usize = 1024;
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        let some = pieces.len().min(MOST);
        match out.write_vectored(&pieces[..some]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut pieces, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The message indexes of a chunk that was written at `at`: their bytes, and where each channel's will be.
pub(super) fn message_indexes(
    entries: &BTreeMap<u16, Vec<(u64, u64)>>,
    at: u64,
) -> (Vec<u8>, BTreeMap<u16, u64>) {
    let (mut out, mut places) = (Vec::new(), BTreeMap::new());
    for (channel, entries) in entries {
        places.insert(*channel, at + out.len() as u64);
        out.record(MESSAGE_INDEX, |out| {
            out.u16(*channel);
            out.u32(entries.len() as u32 * 16);
            for (time, place) in entries {
                out.u64(*time);
                out.u64(*place);
            }
        });
    }
    (out, places)
}

fn name(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "",
        Compression::Lz4 => "lz4",
        Compression::Zstd => "zstd",
    }
}

fn pack_lz4(pieces: &[&[u8]]) -> io::Result<Vec<u8>> {
    let mut packer = lz4::EncoderBuilder::new().build(Vec::new())?;
    pieces.iter().try_for_each(|piece| packer.write_all(piece))?;
    let (packed, ended) = packer.finish();
    ended.map(|()| packed)
}

fn pack_zstd(pieces: &[&[u8]]) -> io::Result<Vec<u8>> {
    let mut packer = zstd::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
    pieces.iter().try_for_each(|piece| packer.write_all(piece))?;
    packer.finish()
}

/// The fields of a chunk record before its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) uncompressed: u64,
    pub(super) crc: u32,
    pub(super) compression: String,
    pub(super) compressed: u64,
}

impl About {
    /// Bytes of the fields where the compression's name has `name` bytes.
    pub(super) const fn length(name: u64) -> u64 {
        8 + 8 + 8 + 4 + 4 + name + 8
    }

    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, Flaw> {
        let (first, last, uncompressed, crc) = (fields.u64()?, fields.u64()?, fields.u64()?, fields.u32()?);
        Ok(Self {
            first,
            last,
            uncompressed,
            crc,
            compression: fields.text()?.to_owned(),
            compressed: fields.u64()?,
        })
    }

    /// The record up to its messages.
    pub(super) fn record_head(&self) -> Vec<u8> {
        let mut out = vec![CHUNK];
        out.u64(Self::length(self.compression.len() as u64) + self.compressed);
        out.u64(self.first);
        out.u64(self.last);
        out.u64(self.uncompressed);
        out.u32(self.crc);
        out.text(&self.compression);
        out.u64(self.compressed);
        out
    }

    /// Where the messages begin, counted from the start of the record.
    pub(super) fn body(&self) -> u64 {
        PREFIX + Self::length(self.compression.len() as u64)
    }

    /// The messages, unpacked and checked against their checksum.
    pub(super) fn unpack(&self, packed: Vec<u8>) -> Result<Vec<u8>, Flaw> {
        let unpacked = match self.compression.as_str() {
            "" => packed,
            "lz4" => {
                self.bound(&packed)?;
                let mut unpacked = vec![0; self.uncompressed as usize];
                let fill =
                    lz4::Decoder::new(packed.as_slice()).and_then(|mut from| from.read_exact(&mut unpacked));
                fill.map_err(|error| Flaw::new(format!("lz4: {error}")))?;
                unpacked
            }
            "zstd" => {
                self.bound(&packed)?;
                zstd::bulk::decompress(&packed, self.uncompressed as usize)
                    .map_err(|error| Flaw::new(format!("zstd: {error}")))?
            }
            other => return Err(Flaw::new(format!("the compression {other:?} is none of lz4 and zstd"))),
        };
        if unpacked.len() as u64 != self.uncompressed {
            let (is, says) = (unpacked.len(), self.uncompressed);
            return Err(Flaw::new(format!("a chunk of {is} bytes that says it has {says}")));
        }
        // Zero stands for "not computed".
        if self.crc != 0 && crc32fast::hash(&unpacked) != self.crc {
            return Err(Flaw::new("a chunk's checksum does not match"));
        }
        Ok(unpacked)
    }

    fn bound(&self, packed: &[u8]) -> Result<(), Flaw> {
        let most = CHUNK_LIMIT.min((packed.len() as u64).saturating_mul(MOST_SHRUNK));
        match self.uncompressed > most {
            true => Err(Flaw::new(format!("a chunk says it has {} bytes, over {most}", self.uncompressed))),
            false => Ok(()),
        }
    }
}
