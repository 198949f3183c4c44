//! What every bag format promises: one list of cases, run over each way a recording can be kept.
//!
//! The cases use nothing but the public traits, so a new format is covered by one line in `storages`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apprentice::bag::{self, Compression, Error, Mcap, Options, Split, Sqlite, Storage, Style};
use apprentice::time::Stamp;
use apprentice::wire::{Qos, Sample, Topic};
use bytes::Bytes;

const DEFINITION: &str = "std_msgs/Header header\nfloat64[] data\n";
const HASH: &str = "RIHS01_0000000000000000000000000000000000000000000000000000000000000001";

fn storages() -> Vec<(&'static str, Storage)> {
    let mcap = |compression| Storage::Mcap(Mcap { compression, chunk_bytes: 4096 });
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
fn over_every_storage(case: impl Fn(&Path, Options)) {
    for (name, storage) in storages() {
        eprintln!("-- {name}");
        let scratch = tempfile::tempdir().expect("a scratch folder");
        case(&scratch.path().join("episode"), Options { storage, ..Options::default() });
    }
}

fn topic(name: &str) -> Arc<Topic> {
    Arc::new(Topic::new(name, "std_msgs/msg/Float64MultiArray").with(Qos::sensor()))
}

/// A message whose bytes say which it is, and which no compression makes smaller.
fn sample(topic: &Arc<Topic>, received: i64, length: usize) -> Sample {
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
fn write(folder: &Path, options: &Options, count: i64, length: usize) -> Vec<Sample> {
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

fn assert_same(read: &[Sample], written: &[Sample]) {
    assert_eq!(read.len(), written.len(), "messages");
    for (read, written) in read.iter().zip(written) {
        assert_eq!(read.received, written.received);
        assert_eq!(read.topic.name, written.topic.name);
        assert_eq!(read.topic.type_name, written.topic.type_name);
        assert_eq!(read.cdr, written.cdr, "bytes of the message at {}", written.received);
    }
}

fn read_all(folder: &Path, wanted: &[&str]) -> Vec<Sample> {
    let mut reader = bag::open(folder).expect("a recording");
    reader.samples(wanted).map(|sample| sample.expect("a whole message")).collect()
}

/// The files with messages in a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "mcap" || extension == "db3"))
        .collect();
    files.sort();
    files
}

#[test]
fn what_is_written_is_read_back_in_order() {
    over_every_storage(|folder, options| {
        let written = write(folder, &options, 100, 200);
        assert_same(&read_all(folder, &[]), &written);
        let reader = bag::open(folder).expect("a recording");
        assert_eq!(reader.span(), Some((Stamp(1_000_000_000), Stamp(1_990_000_000))));
        let counts: Vec<u64> = reader.tracks().iter().map(|track| track.messages).collect();
        assert_eq!(counts, [50, 50]);
    });
}

#[test]
fn messages_that_come_late_are_read_in_order_of_receipt() {
    over_every_storage(|folder, options| {
        let mut writer = bag::create(folder, &options).expect("a new recording");
        let arm = topic("/arm");
        writer.declare(&arm, "", "").expect("declared");
        let times = [5, 3, 9, 1, 4, 8, 2, 7, 6, 0];
        for time in times {
            writer.write(&sample(&arm, time, 1500)).expect("written");
        }
        writer.finish().expect("finished");
        let read: Vec<i64> = read_all(folder, &[]).iter().map(|sample| sample.received.0).collect();
        assert_eq!(read, (0..10).collect::<Vec<i64>>());
    });
}

#[test]
fn only_wanted_topics_are_read() {
    over_every_storage(|folder, options| {
        let mut written = write(folder, &options, 40, 500);
        written.retain(|sample| sample.topic.name == "/camera");
        assert_same(&read_all(folder, &["/camera", "/not_there"]), &written);
        assert!(read_all(folder, &["/not_there"]).is_empty());
    });
}

#[test]
fn a_recording_without_messages_is_a_recording() {
    over_every_storage(|folder, options| {
        write(folder, &options, 0, 0);
        let reader = bag::open(folder).expect("a recording");
        assert_eq!((reader.topics().len(), reader.span()), (2, None));
        assert!(read_all(folder, &[]).is_empty());
    });
}

#[test]
fn definition_hash_and_quality_survive() {
    over_every_storage(|folder, options| {
        write(folder, &options, 2, 8);
        let humble = options.storage == Storage::Sqlite(Sqlite { style: Style::Humble });
        let reader = bag::open(folder).expect("a recording");
        // Humble's tables have no place for either.
        assert_eq!(reader.definition("/arm"), (!humble).then_some(DEFINITION));
        assert_eq!(reader.type_hash("/arm"), (!humble).then_some(HASH));
        assert_eq!(reader.topics()[0].qos, Qos::sensor());
    });
}

#[test]
fn sent_and_sequence_survive_where_the_format_has_room() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folder = scratch.path().join("episode");
    let mut writer = bag::create(&folder, &Options::default()).expect("a new recording");
    let arm = topic("/arm");
    writer.declare(&arm, "", "").expect("declared");
    let mut written = sample(&arm, 100, 8);
    (written.sent, written.sequence) = (Some(Stamp(90)), Some(7));
    writer.write(&written).expect("written");
    writer.finish().expect("finished");
    let read = read_all(&folder, &[]);
    assert_eq!((read[0].sent, read[0].sequence), (Some(Stamp(90)), Some(7)));
}

#[test]
fn notes_survive_and_may_be_changed_afterwards() {
    over_every_storage(|folder, mut options| {
        options.notes.insert("task".into(), "put the: \"peg\" in\n# the hole".into());
        options.notes.insert("lerobot.operator_prompt".into(), "yes".into());
        let mut writer = bag::create(folder, &options).expect("a new recording");
        writer.note("success", "false");
        writer.note("success", "true");
        writer.finish().expect("finished");
        let reader = bag::open(folder).expect("a recording");
        assert_eq!(reader.notes()["task"], "put the: \"peg\" in\n# the hole");
        assert_eq!(reader.notes()["lerobot.operator_prompt"], "yes");
        assert_eq!(reader.notes()["success"], "true");
        let changes = [("success", "false"), ("task", ""), ("quality", "0.5")];
        let changes = changes.map(|(key, value)| (key.to_owned(), value.to_owned()));
        bag::label(folder, &changes.into()).expect("labelled");
        let reader = bag::open(folder).expect("a recording");
        assert_eq!(reader.notes()["success"], "false");
        assert_eq!(reader.notes()["quality"], "0.5");
        assert!(!reader.notes().contains_key("task"));
    });
}

#[test]
fn a_split_recording_reads_as_one() {
    over_every_storage(|folder, mut options| {
        options.split = Split { seconds: Some(0.25), megabytes: None };
        let written = write(folder, &options, 100, 300);
        assert_eq!(files(folder).len(), 4);
        assert_same(&read_all(folder, &[]), &written);
        fs::remove_file(folder.join("metadata.yaml")).expect("removed");
        assert_same(&read_all(folder, &[]), &written);
    });
}

#[test]
fn a_recording_is_split_by_size() {
    over_every_storage(|folder, mut options| {
        options.split = Split { megabytes: Some(1), seconds: None };
        let written = write(folder, &options, 35, 100_000);
        assert_eq!(files(folder).len(), 4);
        assert_same(&read_all(folder, &[]), &written);
    });
}

#[test]
fn a_single_file_is_a_recording() {
    over_every_storage(|folder, options| {
        let written = write(folder, &options, 10, 100);
        assert_same(&read_all(&files(folder)[0], &[]), &written);
    });
}

#[test]
fn a_recording_is_never_written_over() {
    over_every_storage(|folder, options| {
        let written = write(folder, &options, 3, 10);
        assert!(matches!(bag::create(folder, &options), Err(Error::Exists { .. })));
        assert_same(&read_all(folder, &[]), &written);
    });
}

#[test]
fn a_message_of_twenty_megabytes_is_kept() {
    over_every_storage(|folder, options| {
        let mut writer = bag::create(folder, &options).expect("a new recording");
        let camera = topic("/camera");
        writer.declare(&camera, "", "").expect("declared");
        let written = [sample(&camera, 1, 10), sample(&camera, 2, 20_000_000), sample(&camera, 3, 10)];
        written.iter().for_each(|sample| writer.write(sample).expect("written"));
        writer.finish().expect("finished");
        assert_same(&read_all(folder, &[]), &written);
    });
}

#[test]
fn an_undeclared_topic_is_refused_by_name() {
    over_every_storage(|folder, options| {
        let mut writer = bag::create(folder, &options).expect("a new recording");
        let error = writer.write(&sample(&topic("/arm"), 1, 8)).expect_err("refused");
        assert!(error.to_string().contains("\"/arm\""), "{error}");
    });
}

#[test]
fn a_damaged_message_is_an_item_and_not_the_end() {
    over_every_storage(|folder, options| {
        let written = write(folder, &options, 60, 500);
        damage_the_middle(&files(folder)[0], &written[30].cdr);
        let mut reader = bag::open(folder).expect("still a recording");
        let items: Vec<_> = reader.samples(&[]).collect();
        let errors: Vec<String> =
            items.iter().filter_map(|item| Some(item.as_ref().err()?.to_string())).collect();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("episode_0."), "{errors:?}");
        let whole: Vec<&Sample> = items.iter().flatten().collect();
        assert!(whole.len() > 40, "{} of 60 messages are left", whole.len());
        assert_eq!(whole.last().map(|sample| sample.received), Some(written[59].received));
    });
}

/// Damages one message inside a file: bytes of a chunk, or the row of a database.
fn damage_the_middle(file: &Path, cdr: &[u8]) {
    if file.extension().is_some_and(|extension| extension == "db3") {
        let database = rusqlite::Connection::open(file).expect("a database");
        let changed = database.execute("UPDATE messages SET data = 7 WHERE data = ?1", [cdr]);
        assert_eq!(changed.expect("damaged"), 1);
        return;
    }
    let mut bytes = fs::read(file).expect("a file");
    let middle = &cdr[100..140];
    let place =
        bytes.windows(middle.len()).position(|window| window == middle).expect("noise stays as it is");
    bytes[place] ^= 0x55;
    fs::write(file, bytes).expect("damaged");
}

#[test]
fn a_damaged_file_is_named_with_the_reason() {
    over_every_storage(|folder, options| {
        write(folder, &options, 10, 100);
        let file = &files(folder)[0];
        fs::write(file, b"nothing of the kind, and long enough to be looked into twice").expect("damaged");
        let error = bag::open(folder).err().expect("refused");
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(error.to_string().contains(&name), "{error}");
    });
}

#[test]
fn an_unknown_storage_is_named() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folder = scratch.path().join("episode");
    write(&folder, &Options::default(), 1, 8);
    let about = fs::read_to_string(folder.join("metadata.yaml")).expect("metadata");
    fs::write(
        folder.join("metadata.yaml"),
        about.replace("storage_identifier: mcap", "storage_identifier: tape"),
    )
    .expect("written");
    let error = bag::open(&folder).err().expect("refused");
    assert!(error.to_string().contains("\"tape\""), "{error}");
}

#[test]
fn what_is_no_recording_is_said_to_be_none() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    assert!(matches!(bag::open(scratch.path()), Err(Error::NotABag { .. })));
    assert!(bag::open(&scratch.path().join("nothing")).is_err());
}

#[test]
fn a_recording_is_deleted_only_if_nothing_else_is_with_it() {
    over_every_storage(|folder, options| {
        write(folder, &options, 3, 10);
        fs::write(folder.join("thesis.tex"), "important").expect("written");
        assert!(matches!(bag::delete(folder), Err(Error::NotAlone { .. })));
        assert!(folder.join("thesis.tex").exists() && !files(folder).is_empty());
        fs::remove_file(folder.join("thesis.tex")).expect("removed");
        bag::delete(folder).expect("deleted");
        assert!(!folder.exists());
    });
}

/// Leaves in `folder` what the disk has of a recording whose process was killed after a flush: its files, copied
/// while the writer is at work.
fn abandon(folder: &Path, options: &Options, count: i64) -> Vec<Sample> {
    let alive = folder.with_file_name("alive").join(folder.file_name().expect("a name"));
    let mut writer = bag::create(&alive, options).expect("a new recording");
    let topics = [topic("/arm"), topic("/camera")];
    topics.iter().for_each(|topic| writer.declare(topic, DEFINITION, HASH).expect("declared"));
    let at = |n: i64| sample(&topics[n as usize % 2], 1_000_000_000 + n * 10_000_000, 700);
    let samples: Vec<Sample> = (0..count).map(at).collect();
    samples.iter().for_each(|sample| writer.write(sample).expect("written"));
    writer.flush().expect("flushed");
    fs::create_dir_all(folder).expect("a folder");
    for entry in fs::read_dir(&alive).expect("a folder") {
        let path = entry.expect("an entry").path();
        // Of its own accord SQLite rebuilds the shared memory of the log.
        if path.extension().is_some_and(|extension| extension != "db3-shm") {
            fs::copy(&path, folder.join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    drop(writer);
    fs::remove_dir_all(folder.with_file_name("alive")).expect("removed");
    samples
}

#[test]
fn what_was_flushed_survives_a_kill_with_its_notes() {
    over_every_storage(|folder, mut options| {
        options.notes.insert("task".into(), "stack".into());
        let written = abandon(folder, &options, 50);
        assert_eq!(bag::unfinished(folder.parent().expect("a parent")), [folder.to_owned()]);
        let recovered = bag::recover(folder).expect("recovered");
        assert!(recovered.changed);
        assert_eq!(recovered.messages, 50);
        assert_same(&read_all(folder, &[]), &written);
        let reader = bag::open(folder).expect("a recording");
        assert_eq!(reader.notes()["task"], "stack");
        assert!(bag::unfinished(folder).is_empty());
        let again = bag::recover(folder).expect("whole");
        assert!(!again.changed, "a whole recording is left alone");
        assert_eq!(again.messages, 50);
    });
}

#[test]
fn a_torn_file_recovers_wherever_it_is_torn() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for (name, storage) in storages().into_iter().take(3) {
        let folder = scratch.path().join(name);
        let written = abandon(&folder, &Options { storage, ..Options::default() }, 40);
        let file = files(&folder).remove(0);
        let bytes = fs::read(&file).expect("a file");
        let mut fewest = 0;
        for cut in (0..bytes.len()).step_by(97) {
            fs::remove_file(folder.join("metadata.yaml")).ok();
            fs::write(&file, &bytes[..cut]).expect("torn");
            let recovered = bag::recover(&folder).expect("recovered");
            let left = recovered.messages as usize;
            assert!(left >= fewest, "a longer file lost messages that a shorter one had");
            fewest = left;
            assert_same(&read_all(&folder, &[]), &written[..left]);
            assert!(bag::recover(&folder).is_ok_and(|again| !again.changed), "torn at {cut}");
        }
        assert!(fewest >= 38, "{fewest} of 40 messages");
    }
}

#[test]
fn only_the_last_file_of_a_split_recording_is_torn() {
    over_every_storage(|folder, mut options| {
        options.split = Split { seconds: Some(0.25), megabytes: None };
        let written = abandon(folder, &options, 100);
        let recovered = bag::recover(folder).expect("recovered");
        assert_eq!((recovered.messages, recovered.files.len()), (100, 4));
        assert_same(&read_all(folder, &[]), &written);
    });
}

#[test]
fn a_file_killed_in_its_first_moment_recovers_empty() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for name in ["a_0.mcap", "b_0.db3"] {
        let folder = scratch.path().join(name).with_extension("");
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join(name), b"").expect("an empty file");
        let recovered = bag::recover(&folder).expect("recovered");
        assert_eq!(recovered.messages, 0);
        assert!(read_all(&folder, &[]).is_empty());
    }
}

#[test]
fn a_gap_longer_than_the_split_begins_one_file_only() {
    over_every_storage(|folder, mut options| {
        options.split = Split { seconds: Some(1.0), megabytes: None };
        let mut writer = bag::create(folder, &options).expect("a new recording");
        let arm = topic("/arm");
        writer.declare(&arm, "", "").expect("declared");
        let later = Stamp(0) + Duration::from_secs(60);
        writer.write(&sample(&arm, 0, 8)).expect("written");
        writer.write(&sample(&arm, later.0, 8)).expect("written");
        writer.finish().expect("finished");
        assert_eq!(files(folder).len(), 2);
    });
}
