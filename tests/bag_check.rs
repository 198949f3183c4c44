//! What `bag check` finds: each way a recording can go wrong is made here, and must be found and named.
//!
//! Each fault is made alone in a recording that is otherwise good, and the good one must have no findings: a check that
//! cries at everything would pass any other test.

#[path = "support/bags.rs"]
mod bags;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use apprentice::bag::{self, Options, Report, Severity};
use apprentice::spec::Expect;
use apprentice::time::Stamp;
use apprentice::wire::{Sample, Topic};
use bags::{DEFINITION, topic};
use bytes::Bytes;

const MS: i64 = 1_000_000;
const DELAY: i64 = 3 * MS;

/// A message with a header, stamped and received at those times.
fn stamped(topic: &Arc<Topic>, stamp: i64, received: i64) -> Sample {
    let (seconds, nanoseconds) = Stamp(stamp).parts();
    let mut cdr = vec![0, 1, 0, 0];
    cdr.extend(seconds.to_le_bytes());
    cdr.extend(nanoseconds.to_le_bytes());
    cdr.extend([0; 20]);
    let (topic, received) = (Arc::clone(topic), Stamp(received));
    Sample { topic, received, sent: None, publisher: None, sequence: None, cdr: Bytes::from(cdr) }
}

/// Five seconds of a camera at 30 Hz and an arm at 100 Hz, the camera's messages passed through `change`.
fn recorded(folder: &Path, notes: &[(&str, &str)], change: impl Fn(i64, i64) -> Option<i64>) -> Report {
    recorded_late(folder, notes, DELAY, change)
}

/// The same, where the arm's stamps are so long before receipt.
fn recorded_late(
    folder: &Path,
    notes: &[(&str, &str)],
    late: i64,
    change: impl Fn(i64, i64) -> Option<i64>,
) -> Report {
    let mut writer = bag::create(folder, &Options::default()).expect("a new recording");
    let (arm, camera) = (topic("/arm"), topic("/camera"));
    writer.declare(&arm, DEFINITION, "").expect("declared");
    writer.declare(&camera, DEFINITION, "").expect("declared");
    for n in 0..500 {
        let at = 1_000_000 * MS + n * 10 * MS;
        writer.write(&stamped(&arm, at - late, at)).expect("written");
    }
    for n in 0..150 {
        let at = 1_000_000 * MS + n * 33_333_333;
        if let Some(stamp) = change(n, at - DELAY) {
            writer.write(&stamped(&camera, stamp, at)).expect("written");
        }
    }
    notes.iter().for_each(|(key, value)| writer.note(key, value));
    writer.finish().expect("finished");
    let camera = Expect {
        rate_hz: Some(30.0),
        max_age: Some(Duration::from_millis(200)),
        type_name: Some("std_msgs/msg/Float64MultiArray".to_owned()),
        ..Expect::any("/camera")
    };
    let mut reader = bag::open(folder).expect("a recording");
    bag::check(reader.as_mut(), &[camera, Expect::any("/arm")], folder)
}

fn findings(notes: &[(&str, &str)], change: impl Fn(i64, i64) -> Option<i64>) -> Vec<String> {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let report = recorded(&scratch.path().join("episode"), notes, change);
    report.findings.iter().map(ToString::to_string).collect()
}

fn assert_found(findings: &[String], wanted: &str) {
    assert!(findings.iter().any(|finding| finding.contains(wanted)), "{wanted:?} is not in {findings:#?}");
}

#[test]
fn a_good_recording_has_no_findings_and_the_right_figures() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let report = recorded(&scratch.path().join("episode"), &[], |_, stamp| Some(stamp));
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert!(report.is_good());
    let camera = &report.streams[1];
    assert_eq!((camera.topic.as_str(), camera.messages), ("/camera", 150));
    assert!((camera.rate_hz.expect("a rate") - 30.0).abs() < 0.01);
    let interval = camera.interval_ms.as_ref().expect("intervals");
    assert!((interval.max - 33.333).abs() < 0.01 && (interval.median - 33.333).abs() < 2.0, "{interval:?}");
    let delay = camera.delay_ms.as_ref().expect("delays");
    assert!((delay.max - 3.0).abs() < 0.01 && (delay.median - 3.0).abs() < 0.2, "{delay:?}");
}

#[test]
fn a_camera_that_stops_for_two_seconds_is_found() {
    let found = findings(&[], |n, stamp| (!(60..120).contains(&n)).then_some(stamp));
    assert_found(&found, "/camera: 1 gaps, the longest 2033 ms at 2.0 s");
    assert_found(&found, "/camera: 1 silences over 200 ms, the longest 2033 ms");
}

#[test]
fn a_camera_at_half_rate_is_found() {
    let found = findings(&[], |n, stamp| (n % 2 == 0).then_some(stamp));
    assert_found(&found, "/camera: 15.0 messages a second instead of 30.0");
}

#[test]
fn time_stamps_that_run_backwards_are_found() {
    let found = findings(&[], |n, stamp| Some(if n % 50 == 49 { stamp - 100 * MS } else { stamp }));
    assert_found(&found, "/camera: its time stamps run backwards 3 times");
}

#[test]
fn a_skewed_stream_is_found() {
    let found = findings(&[], |_, stamp| Some(stamp - 400 * MS));
    assert_found(&found, "/camera: by its stamps it is 4");
    assert_found(&found, "further from receipt than /arm");
}

#[test]
fn stamps_of_another_clock_are_found_and_how_to_record_by_it_is_said() {
    // A simulator's stamps: seconds since it began, beside receipt by the wall.
    let found = findings(&[], |n, _| Some(1_000 * 1_000 * MS + n * 33 * MS - 3_600_000 * 3 * MS));
    assert_found(&found, "/camera: stamps of another clock, 3 hours from receipt");
    assert_found(&found, "use_sim_time:=true");
    assert!(!found.iter().any(|finding| finding.contains("further from receipt")), "{found:#?}");
    let good = findings(&[], |_, stamp| Some(stamp - 3_000 * MS));
    assert!(!good.iter().any(|finding| finding.contains("another clock")), "{good:#?}");
}

#[test]
fn stamps_of_another_clock_on_every_topic_are_one_finding() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bag, late) = (folder.path().join("bag"), 3_600_000 * 3 * MS);
    let report = recorded_late(&bag, &[], late, |_, stamp| Some(stamp - late));
    let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    let clocks: Vec<&String> = found.iter().filter(|finding| finding.contains("another clock")).collect();
    assert!(clocks.len() == 1 && clocks[0].starts_with("of all topics: stamps"), "{found:#?}");
}

#[test]
fn a_missing_stream_is_found_and_so_is_a_late_one() {
    assert_found(&findings(&[], |_, _| None), "/camera: it is not there");
    assert_found(&findings(&[], |n, stamp| (n > 60).then_some(stamp)), "/camera: it begins 2.0 s after");
}

#[test]
fn what_the_recorder_noted_as_lost_is_told() {
    let lost = r#"{"total": 5, "topics": {"/camera": {"wire": 3, "queue": 2}}}"#;
    let found =
        findings(&[("apprentice.lost", lost), ("apprentice.ended", "disk full")], |_, stamp| Some(stamp));
    assert_found(&found, "/camera: 5 messages were lost while recording");
    assert_found(&found, "the recorder ended it: disk full");
}

#[test]
fn a_publisher_of_another_definition_is_told() {
    let hashes = r#"{"/camera": {"noted": "RIHS01_0a", "announced": ["RIHS01_0b"]}}"#;
    let found = findings(&[("apprentice.type_hashes", hashes)], |_, stamp| Some(stamp));
    assert_found(
        &found,
        "/camera: a publisher was built from another definition of its type: [\"RIHS01_0b\"] instead of",
    );
}

#[test]
fn a_wrong_type_and_an_optional_stream_are_told_apart() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folder = scratch.path().join("episode");
    recorded(&folder, &[], |_, stamp| Some(stamp));
    let wrong = Expect { type_name: Some("sensor_msgs/msg/Image".to_owned()), ..Expect::any("/arm") };
    let optional = Expect { optional: true, ..Expect::any("/depth") };
    let mut reader = bag::open(&folder).expect("a recording");
    let report = bag::check(reader.as_mut(), &[wrong, optional], &folder);
    let severities: Vec<Severity> = report.findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Warning], "{:#?}", report.findings);
    let json = serde_json::to_value(&report).expect("a report is data");
    assert_eq!(json["streams"][0]["topic"], "/arm");
}
