//! Recordings whose writer was killed: what was flushed is there afterwards, wherever the file was torn.
//!
//! What a kill leaves is copied off the disk under a writer at work instead of being made up, then torn at many places:
//! where a write is cut off is nobody's choice.

#[path = "support/bags.rs"]
mod bags;

use std::fs;
use std::path::Path;

use apprentice::bag::{self, Error, Options, Split, Sqlite, Storage, Style};
use apprentice::wire::Sample;
use bags::{DEFINITION, HASH, assert_same, files, over_every_storage, read_all, sample, storages, topic};

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
fn recovery_keeps_the_metadata_version_and_the_distribution_of_the_file() {
    over_every_storage(|folder, mut options| {
        let (version, distro) = match &options.storage {
            Storage::Sqlite(Sqlite { style: Style::Humble }) => (5, "humble"),
            Storage::Sqlite(Sqlite { style: Style::Jazzy }) => (9, "jazzy"),
            // An MCAP file has no place for a distribution.
            Storage::Mcap(_) => (9, ""),
        };
        options.ros_distro = distro.into();
        abandon(folder, &options, 6);
        let file = files(folder).remove(0);
        assert_recovers_as(folder, version, distro);
        if file.extension().is_some_and(|extension| extension == "db3") {
            // Killed before the metadata was in the file: the tables themselves tell.
            let database = rusqlite::Connection::open(&file).expect("a database");
            database.execute("DELETE FROM metadata", []).expect("emptied");
            drop(database);
            fs::remove_file(folder.join("metadata.yaml")).expect("removed");
            assert_recovers_as(folder, version, distro);
        }
    });
}

fn assert_recovers_as(folder: &Path, version: u32, distro: &str) {
    bag::recover(folder).expect("recovered");
    let text = fs::read_to_string(folder.join("metadata.yaml")).expect("metadata");
    assert!(text.contains(&format!("\n  version: {version}\n")), "{text}");
    let named = text.lines().find_map(|line| line.trim().strip_prefix("ros_distro:"));
    assert_eq!(named.map(|name| name.trim().trim_matches(['"', '\''])), Some(distro), "{text}");
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
        for cut in (0..bytes.len()).step_by(193) {
            fs::remove_file(folder.join("metadata.yaml")).ok();
            fs::write(&file, &bytes[..cut]).expect("torn");
            let recovered = bag::recover(&folder).expect("recovered");
            let left = recovered.messages as usize;
            assert!(left >= fewest, "a longer file lost messages that a shorter one had");
            fewest = left;
            assert_same(&read_all(&folder, &[]), &written[..left]);
            assert!(bag::recover(&folder).is_ok_and(|again| !again.changed), "torn at {cut}");
        }
        // What is torn off a compressed chunk takes the chunk, which holds five messages.
        assert!(fewest >= 35, "{fewest} of 40 messages");
    }
}

#[test]
fn a_torn_file_without_its_folder_recovers_and_what_is_none_is_said() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folder = scratch.path().join("whole");
    let sent = abandon(&folder, &Options::default(), 20);
    let file = std::fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "mcap"));
    let lone = scratch.path().join("lone.mcap");
    std::fs::copy(file.expect("a file of messages"), &lone).expect("it is copied");
    let recovered = bag::recover(&lone).expect("it is made whole");
    assert!(recovered.changed && recovered.messages == sent.len() as u64, "{recovered:?}");
    assert_eq!(bag::open(&lone).expect("it opens").samples(&[]).flatten().count(), sent.len());
    let note = scratch.path().join("note.txt");
    std::fs::write(&note, "no recording").expect("it is written");
    let refused = bag::recover(&note).expect_err("it is no recording").to_string();
    assert!(refused.contains("note.txt") && refused.contains(".mcap"), "{refused}");
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
fn what_is_still_being_written_is_not_recovered() {
    over_every_storage(|folder, options| {
        let mut writer = bag::create(folder, &options).expect("a new recording");
        let arm = topic("/arm");
        writer.declare(&arm, "", "").expect("declared");
        writer.write(&sample(&arm, 1, 8)).expect("written");
        writer.flush().expect("flushed");
        assert!(matches!(bag::recover(folder), Err(Error::Busy { .. })));
        writer.write(&sample(&arm, 2, 8)).expect("still its own");
        writer.finish().expect("finished");
        assert_eq!(read_all(folder, &[]).len(), 2);
    });
}
