//! What a file's index knows: schemas, channels, chunks and counts; kept while writing, rebuilt when a file is
//! read or repaired, written at the end.
//!
//! One structure for all three, so that a file finished by recovery is the file its writer would have left.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::record::{
    CHANNEL, CHUNK_INDEX, DATA_END, FOOTER, Fields, Flaw, MAGIC, METADATA_INDEX, Put, SCHEMA, STATISTICS,
    SUMMARY_OFFSET,
};
use crate::bag::{Notes, Tally, Track, qos};
use crate::time::Stamp;
use crate::wire::Topic;

/// A message type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schema {
    pub(super) name: String,
    pub(super) encoding: String,
    pub(super) text: Arc<str>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) schema: u16,
    pub(super) topic: String,
    pub(super) encoding: String,
    pub(super) about: BTreeMap<String, String>,
}

/// Where a chunk is and what times it covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) first: u64,
    pub(super) last: u64,
    /// Of the record, its prefix included.
    pub(super) offset: u64,
    pub(super) length: u64,
    /// Where each channel's message index is.
    pub(super) indexes: BTreeMap<u16, u64>,
    pub(super) indexes_length: u64,
    pub(super) compression: String,
    pub(super) compressed: u64,
    pub(super) uncompressed: u64,
    /// Messages that stand in the file outside any chunk: `offset` and `length` are those of their records.
    pub(super) bare: bool,
}

/// A metadata record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) name: String,
}

/// Everything a file's end tells about the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) schemas: BTreeMap<u16, Schema>,
    pub(super) channels: BTreeMap<u16, Channel>,
    pub(super) chunks: Vec<Chunk>,
    pub(super) counts: BTreeMap<u16, u64>,
    pub(super) span: Option<(u64, u64)>,
    pub(super) noted: Vec<Noted>,
    /// What the metadata records say.
    pub(super) notes: Notes,
}

/// The name of the metadata record that carries our notes.
pub(super) const NOTES: &str = "apprentice";

impl Schema {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<(u16, Self), Flaw> {
        let id = fields.u16()?;
        let (name, encoding) = (fields.text()?.to_owned(), fields.text()?.to_owned());
        let text = String::from_utf8_lossy(fields.bytes()?).into();
        Ok((id, Self { name, encoding, text }))
    }

    pub(super) fn put(&self, id: u16, out: &mut Vec<u8>) {
        out.record(SCHEMA, |out| {
            out.u16(id);
            out.text(&self.name);
            out.text(&self.encoding);
            out.text(&self.text);
        });
    }
}

impl Channel {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<(u16, Self), Flaw> {
        let (id, schema) = (fields.u16()?, fields.u16()?);
        let (topic, encoding) = (fields.text()?.to_owned(), fields.text()?.to_owned());
        Ok((id, Self { schema, topic, encoding, about: fields.map()? }))
    }

    pub(super) fn put(&self, id: u16, out: &mut Vec<u8>) {
        out.record(CHANNEL, |out| {
            out.u16(id);
            out.u16(self.schema);
            out.text(&self.topic);
            out.text(&self.encoding);
            out.map(&self.about);
        });
    }
}

impl Chunk {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, Flaw> {
        let (first, last, offset, length) = (fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?);
        let mut entries = Fields(fields.bytes()?);
        let mut indexes = BTreeMap::new();
        while !entries.0.is_empty() {
            indexes.insert(entries.u16()?, entries.u64()?);
        }
        let (indexes_length, compression) = (fields.u64()?, fields.text()?.to_owned());
        let (compressed, uncompressed) = (fields.u64()?, fields.u64()?);
        let bare = false;
        Ok(Self {
            first,
            last,
            offset,
            length,
            indexes,
            indexes_length,
            compression,
            compressed,
            uncompressed,
            bare,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.record(CHUNK_INDEX, |out| {
            for value in [self.first, self.last, self.offset, self.length] {
                out.u64(value);
            }
            out.u32(self.indexes.len() as u32 * 10);
            for (channel, offset) in &self.indexes {
                out.u16(*channel);
                out.u64(*offset);
            }
            out.u64(self.indexes_length);
            out.text(&self.compression);
            out.u64(self.compressed);
            out.u64(self.uncompressed);
        });
    }
}

impl Index {
    /// Counts one message.
    pub(super) fn count(&mut self, channel: u16, received: u64) {
        *self.counts.entry(channel).or_default() += 1;
        self.widen(received, received);
    }

    /// Makes the span hold `first` and `last`.
    pub(super) fn widen(&mut self, first: u64, last: u64) {
        let (old_first, old_last) = self.span.unwrap_or((first, last));
        self.span = Some((old_first.min(first), old_last.max(last)));
    }

    /// Reads a record of the summary or of the data section into the index; records it does not hold pass by.
    pub(super) fn learn(&mut self, code: u8, mut fields: Fields<'_>) -> Result<(), Flaw> {
        match code {
            SCHEMA => {
                let (id, schema) = Schema::read(&mut fields)?;
                self.schemas.insert(id, schema);
            }
            CHANNEL => {
                let (id, channel) = Channel::read(&mut fields)?;
                self.channels.insert(id, channel);
            }
            CHUNK_INDEX => self.chunks.push(Chunk::read(&mut fields)?),
            METADATA_INDEX => {
                let (offset, length) = (fields.u64()?, fields.u64()?);
                self.noted.push(Noted { offset, length, name: fields.text()?.to_owned() });
            }
            STATISTICS => self.learn_statistics(fields)?,
            _ => {}
        }
        Ok(())
    }

    fn learn_statistics(&mut self, mut fields: Fields<'_>) -> Result<(), Flaw> {
        let messages = fields.u64()?;
        fields.take(2 + 4 + 4 + 4 + 4)?;
        let span = (fields.u64()?, fields.u64()?);
        self.span = (messages > 0).then_some(span);
        let mut entries = Fields(fields.bytes()?);
        while !entries.0.is_empty() {
            self.counts.insert(entries.u16()?, entries.u64()?);
        }
        Ok(())
    }

    /// Keeps what a metadata record says. rosbag2 puts a whole `metadata.yaml` into one of its own.
    pub(super) fn learn_notes(&mut self, name: &str, map: Notes) {
        let theirs = map.get("serialized_metadata").filter(|_| name == "rosbag2");
        let notes = match theirs.and_then(|text| crate::bag::metadata::Metadata::from_inner_text(text)) {
            Some(metadata) => metadata.custom_data,
            None if name == NOTES => map,
            None => return,
        };
        self.notes.extend(notes);
    }

    /// The bytes that end a file: Data End, the summary, the Footer and the magic. `at` is where they will stand.
    pub(super) fn ending(&self, at: u64) -> Vec<u8> {
        let mut out = Vec::new();
        out.record(DATA_END, |out| out.u32(0));
        let summary = out.len();
        let mut groups = Vec::new();
        let mut group = |out: &mut Vec<u8>, code: u8, put: &dyn Fn(&mut Vec<u8>)| {
            let start = out.len();
            put(out);
            if out.len() > start {
                groups.push((code, start, out.len()));
            }
        };
        group(&mut out, SCHEMA, &|out| self.schemas.iter().for_each(|(id, schema)| schema.put(*id, out)));
        group(&mut out, CHANNEL, &|out| self.channels.iter().for_each(|(id, channel)| channel.put(*id, out)));
        group(&mut out, STATISTICS, &|out| self.put_statistics(out));
        let chunks = || self.chunks.iter().filter(|chunk| !chunk.bare);
        group(&mut out, CHUNK_INDEX, &|out| chunks().for_each(|chunk| chunk.put(out)));
        group(&mut out, METADATA_INDEX, &|out| self.put_noted(out));
        let offsets = out.len();
        for (code, start, end) in groups {
            out.record(SUMMARY_OFFSET, |out| {
                out.push(code);
                out.u64(at + start as u64);
                out.u64((end - start) as u64);
            });
        }
        out.push(FOOTER);
        out.u64(20);
        out.u64(at + summary as u64);
        out.u64(at + offsets as u64);
        let crc = crc32fast::hash(&out[summary..]);
        out.u32(crc);
        out.extend_from_slice(&MAGIC);
        out
    }

    /// What the ending will take at most once there is one more chunk.
    pub(super) fn ending_room(&self) -> u64 {
        const RECORD: usize = 128;
        let schema = |schema: &Schema| RECORD + schema.name.len() + schema.text.len();
        let about = |about: &BTreeMap<String, String>| about.values().map(String::len).sum::<usize>();
        let channel = |channel: &Channel| 2 * RECORD + channel.topic.len() + about(&channel.about);
        let chunk = RECORD + 10 * self.channels.len();
        let records = 10 * RECORD
            + self.schemas.values().map(schema).sum::<usize>()
            + self.channels.values().map(channel).sum::<usize>()
            + (self.chunks.len() + 1) * chunk
            + self.noted.len() * RECORD;
        records as u64
    }

    fn put_statistics(&self, out: &mut Vec<u8>) {
        let (first, last) = self.span.unwrap_or_default();
        out.record(STATISTICS, |out| {
            out.u64(self.counts.values().sum());
            out.u16(self.schemas.len() as u16);
            out.u32(self.channels.len() as u32);
            out.u32(0);
            out.u32(self.noted.len() as u32);
            out.u32(self.chunks.iter().filter(|chunk| !chunk.bare).count() as u32);
            out.u64(first);
            out.u64(last);
            out.u32(self.counts.len() as u32 * 10);
            for (channel, count) in &self.counts {
                out.u16(*channel);
                out.u64(*count);
            }
        });
    }

    fn put_noted(&self, out: &mut Vec<u8>) {
        for noted in &self.noted {
            out.record(METADATA_INDEX, |out| {
                out.u64(noted.offset);
                out.u64(noted.length);
                out.text(&noted.name);
            });
        }
    }

    /// The topic a channel stands for.
    pub(super) fn topic_of(&self, channel: &Channel) -> Topic {
        let type_name =
            self.schemas.get(&channel.schema).map(|schema| schema.name.clone()).unwrap_or_default();
        let qos = channel.about.get("offered_qos_profiles").map(|text| qos::read_text(text));
        Topic::new(channel.topic.clone(), type_name).with(qos.unwrap_or_default())
    }

    /// What the file holds, as a recording counts it.
    pub(super) fn tally(&self, path: &Path, bytes: u64) -> Tally {
        let track = |(id, channel): (&u16, &Channel)| Track {
            topic: Arc::new(self.topic_of(channel)),
            definition: self
                .schemas
                .get(&channel.schema)
                .map(|schema| schema.text.clone())
                .unwrap_or_default(),
            type_hash: channel.about.get("topic_type_hash").cloned().unwrap_or_default(),
            messages: self.counts.get(id).copied().unwrap_or(0),
        };
        Tally {
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            bytes,
            span: self.span.map(|(first, last)| (stamp(first), stamp(last))),
            tracks: self.channels.iter().map(track).collect(),
        }
    }
}

/// An MCAP time as a stamp; what a stamp cannot hold is its largest.
pub(super) fn stamp(nanoseconds: u64) -> Stamp {
    Stamp(i64::try_from(nanoseconds).unwrap_or(i64::MAX))
}

/// A stamp as an MCAP time; MCAP knows nothing before its epoch.
pub(super) fn nanoseconds(stamp: Stamp) -> u64 {
    u64::try_from(stamp.0).unwrap_or(0)
}
