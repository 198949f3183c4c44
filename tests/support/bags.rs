//! What the tests of recordings share: every way to keep one, messages that tell each other apart, scratch folders.
//!
//! Each case runs over every storage from one list, so that a new one cannot be forgotten; messages are random to a
//! compressor, because sizes and splits would otherwise be those of zeros.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use apprentice::bag::{self, Compression, Mcap, Options, Sqlite, Storage, Style};
use apprentice::time::Stamp;
use apprentice::wire::{Qos, Sample, Topic};
use bytes::Bytes;

pub(crate) const DEFINITION: &str = "std_msgs/Header header\nfloat64[] data\n";
pub(crate) const HASH: &str = "RIHS01_0000000000000000000000000000000000000000000000000000000000000001";

pub(crate) fn storages() -> Vec<(&'static str, Storage)> {
    let mcap = |compression| Storage::Mcap(Mcap { compression, chunk_bytes: 4096, style: None });
    let sqlite = |style| Storage::Sqlite(Sqlite { style });
    vec![
        ("mcap", mcap(Compression::None)),
        ("mcap with lz4", mcap(Compression::Lz4)),
        ("mcap with zstd", mcap(Compression::Zstd)),
        ("sqlite as Jazzy", sqlite(Style::Jazzy)),
        ("sqlite as Humble", sqlite(Style::Humble)),
    ]
}

/// Runs a case over every storage, each in a folder of its own.
pub(crate) fn over_every_storage(case: impl Fn(&Path, Options)) {
    for (name, storage) in storages() {
        eprintln!("-- {name}");
        let scratch = tempfile::tempdir().expect("a scratch folder");
        case(&scratch.path().join("episode"), Options { storage, ..Options::default() });
    }
}

pub(crate) fn topic(name: &str) -> Arc<Topic> {
    Arc::new(Topic::new(name, "std_msgs/msg/Float64MultiArray").with(Qos::sensor()))
}

/// A message whose bytes say which it is, and which no compression makes smaller.
pub(crate) fn sample(topic: &Arc<Topic>, received: i64, length: usize) -> Sample {
    let mut cdr = vec![0, 1, 0, 0];
    let mut noise = received as u64 ^ 0x9E37_79B9_7F4A_7C15;
    cdr.extend((0..length).map(|_| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise as u8
    }));
    Sample {
        topic: Arc::clone(topic),
        received: Stamp(received),
        sent: None,
        publisher: None,
        sequence: None,
        cdr: Bytes::from(cdr),
    }
}

/// Writes `count` messages alternating between two topics, 10 ms apart, from second 1 on.
pub(crate) fn write(folder: &Path, options: &Options, count: i64, length: usize) -> Vec<Sample> {
    let mut writer = bag::create(folder, options).expect("a new recording");
    let topics = [topic("/arm"), topic("/camera")];
    for topic in &topics {
        writer.declare(topic, DEFINITION, HASH).expect("declared");
    }
    let at = |n: i64| sample(&topics[n as usize % 2], 1_000_000_000 + n * 10_000_000, length);
    let samples: Vec<Sample> = (0..count).map(at).collect();
    for sample in &samples {
        writer.write(sample).expect("written");
    }
    writer.finish().expect("finished");
    samples
}

pub(crate) fn assert_same(read: &[Sample], written: &[Sample]) {
    assert_eq!(read.len(), written.len(), "messages");
    for (read, written) in read.iter().zip(written) {
        assert_eq!(read.received, written.received);
        assert_eq!(read.topic.name, written.topic.name);
        assert_eq!(read.topic.type_name, written.topic.type_name);
        assert_eq!(read.cdr, written.cdr, "bytes of the message at {}", written.received);
    }
}

pub(crate) fn read_all(folder: &Path, wanted: &[&str]) -> Vec<Sample> {
    let mut reader = bag::open(folder).expect("a recording");
    reader.samples(wanted).map(|sample| sample.expect("a whole message")).collect()
}

/// The files with messages in a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "mcap" || extension == "db3"))
        .collect();
    files.sort();
    files
}
