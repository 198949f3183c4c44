//! Recordings pass between us and software that is not ours: what we write others read, and the other way round.
//!
//! The peers are PyPI `rosbags`, PyPI `mcap` with `mcap-ros2-support`, the Rust crate `mcap`, and for SQLite in the
//! style of Humble the crate `rosbag2-rs`. The Python ones come with `make setup`.

#[path = "support/bags.rs"]
mod bags;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use apprentice::bag::{self, Compression, Mcap, Options, Split, Sqlite, Storage, Style};
use apprentice::msg::{self, Message as _, sensor};
use apprentice::time::Stamp;
use apprentice::wire::{Qos, Sample, Topic};
use bags::{files, read_all};
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Runs a Python peer and gives the JSON values it prints.
fn peer(script: &str, arguments: &[&str]) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let peers = root.join(".setup/peers");
    assert!(peers.exists(), "the Python peers are not installed: run `make setup`");
    let output = Command::new("python3")
        .arg(root.join("tests/peers").join(script))
        .args(arguments)
        .env("PYTHONPATH", &peers)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3 starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} {arguments:?} failed:\n{said}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn text_of(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn joints(n: i64) -> Bytes {
    let mut message = sensor::JointState::default();
    message.header.frame_id = "arm".to_owned();
    message.header.stamp.sec = n as i32;
    message.name = (0..6).map(|joint| format!("joint_{joint}")).collect();
    message.position = (0..6).map(|joint| f64::from(joint) * 0.5 + n as f64).collect();
    message.encode()
}

fn image(n: i64) -> Bytes {
    let mut message = sensor::Image::default();
    message.header.frame_id = "front".to_owned();
    (message.width, message.height, message.step) = (64, 48, 192);
    message.encoding = "rgb8".to_owned();
    message.data = Bytes::from(vec![n as u8; 64 * 48 * 3]);
    message.encode()
}

/// Records 30 joint states and 10 images of one second.
fn record(folder: &Path, options: &Options) -> Vec<Sample> {
    let mut writer = bag::create(folder, options).expect("a new recording");
    let state = Arc::new(Topic::new("/joint_states", "sensor_msgs/msg/JointState").with(Qos::sensor()));
    let front = Arc::new(Topic::new("/front/image_raw", "sensor_msgs/msg/Image").with(Qos::reliable(3)));
    for topic in [&state, &front] {
        let definition = (msg::known(&topic.type_name).expect("a known type").definition)();
        writer.declare(topic, &definition.text, &definition.hash).expect("declared");
    }
    let mut written = Vec::new();
    for n in 0..30 {
        let received = Stamp(1_700_000_000_000_000_000 + n * 33_333_333);
        let mut push = |topic: &Arc<Topic>, received, cdr| {
            let (topic, sent) = (Arc::clone(topic), Some(Stamp(received - 1000)));
            written.push(Sample {
                topic,
                received: Stamp(received),
                sent,
                publisher: None,
                sequence: None,
                cdr,
            });
        };
        push(&state, received.0, joints(n));
        if n % 3 == 0 {
            push(&front, received.0 + 1, image(n));
        }
    }
    written.iter().for_each(|sample| writer.write(sample).expect("written"));
    writer.note("task", "pick: and \"place\"");
    writer.finish().expect("finished");
    written
}

fn mcap(compression: Compression) -> Options {
    let mcap = Mcap { compression, chunk_bytes: 20_000, style: None };
    Options { storage: Storage::Mcap(mcap), ..Options::default() }
}

fn sqlite(style: Style) -> Options {
    Options { storage: Storage::Sqlite(Sqlite { style }), ..Options::default() }
}

fn split(options: Options) -> Options {
    Options { split: Split { seconds: Some(0.3), megabytes: None }, ..options }
}

fn assert_messages(told: &[Value], written: &[Sample], sent: bool) {
    assert_eq!(told.len(), written.len());
    for (told, written) in told.iter().zip(written) {
        assert_eq!(told["topic"], written.topic.name);
        assert_eq!(told["type"], written.topic.type_name);
        assert_eq!(told["time"], written.received.0);
        assert_eq!(told["sha256"], hex(&Sha256::digest(&written.cdr)));
        if sent {
            assert_eq!(told["sent"], written.sent.expect("sent").0);
        }
        if written.topic.name == "/joint_states" {
            let ours = sensor::JointState::decode(&written.cdr).expect("our own bytes");
            assert_eq!(told["names"], serde_json::json!(ours.name));
            assert_eq!(told["positions"], serde_json::json!(ours.position));
        } else {
            assert_eq!(told["size"], serde_json::json!([64, 48]));
        }
    }
}

#[test]
fn rosbags_reads_what_we_write() {
    let kinds = [
        ("none", mcap(Compression::None), true),
        ("lz4", mcap(Compression::Lz4), true),
        ("zstd", mcap(Compression::Zstd), true),
        ("none_humble", Options { ros_distro: "humble".to_owned(), ..mcap(Compression::None) }, true),
        ("split", split(mcap(Compression::None)), true),
        ("jazzy", sqlite(Style::Jazzy), true),
        ("humble", sqlite(Style::Humble), false),
        ("split_sqlite", split(sqlite(Style::Jazzy)), true),
    ];
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for (name, options, has_definitions) in kinds {
        let folder = scratch.path().join(name);
        let written = record(&folder, &options);
        let told = peer("read_bag.py", &["rosbags", text_of(&folder)]);
        let about = &told[0];
        assert_eq!(about["messages"], 40, "{name}");
        assert_eq!(about["start"], written[0].received.0, "{name}");
        assert_eq!(about["custom"]["task"], "pick: and \"place\"", "{name}");
        let state = &about["topics"]["/joint_states"];
        assert_eq!(state["count"], 30, "{name}");
        assert_eq!(state["reliability"], serde_json::json!(["BEST_EFFORT"]), "{name}");
        assert_eq!(about["topics"]["/front/image_raw"]["depth"], serde_json::json!([3]), "{name}");
        assert_eq!(
            state["definition"].as_u64().is_some_and(|length| length > 100),
            has_definitions,
            "{name}"
        );
        assert_messages(&told[1..], &written, false);
    }
}

#[test]
fn pythons_mcap_reads_what_we_write() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let kinds = [("", Compression::None), ("lz4", Compression::Lz4), ("zstd", Compression::Zstd)];
    for (name, compression) in kinds {
        let folder = scratch.path().join(format!("mcap_{name}"));
        let written = record(&folder, &mcap(compression));
        let told = peer("read_bag.py", &["mcap", text_of(&files(&folder)[0])]);
        let about = &told[0];
        assert_eq!((&about["profile"], &about["messages"]), (&"ros2".into(), &40.into()));
        let chunks = about["chunks"].as_array().expect("chunks");
        assert!(chunks.len() > 3 && chunks.iter().all(|chunk| chunk == name), "{chunks:?}");
        assert_eq!(about["schemas"][1], serde_json::json!(["sensor_msgs/msg/JointState", "ros2msg"]));
        assert_eq!(about["notes"]["apprentice"]["task"], "pick: and \"place\"");
        let channel = &about["channels"]["/joint_states"];
        assert_eq!(channel["encoding"], "cdr");
        let hash = channel["about"]["topic_type_hash"].as_str().expect("a hash");
        assert!(hash.starts_with("RIHS01_"), "{hash}");
        let qos = channel["about"]["offered_qos_profiles"].as_str().expect("profiles");
        assert!(
            qos.contains("history: 1\n") && qos.contains("reliability: 2\n"),
            "Humble reads numbers: {qos}"
        );
        assert_messages(&told[1..], &written, true);
    }
}

#[test]
fn the_mcap_crate_reads_what_we_write() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
        let folder = scratch.path().join(format!("{compression:?}"));
        let written = record(&folder, &mcap(compression));
        let bytes = std::fs::read(&files(&folder)[0]).expect("a file");
        let checked = mcap::read::Options::ValidateChunkCrcs;
        let stream = mcap::MessageStream::new_with_options(&bytes, checked.into()).expect("MCAP");
        let read: Vec<mcap::Message<'_>> = stream.map(|message| message.expect("whole")).collect();
        assert_eq!(read.len(), written.len());
        for (read, written) in read.iter().zip(&written) {
            assert_eq!(read.channel.topic, written.topic.name);
            assert_eq!(read.log_time, written.received.0 as u64);
            assert_eq!(*read.data, *written.cdr);
        }
        let summary = mcap::Summary::read(&bytes).expect("a summary").expect("one");
        assert_eq!(summary.stats.expect("statistics").message_count, 40);
    }
}

#[test]
fn rosbag2_rs_reads_our_humble_style() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folder = scratch.path().join("humble");
    let written = record(&folder, &sqlite(Style::Humble));
    let mut reader = rosbag2_rs::Reader::new(&folder).expect("it opens");
    assert_eq!(reader.metadata.version, 5);
    assert_eq!(reader.message_count(), 40);
    assert_eq!(reader.topics()["/joint_states"].msgcount, 30);
    let read = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&read);
    let take = move |(_, time, data)| {
        into.lock().expect("no other thread").push((time, data));
        Ok(())
    };
    reader.handle_messages(take, None, None).expect("it reads");
    let wanted: Vec<(i64, Vec<u8>)> =
        written.iter().map(|sample| (sample.received.0, sample.cdr.to_vec())).collect();
    assert_eq!(*read.lock().expect("no other thread"), wanted);
}

#[test]
fn we_read_what_rosbags_writes() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let kinds = [("mcap", "none"), ("mcap", "storage"), ("sqlite3", "none")];
    for ((storage, compression), version) in kinds.into_iter().flat_map(|kind| [(kind, "8"), (kind, "9")]) {
        let folder = scratch.path().join(format!("{storage}_{compression}_{version}"));
        let told = peer("write_bag.py", &[text_of(&folder), storage, version, compression]);
        let reader = bag::open(&folder).expect("a recording");
        assert_eq!(reader.notes()["task"], "pick: and place");
        let tracks: BTreeMap<&str, &bag::Track> =
            reader.tracks().iter().map(|track| (track.topic.name.as_str(), track)).collect();
        let state = tracks["/joint_states"];
        assert_eq!((state.messages, &*state.topic.type_name), (50, "sensor_msgs/msg/JointState"));
        assert_eq!(state.topic.qos, Qos::sensor());
        assert!(state.definition.contains("std_msgs/Header"), "{}", state.definition);
        let read = read_all(&folder, &[]);
        assert_eq!(read.len(), told.len());
        for (read, told) in read.iter().zip(&told) {
            assert_eq!(told["topic"], read.topic.name);
            assert_eq!(told["time"], read.received.0);
            assert_eq!(told["cdr"], hex(&read.cdr));
        }
    }
}
