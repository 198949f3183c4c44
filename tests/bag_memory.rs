//! Reading holds a bounded piece of a recording in memory, however its chunks lie.
//!
//! A chunk may unpack to thousands of times its size on disk, and all chunks of a file may overlap in time; neither
//! may make the reader hold more than its budget and the one chunk it is at.

#[path = "support/bags.rs"]
mod bags;
#[path = "support/counting.rs"]
mod counting;

use std::fs;
use std::path::Path;

use apprentice::bag::{self, Compression, Mcap, Options, Storage};
use apprentice::time::Stamp;
use apprentice::wire::Sample;
use bags::topic;
use bytes::Bytes;
use counting::{Counting, most_held};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MB: usize = 1 << 20;
/// What open chunks may hold together: see `bag/mcap/read.rs`.
const BUDGET: usize = 256 * MB;

/// A message at a time, its bytes all the same.
type Message = (i64, Bytes);

/// Writes one compressed chunk for each list.
fn write_chunks(folder: &Path, chunks: impl Iterator<Item = Box<dyn Iterator<Item = Message>>>) {
    let storage = Storage::Mcap(Mcap { compression: Compression::Zstd, chunk_bytes: 250 << 20, style: None });
    let mut writer =
        bag::create(folder, &Options { storage, ..Options::default() }).expect("a new recording");
    let topic = topic("/arm");
    writer.declare(&topic, "", "").expect("declared");
    for chunk in chunks {
        for (received, cdr) in chunk {
            let (topic, received) = (topic.clone(), Stamp(received));
            let sample = Sample { topic, received, sent: None, publisher: None, sequence: None, cdr };
            writer.write(&sample).expect("written");
        }
        writer.flush().expect("flushed");
    }
    writer.finish().expect("finished");
}

#[test]
fn many_overlapping_chunks_of_tiny_messages_are_read_within_the_budget() {
    const CHUNKS: i64 = 10;
    const TINY: usize = 1_000_000;
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folder = scratch.path().join("episode");
    let tiny = Bytes::from_static(&[0, 1, 0, 0]);
    // The first message of each chunk opens it; all others are far ahead.
    write_chunks(
        &folder,
        (0..CHUNKS).map(|chunk| {
            let tiny = tiny.clone();
            let late = std::iter::repeat_n(1_000_000, TINY);
            Box::new(std::iter::once(chunk).chain(late).map(move |at| (at, tiny.clone()))) as Box<_>
        }),
    );
    let mut reader = bag::open(&folder).expect("a recording");
    let (times, held) = most_held(|| {
        let first = reader.samples(&[]).take(CHUNKS as usize + 1);
        first.map(|sample| sample.expect("whole").received.0).collect::<Vec<i64>>()
    });
    assert_eq!(times, (0..CHUNKS).chain([1_000_000]).collect::<Vec<i64>>());
    assert!(held <= BUDGET + 64 * MB, "{held} bytes held");
}

#[test]
fn chunks_that_gave_their_memory_back_go_on_where_they_were() {
    const CHUNKS: i64 = 6;
    const EACH: i64 = 6;
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folder = scratch.path().join("episode");
    // Message by message from another chunk, and together over the budget; each says whose it is.
    let message = |chunk: i64, n: i64| {
        let mut cdr = vec![0, 1, 0, 0, chunk as u8, n as u8];
        cdr.resize(10 * MB, 7);
        (n * CHUNKS + chunk, Bytes::from(cdr))
    };
    write_chunks(
        &folder,
        (0..CHUNKS).map(|chunk| Box::new((0..EACH).map(move |n| message(chunk, n))) as Box<_>),
    );
    let mut reader = bag::open(&folder).expect("a recording");
    let (read, held) = most_held(|| {
        let item = |item: Result<Sample, bag::Error>| {
            let sample = item.expect("whole");
            (sample.received.0, sample.cdr.len(), sample.cdr[4], sample.cdr[5])
        };
        reader.samples(&[]).map(item).collect::<Vec<_>>()
    });
    let wanted = |at: i64| (at, 10 * MB, (at % CHUNKS) as u8, (at / CHUNKS) as u8);
    assert_eq!(read, (0..CHUNKS * EACH).map(wanted).collect::<Vec<_>>());
    assert!(held <= BUDGET + 80 * MB, "{held} bytes held");
}

/// A record of a file that no writer of ours makes.
fn record(code: u8, fields: &[u8]) -> Vec<u8> {
    [&[code], &(fields.len() as u64).to_le_bytes()[..], fields].concat()
}

/// A chunk without indexes, 32 MiB of one record over and over, its id counted up.
fn dense_chunk(code: u8, fields: &[u8], id: &mut u16) -> Vec<u8> {
    let mut records = Vec::new();
    while records.len() < 32 * MB {
        *id = id.wrapping_add(1);
        records.extend(record(code, &[&id.to_le_bytes()[..], fields].concat()));
    }
    let packed = zstd::bulk::compress(&records, 1).expect("packed");
    let mut chunk = [0; 16].to_vec();
    chunk.extend((records.len() as u64).to_le_bytes());
    chunk.extend([0; 4]);
    chunk.extend(b"\x04\0\0\0zstd");
    chunk.extend((packed.len() as u64).to_le_bytes());
    chunk.extend(packed);
    record(6, &chunk)
}

#[test]
fn a_small_file_full_of_definitions_and_indexes_takes_little_memory() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let file = scratch.path().join("dense_0.mcap");
    let mut schema = vec![0; 8];
    schema.extend((MB as u32).to_le_bytes());
    schema.extend(vec![b' '; MB]);
    let (mut bytes, mut id) = (b"\x89MCAP0\r\n".to_vec(), 0);
    for _ in 0..8 {
        bytes.extend(dense_chunk(3, &schema, &mut id));
        // The summary's indexes of chunks have no place inside one.
        bytes.extend(dense_chunk(8, &[0; 60], &mut id));
    }
    fs::write(&file, &bytes).expect("written");
    let (items, held) = most_held(|| bag::open(&file).expect("a recording").samples(&[]).count());
    assert_eq!(items, 0);
    assert!(held <= 100 * MB, "{held} bytes held for a file of {}", bytes.len());
}
