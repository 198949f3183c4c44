//! What every bag format promises: one list of cases, run over each way a recording can be kept.
//!
//! The cases use nothing but the public traits, so a new format is covered by one line in `bags::storages`.

#[path = "support/bags.rs"]
mod bags;

use std::fs;
use std::path::Path;
use std::time::Duration;

use apprentice::bag::{self, Error, Options, Split, Sqlite, Storage, Style, Torn};
use apprentice::time::Stamp;
use apprentice::wire::{Qos, Sample};
use bags::{DEFINITION, HASH, assert_same, files, over_every_storage, read_all, sample, topic, write};

#[test]
fn what_is_written_is_read_back_in_order() {
    over_every_storage(|folder, options| {
        let written = write(folder, &options, 100, 200);
        assert_same(&read_all(folder, &[]), &written);
        let reader = bag::open(folder).expect("a recording");
        assert!(reader.torn().is_empty(), "{:?}", reader.torn());
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

/// Cuts a file to a share of its length.
fn cut(file: &Path, share: f64) {
    let bytes = fs::read(file).expect("a file");
    fs::write(file, &bytes[..(bytes.len() as f64 * share) as usize]).expect("cut");
}

#[test]
fn a_cut_recording_never_passes_for_a_whole_one() {
    // In the middle, and before the first chunk of messages is whole.
    for share in [0.5, 0.05] {
        for has_metadata in [true, false] {
            over_every_storage(|folder, mut options| {
                options.notes.insert("success".into(), "true".into());
                write(folder, &options, 60, 500);
                cut(&files(folder)[0], share);
                if !has_metadata {
                    fs::remove_file(folder.join("metadata.yaml")).expect("it was there");
                }
                // SQLite opens no file that is shorter than its own head says, so that nothing can be taken for less.
                let Ok(mut reader) = bag::open(folder) else {
                    assert!(matches!(options.storage, Storage::Sqlite(_)), "an MCAP file has something left");
                    return;
                };
                let torn: Vec<String> = reader.torn().iter().map(ToString::to_string).collect();
                assert!(torn[0].contains("episode_0.mcap ends in the middle"), "{torn:?}");
                let second = if has_metadata { "counts 60 messages" } else { "it has no metadata.yaml" };
                assert!(torn[1].contains(second), "{torn:?}");
                let report = bag::check(reader.as_mut(), &[], folder);
                let said: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
                assert!(!report.is_good() && said[0].contains("apprentice bag recover"), "{said:?}");
                drop(reader);
                is_noted_as_recovered(folder, has_metadata);
            });
        }
    }
}

/// Recovers a cut recording of sixty messages that was labelled as a success.
fn is_noted_as_recovered(folder: &Path, has_metadata: bool) {
    let recovered = bag::recover(folder).expect("recovered");
    assert!(recovered.changed && recovered.messages < 40, "{recovered:?}");
    let mut reader = bag::open(folder).expect("a recording");
    assert!(reader.torn().is_empty(), "{:?}", reader.torn());
    let noted = &reader.notes()[bag::RECOVERED];
    let noted: serde_json::Value = serde_json::from_str(noted).expect("as JSON");
    let of = has_metadata.then_some(60_u64);
    assert_eq!(
        noted,
        serde_json::json!({"messages": recovered.messages, "of": of, "dropped_bytes": recovered.dropped_bytes})
    );
    let report = bag::check(reader.as_mut(), &[], folder);
    assert!(
        report.findings.iter().any(|finding| finding.text.starts_with("it was made whole")),
        "{report:?}"
    );
}

#[test]
fn a_recording_that_lost_messages_in_a_whole_file_is_told_by_its_count() {
    over_every_storage(|folder, options| {
        write(folder, &options, 60, 500);
        let other = folder.with_file_name("other").join("episode");
        write(&other, &options, 40, 500);
        fs::copy(&files(&other)[0], &files(folder)[0]).expect("copied");
        let reader = bag::open(folder).expect("a recording");
        assert_eq!(reader.torn(), [Torn::Counted { noted: 60, found: 40 }]);
        let recovered = bag::recover(folder).expect("recovered");
        assert_eq!((recovered.changed, recovered.messages, recovered.noted), (true, 40, Some(60)));
        assert!(bag::open(folder).expect("a recording").torn().is_empty());
    });
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
