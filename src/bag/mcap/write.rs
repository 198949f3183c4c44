//! Writing an MCAP file, a chunk at a time.
//!
//! The file holds whole chunks only: a chunk is gathered in memory and goes out in one write. Where that write
//! fails, what it left is cut off again, so the file stays whole up to the chunk before. Room for the file's end is
//! taken before each chunk, so a full disk refuses a chunk and never the end.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::CHUNK_LIMIT;
use super::chunk::{Draft, message_indexes};
use super::index::{Channel, Chunk, Index, NOTES, Noted, Schema, nanoseconds};
use super::record::{HEADER, MAGIC, METADATA, Put, Stamped};
use crate::bag::settle::Settler;
use crate::bag::{Compression, Error, Mcap, Notes, Options, Storage, Tally, Volume, qos};
use crate::wire::{Sample, Topic};

/// The metadata version whose spelling of qualities stands in the channels, whatever that of `metadata.yaml`: numbers, which Humble
/// and Iron read alone and every later one reads too.
const VERSION: u32 = 8;

struct Pen {
    path: PathBuf,
    file: File,
    settler: Settler,
    /// Where the next record goes; everything before it is whole.
    at: u64,
    options: Mcap,
    draft: Draft,
    index: Index,
    /// The channels of each topic name, by type.
    channels: HashMap<String, Vec<(String, u16)>>,
}

pub(super) fn create(path: &Path, options: &Options) -> Result<Box<dyn Volume>, Error> {
    Ok(Box::new(begin(path, options)?))
}

fn begin(path: &Path, options: &Options) -> Result<Pen, Error> {
    let kept = match &options.storage {
        Storage::Mcap(mcap) => mcap.clone(),
        Storage::Sqlite(_) => Mcap::default(),
    };
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let file = file.map_err(Error::disk("creating", path))?;
    super::lock(&file, path)?;
    let settler = Settler::follow(&file).map_err(Error::disk("creating", path))?;
    let mut pen = Pen {
        path: path.to_owned(),
        file,
        settler,
        at: 0,
        options: kept,
        draft: Draft::default(),
        index: Index::default(),
        channels: HashMap::new(),
    };
    let mut head = MAGIC.to_vec();
    head.record(HEADER, |out| {
        out.text("ros2");
        out.text(concat!("apprentice ", env!("CARGO_PKG_VERSION")));
    });
    pen.append(&head)?;
    pen.keep(&options.notes)?;
    Ok(pen)
}

impl Pen {
    fn channel_of(&self, topic: &Topic) -> Option<u16> {
        let named = self.channels.get(&topic.name)?;
        named.iter().find(|(type_name, _)| *type_name == topic.type_name).map(|(_, id)| *id)
    }

    /// The number of a channel to come. Channels are numbered in 16 bits from one on; schemas are never more.
    fn next_channel(&self, topic: &Topic) -> Result<u16, Error> {
        let next = self.index.channels.len() + 1;
        u16::try_from(next).map_err(|_overflow| Error::Refused {
            path: self.path.clone(),
            topic: topic.name.clone(),
            why: format!("it is topic {next} of a file that holds {} at most", u16::MAX),
        })
    }

    /// Appends whole records.
    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(bytes);
        self.wrote(written.map(|()| bytes.len() as u64))
    }

    /// Goes on after what was written, or cuts a failed write off again.
    fn wrote(&mut self, written: std::io::Result<u64>) -> Result<(), Error> {
        match written {
            Ok(length) => {
                self.at += length;
                self.settler.written(self.at);
                Ok(())
            }
            Err(source) => {
                self.cut()?;
                Err(Error::disk("writing", &self.path)(source))
            }
        }
    }

    /// What failed on the way to the disk. Asked only where the index holds all that is in the file, so that the
    /// failure costs no chunk its place there.
    fn settled(&self) -> Result<(), Error> {
        self.settler.settled().map_err(Error::disk("writing", &self.path))
    }

    fn cut(&mut self) -> Result<(), Error> {
        let cut = self.file.set_len(self.at).and_then(|()| self.file.seek(SeekFrom::Start(self.at)));
        cut.map(|_| ()).map_err(Error::disk("cutting", &self.path))
    }

    /// Writes the chunk that was gathered, and its indexes.
    fn end_chunk(&mut self) -> Result<(), Error> {
        if self.draft.is_empty() {
            return Ok(());
        }
        let draft = std::mem::take(&mut self.draft);
        let done = self.write_chunk(&draft);
        self.draft = draft;
        self.draft.clear();
        done
    }

    fn write_chunk(&mut self, draft: &Draft) -> Result<(), Error> {
        let offset = self.at;
        self.reserve(draft.length() + draft.indexes_length())?;
        let Self { file, options, .. } = self;
        let (mut length, mut compressed) = (0, 0);
        let written = draft.write(file, options.compression).map(|lengths| {
            (length, compressed) = lengths;
            length
        });
        self.wrote(written)?;
        let (indexes, places) = message_indexes(&draft.entries, self.at);
        // A chunk whose indexes did not fit goes with them: the file stays whole.
        if let Err(error) = self.append(&indexes) {
            self.at = offset;
            self.cut()?;
            return Err(error);
        }
        let (first, last) = draft.span.unwrap_or_default();
        self.index.widen(first, last);
        for (channel, entries) in &draft.entries {
            *self.index.counts.entry(*channel).or_default() += entries.len() as u64;
        }
        self.index.chunks.push(Chunk {
            first,
            last,
            offset,
            length,
            indexes: places,
            indexes_length: indexes.len() as u64,
            compression: match self.options.compression {
                Compression::None => "",
                Compression::Lz4 => "lz4",
                Compression::Zstd => "zstd",
            }
            .to_owned(),
            compressed,
            uncompressed: draft.length(),
            bare: false,
        });
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), Error> {
        let ending = self.index.ending(self.at);
        self.append(&ending)?;
        // Gives back what was reserved beyond the end.
        self.cut()
    }

    /// Takes room for a chunk and for the file's end after it, so that there is always room to end the file. A
    /// file system that cannot promise room goes without.
    fn reserve(&self, length: u64) -> Result<(), Error> {
        let flags = rustix::fs::FallocateFlags::KEEP_SIZE;
        let room = length + self.index.ending_room();
        match rustix::fs::fallocate(&self.file, flags, self.at, room) {
            Err(rustix::io::Errno::NOSPC) => {
                Err(Error::disk("writing", &self.path)(std::io::ErrorKind::StorageFull.into()))
            }
            _ => Ok(()),
        }
    }
}

impl Volume for Pen {
    fn declare(&mut self, topic: &Arc<Topic>, definition: &str, type_hash: &str) -> Result<(), Error> {
        if self.channel_of(topic).is_some() {
            return Ok(());
        }
        let id = self.next_channel(topic)?;
        let mut out = Vec::new();
        let schema = Schema {
            name: topic.type_name.clone(),
            encoding: if definition.is_empty() { "" } else { "ros2msg" }.to_owned(),
            text: definition.into(),
        };
        let known = self.index.schemas.iter().find(|(_, known)| **known == schema).map(|(id, _)| *id);
        let schema_id = known.unwrap_or(self.index.schemas.len() as u16 + 1);
        if known.is_none() {
            schema.put(schema_id, &mut out);
        }
        let about = [
            ("offered_qos_profiles", qos::text(&topic.qos, VERSION)),
            ("topic_type_hash", type_hash.to_owned()),
        ];
        let channel = Channel {
            schema: schema_id,
            topic: topic.name.clone(),
            encoding: "cdr".to_owned(),
            about: about.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        };
        channel.put(id, &mut out);
        self.append(&out)?;
        self.index.schemas.insert(schema_id, schema);
        self.index.channels.insert(id, channel);
        self.index.counts.insert(id, 0);
        self.channels.entry(topic.name.clone()).or_default().push((topic.type_name.clone(), id));
        Ok(())
    }

    fn write(&mut self, sample: &Sample) -> Result<(), Error> {
        self.settled()?;
        let refused =
            |why: String| Error::Refused { path: self.path.clone(), topic: sample.topic.name.clone(), why };
        let channel =
            self.channel_of(&sample.topic).ok_or_else(|| refused("it was not declared".to_owned()))?;
        let bytes = sample.cdr.len() as u64;
        if bytes > CHUNK_LIMIT - 1024 {
            return Err(refused(format!("it has {bytes} bytes, over the limit of {CHUNK_LIMIT}")));
        }
        let full = u64::from(self.options.chunk_bytes);
        if self.draft.length() + bytes > full {
            self.end_chunk()?;
        }
        let received = nanoseconds(sample.received);
        let head = Stamped {
            channel,
            sequence: sample.sequence.unwrap_or(0) as u32,
            received,
            sent: sample.sent.map_or(received, nanoseconds),
        };
        self.draft.push(&head, &sample.cdr);
        if self.draft.length() >= full { self.end_chunk() } else { Ok(()) }
    }

    fn keep(&mut self, notes: &Notes) -> Result<(), Error> {
        if notes.is_empty() {
            return Ok(());
        }
        self.end_chunk()?;
        let mut out = Vec::new();
        out.record(METADATA, |out| {
            out.text(NOTES);
            out.map(notes);
        });
        let noted = Noted { offset: self.at, length: out.len() as u64, name: NOTES.to_owned() };
        self.append(&out)?;
        self.index.noted.push(noted);
        self.index.notes.extend(notes.clone());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.end_chunk()?;
        self.settled()
    }

    fn bytes(&self) -> u64 {
        self.at + self.draft.length()
    }

    fn close(mut self: Box<Self>) -> Result<Tally, Error> {
        let done = self.end_chunk();
        self.end_file()?;
        let tally = self.index.tally(&self.path, self.at);
        self.settler
            .finish()
            .and_then(|()| self.file.sync_data())
            .map_err(Error::disk("syncing", &self.path))?;
        done.map(|()| tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Stamp;

    fn sample(topic: &Arc<Topic>, received: i64) -> Sample {
        let (topic, received) = (Arc::clone(topic), Stamp(received));
        let cdr = bytes::Bytes::from_static(&[0, 1, 0, 0, 7]);
        Sample { topic, received, sent: None, publisher: None, sequence: None, cdr }
    }

    #[test]
    fn a_late_failure_of_the_disk_costs_no_chunk_its_place_in_the_index() -> Result<(), Error> {
        let scratch = tempfile::tempdir().map_err(Error::disk("creating", Path::new("scratch")))?;
        let path = scratch.path().join("late_0.mcap");
        let arm = Arc::new(Topic::new("/arm", "std_msgs/msg/Empty"));
        let mut pen = begin(&path, &Options::default())?;
        pen.declare(&arm, "", "")?;
        pen.write(&sample(&arm, 1))?;
        pen.settler.fail(std::io::Error::other("late"));
        assert!(pen.flush().is_err(), "a failure is told");
        pen.write(&sample(&arm, 2))?;
        pen.settler.fail(std::io::Error::other("late"));
        assert!(pen.write(&sample(&arm, 3)).is_err(), "a failure is told");
        pen.flush()?;
        assert_eq!(Box::new(pen).close()?.messages(), 2);
        let mut shelf = crate::bag::mcap::read::open(&path)?;
        assert_eq!(shelf.tally().messages(), 2);
        assert_eq!(shelf.samples(&[]).flatten().count(), 2);
        Ok(())
    }

    #[test]
    fn more_topics_than_a_file_can_number_are_refused_in_words() -> Result<(), Error> {
        let scratch = tempfile::tempdir().map_err(Error::disk("creating", Path::new("scratch")))?;
        let mut pen = begin(&scratch.path().join("many_0.mcap"), &Options::default())?;
        let topic = |n: u32| Arc::new(Topic::new(format!("/topic_{n}"), "std_msgs/msg/Empty"));
        (1..=u32::from(u16::MAX)).try_for_each(|n| pen.declare(&topic(n), "", ""))?;
        let refusal = pen.declare(&topic(65_536), "", "").expect_err("refused").to_string();
        assert!(refusal.contains("topic 65536") && refusal.contains("65535 at most"), "{refusal}");
        assert_eq!(Box::new(pen).close()?.tracks.len(), 65_535);
        Ok(())
    }
}
