//! What it costs to write and read recordings, beside the `mcap` crate in the same run.
//!
//! The load is that of a robot with four raw cameras and two arms: 4 images of 640×480×3 at 30 Hz and 2 joint states
//! at 500 Hz, 111 MB for each second. It goes to memory (`/dev/shm`) where the system has it, so that the figure is
//! ours and not the disk's. The share of a core is what a recording in real time would take.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use apprentice::bag::{self, Compression, Mcap, Options, Sqlite, Storage};
use apprentice::time::Stamp;
use apprentice::wire::{Sample, Topic};
use bytes::Bytes;

/// Seconds of recording.
const SECONDS: i64 = 6;
const IMAGE: usize = 640 * 480 * 3 + 60;
const JOINTS: usize = 500;

fn noise(length: usize, mut seed: u64) -> Bytes {
    let next = |_| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        // Pictures are no noise: half of their bits are, which is about what lz4 finds in one.
        (seed as u8) & 0x0f
    };
    (0..length).map(next).collect::<Vec<u8>>().into()
}

/// The messages of the whole recording, by time. Few buffers, many messages: a load costs nothing to make.
fn load() -> Vec<Sample> {
    let cameras: Vec<_> =
        (0..4).map(|n| (format!("/camera_{n}"), "sensor_msgs/msg/Image", 30, IMAGE)).collect();
    let arms: Vec<_> =
        (0..2).map(|n| (format!("/arm_{n}"), "sensor_msgs/msg/JointState", 500, JOINTS)).collect();
    let mut samples = Vec::new();
    for (seed, (name, type_name, rate, length)) in cameras.into_iter().chain(arms).enumerate() {
        let topic = Arc::new(Topic::new(name, type_name));
        let cdr = noise(length, seed as u64 + 1);
        samples.extend((0..rate * SECONDS).map(|n| Sample {
            topic: Arc::clone(&topic),
            received: Stamp(1_000_000_000 + n * 1_000_000_000 / rate),
            sent: None,
            publisher: None,
            sequence: Some(n as u64 + 1),
            cdr: cdr.clone(),
        }));
    }
    samples.sort_by_key(|sample| sample.received);
    samples
}

/// Processor seconds this process has used, by the kernel's count of hundredths.
fn processor_s() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").expect("Linux tells");
    let fields: Vec<&str> = text.rsplit(')').next().expect("a name in brackets").split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / 100.0
}

/// Measures the second run of `work`, each after `prepare`: the first pays for memory that the next finds warm, and
/// without it the order of the figures would decide about them.
fn measure(what: &str, megabytes: f64, prepare: impl Fn(), work: impl Fn()) {
    prepare();
    work();
    prepare();
    let (wall, processor) = (Instant::now(), processor_s());
    work();
    let (wall, processor) = (wall.elapsed().as_secs_f64(), processor_s() - processor);
    let share = processor / SECONDS as f64;
    println!("{what:<28} {:>7.0} MB/s   {share:>5.3} of a core in real time", megabytes / wall);
}

/// Removes what the run before left.
fn clear(place: &Path) {
    if place.is_dir() {
        fs::remove_dir_all(place).expect("removed");
    } else if place.exists() {
        fs::remove_file(place).expect("removed");
    }
}

fn ours(folder: &Path, storage: Storage, samples: &[Sample]) {
    let mut writer =
        bag::create(folder, &Options { storage, ..Options::default() }).expect("a new recording");
    let mut flushed = Stamp(0);
    for sample in samples {
        writer.declare(&sample.topic, "", "").expect("declared");
        writer.write(sample).expect("written");
        if sample.received.since(flushed).as_secs() >= 1 {
            writer.flush().expect("flushed");
            flushed = sample.received;
        }
    }
    writer.finish().expect("finished");
}

fn theirs(file: &Path, compression: Option<mcap::Compression>, samples: &[Sample]) {
    let out = BufWriter::new(fs::File::create(file).expect("a new file"));
    let options =
        mcap::WriteOptions::new().profile("ros2").compression(compression).chunk_size(Some(4 << 20));
    let mut writer = options.compression_threads(0).create(out).expect("a writer");
    let mut channels = BTreeMap::new();
    for sample in samples {
        let topic = sample.topic.name.as_str();
        let channel_id = *channels.entry(topic).or_insert_with(|| {
            let schema = writer.add_schema(&sample.topic.type_name, "ros2msg", b"").expect("a schema");
            writer.add_channel(schema, topic, "cdr", &BTreeMap::new()).expect("a channel")
        });
        let (log_time, sequence) = (sample.received.0 as u64, 0);
        let head = mcap::records::MessageHeader { channel_id, sequence, log_time, publish_time: log_time };
        writer.write_to_known_channel(&head, &sample.cdr).expect("written");
    }
    writer.finish().expect("finished");
}

fn main() {
    let memory = Path::new("/dev/shm");
    let scratch = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let scratch = scratch.expect("a scratch folder");
    let samples = load();
    let megabytes = samples.iter().map(|sample| sample.cdr.len() as f64).sum::<f64>() / 1e6;
    println!("{} messages, {megabytes:.0} MB, {SECONDS} s of recording", samples.len());
    let kinds = [
        ("none", Compression::None, None),
        ("lz4", Compression::Lz4, Some(mcap::Compression::Lz4)),
        ("zstd", Compression::Zstd, Some(mcap::Compression::Zstd)),
    ];
    let folder = scratch.path().join("ours");
    let file = scratch.path().join("theirs.mcap");
    for (name, compression, same) in kinds {
        let storage = Storage::Mcap(Mcap { compression, ..Mcap::default() });
        let write = || ours(&folder, storage.clone(), &samples);
        measure(&format!("write mcap, {name}"), megabytes, || clear(&folder), write);
        let read = || {
            let mut reader = bag::open(&folder).expect("a recording");
            assert_eq!(reader.samples(&[]).flatten().count(), samples.len());
        };
        measure(&format!("read mcap, {name}"), megabytes, || (), read);
        clear(&folder);
        let write = || theirs(&file, same, &samples);
        measure(&format!("write, mcap crate, {name}"), megabytes, || clear(&file), write);
        clear(&file);
    }
    let write = || ours(&folder, Storage::Sqlite(Sqlite::default()), &samples);
    measure("write sqlite", megabytes, || clear(&folder), write);
}
