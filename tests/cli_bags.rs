//! `apprentice bag` and `apprentice record` as their users meet them: the built binary, real bags, a stand-in robot.
//!
//! The bags are written by the stand-in without a bus, so that how many messages they have is exact, and the figures printed
//! can be asserted to the digit.

#[path = "support/cli.rs"]
mod cli;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apprentice::bag::{self, Options};
use apprentice::msg::Message;
use apprentice::msg::sensor::{Image, JointState};
use apprentice::node::standin::{Fault, Shows, Standin, Stream};
use apprentice::time::Stamp;
use apprentice::wire::{Sample, Topic};
use cli::{apprentice, json, text};

/// The camera and the arm of [`config/sim_arm.yaml`], small; `fault` is the camera's.
fn robot(fault: Fault) -> Vec<Stream> {
    let camera = |topic: &str, fault| Stream {
        topic: topic.to_owned(),
        rate_hz: 30.0,
        shows: Shows::Picture { width: 64, height: 48 },
        fault,
    };
    let arm = |topic: &str, rate_hz| Stream {
        topic: topic.to_owned(),
        rate_hz,
        shows: Shows::Joints { names: vec!["shoulder_pan".to_owned()], ahead: Duration::ZERO },
        fault: Fault::None,
    };
    vec![
        camera("/front/image_raw", fault),
        camera("/wrist/image_raw", Fault::None),
        arm("/joint_states", 200.0),
        arm("/leader/joint_states", 100.0),
    ]
}

/// Writes the stand-in's first five seconds into a bag at `path`, as if the bus had taken no time.
fn write_bag(path: &Path, fault: Fault) {
    let streams = robot(fault);
    let topics: Vec<Arc<Topic>> = streams
        .iter()
        .map(|stream| match stream.shows {
            Shows::Joints { .. } => Arc::new(Topic::new(&stream.topic, JointState::TYPE)),
            _ => Arc::new(Topic::new(&stream.topic, Image::TYPE)),
        })
        .collect();
    let mut writer = bag::create(path, &Options::default()).expect("a new bag");
    for topic in &topics {
        let definition =
            if topic.type_name == Image::TYPE { Image::definition() } else { JointState::definition() };
        writer.declare(topic, &definition.text, &definition.hash).expect("a topic");
    }
    let start = Stamp(1_700_000_000_000_000_000);
    let end = start + Duration::from_secs(5);
    for due in Standin::new(streams, start).take_while(|due| due.at < end) {
        let topic = topics[due.stream].clone();
        let sample =
            Sample { topic, received: due.at, sent: None, publisher: None, sequence: None, cdr: due.cdr };
        writer.write(&sample).expect("a message");
    }
    writer.finish().expect("a whole bag");
}

fn scratch() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let (good, bad) = (folder.path().join("episode_0000"), folder.path().join("episode_0001"));
    (folder, good, bad)
}

#[test]
fn info_says_what_is_in_a_bag_and_in_a_folder_of_bags() {
    let (folder, one, other) = scratch();
    write_bag(&one, Fault::None);
    write_bag(&other, Fault::None);

    let said = json(&apprentice(["bag", "info", "--json"], [folder.path()]), 0);
    let rates: Vec<(&str, u64)> = said[0]["topics"]
        .as_array()
        .expect("topics")
        .iter()
        .map(|topic| (topic["name"].as_str().expect("a name"), topic["messages"].as_u64().expect("a count")))
        .collect();
    assert_eq!(
        rates,
        [
            ("/front/image_raw", 150),
            ("/joint_states", 1000),
            ("/leader/joint_states", 500),
            ("/wrist/image_raw", 150)
        ]
    );
    assert_eq!(said.as_array().map(Vec::len), Some(2));
    assert_eq!(said[1]["start_ns"], 1_700_000_000_000_000_000_i64);

    let table = text(&apprentice(["bag", "info"], [&one]).stdout);
    for line in [
        "start     2023-11-14 22:13:20.0 UTC",
        "messages  1800",
        "/joint_states         sensor_msgs/msg/JointState",
    ] {
        assert!(table.contains(line), "{line:?} is not in\n{table}");
    }
    let list = text(&apprentice(["bag", "info"], [folder.path()]).stdout);
    assert_eq!(list.lines().count(), 3, "{list}");
}

#[test]
fn check_holds_a_bag_to_a_robots_file() {
    let (folder, good, bad) = scratch();
    let config = "config/sim_arm.yaml";
    write_bag(&good, Fault::None);
    write_bag(&bad, Fault::Thinned { one_of: 2 });

    let output = apprentice(["bag", "check", "--config", config], [&good]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let output = apprentice(["bag", "check", "--config", config], [folder.path()]);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{table}");
    assert!(table.contains("wrong: /front/image_raw: ") && !table.contains("wrong: /wrist"), "{table}");
    assert!(text(&output.stderr).contains("1 of 2"), "{}", text(&output.stderr));
    let said = json(&apprentice(["bag", "check", "--json", "--config", config], [&bad]), 1);
    assert_eq!(said[0]["findings"][0]["topic"], "/front/image_raw");
    assert_eq!(said[0]["findings"][0]["severity"], "error");
}

#[test]
fn labels_are_noted_shown_and_taken_away() {
    let (folder, one, other) = scratch();
    write_bag(&one, Fault::None);
    write_bag(&other, Fault::None);
    let label = ["bag", "label", "--success", "true", "--task", "wave", "--note", "light=low"];
    assert!(apprentice(label, [folder.path()]).status.success());
    assert!(
        apprentice(["bag", "label", "--success", "false", "--note", "light="], [&other]).status.success()
    );
    let said = json(&apprentice(["bag", "info", "--json"], [folder.path()]), 0);
    assert_eq!(
        said[0]["notes"],
        serde_json::json!({"success": "true", "task": "wave", "lerobot.operator_prompt": "wave", "light": "low"})
    );
    assert_eq!(
        said[1]["notes"],
        serde_json::json!({"success": "false", "task": "wave", "lerobot.operator_prompt": "wave"})
    );
    assert_eq!(apprentice(["bag", "label"], [&one]).status.code(), Some(2), "there is nothing to note");
}

#[test]
fn a_bag_that_lost_its_writer_is_made_whole_once() {
    let (folder, whole, torn) = scratch();
    write_bag(&whole, Fault::None);
    write_bag(&torn, Fault::None);
    let file = torn.join("episode_0001_0.mcap");
    let bytes = fs::read(&file).expect("the bag's file");
    fs::write(&file, &bytes[..bytes.len() * 2 / 3]).expect("it is writable");
    fs::remove_file(torn.join("metadata.yaml")).expect("it was there");

    let recover = || json(&apprentice(["bag", "recover", "--json"], [folder.path()]), 0);
    let (first, second) = (recover(), recover());
    assert_eq!((&first[0]["changed"], &first[1]["changed"]), (&false.into(), &true.into()));
    assert_eq!((&second[0]["changed"], &second[1]["changed"]), (&false.into(), &false.into()));
    assert!(first[1]["messages"].as_u64().is_some_and(|messages| messages > 500), "{first}");
    assert_eq!(first[1]["messages"], second[1]["messages"]);
}

#[test]
fn a_cut_bag_is_told_by_info_and_check_and_noted_by_recover() {
    let (folder, whole, cut) = scratch();
    write_bag(&whole, Fault::None);
    write_bag(&cut, Fault::None);
    let file = cut.join("episode_0001_0.mcap");
    let bytes = fs::read(&file).expect("the bag's file");
    fs::write(&file, &bytes[..bytes.len() / 2]).expect("it is writable");

    let table = text(&apprentice(["bag", "info"], [&cut]).stdout);
    assert!(table.contains("episode_0001_0.mcap ends in the middle"), "{table}");
    assert!(table.contains("metadata.yaml counts 1800 messages"), "{table}");
    let said = json(&apprentice(["bag", "info", "--json"], [folder.path()]), 0);
    assert_eq!(
        (&said[0]["torn"], said[1]["torn"].as_array().map(Vec::len)),
        (&serde_json::json!([]), Some(2))
    );
    let list = text(&apprentice(["bag", "info"], [folder.path()]).stdout);
    assert_eq!(list.lines().filter(|line| line.contains(" torn")).count(), 1, "{list}");

    let output = apprentice(["bag", "check"], [&cut]);
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{report}");
    let mends = format!("`apprentice bag recover {}` mends it", cut.display());
    assert!(report.contains("wrong: ") && report.contains(&mends), "{report}");

    let recovered = json(&apprentice(["bag", "recover", "--json"], [&cut]), 0);
    assert_eq!((&recovered[0]["changed"], &recovered[0]["of"]), (&true.into(), &1800.into()));
    let said = json(&apprentice(["bag", "info", "--json"], [&cut]), 0);
    let noted = said[0]["notes"]["apprentice.recovered"].as_str().expect("it is noted");
    assert!(noted.contains("\"of\":1800"), "{noted}");
    assert_eq!(said[0]["torn"], serde_json::json!([]));
    assert_eq!(apprentice(["bag", "check"], [&cut]).status.code(), Some(0), "what is left is good");
}

#[test]
fn deleting_asks_or_is_told_and_leaves_what_is_no_bag() {
    let (folder, one, other) = scratch();
    write_bag(&one, Fault::None);
    write_bag(&other, Fault::None);
    fs::write(other.join("notes.txt"), "mine").expect("it is writable");

    assert_eq!(apprentice(["bag", "delete"], [&one]).status.code(), Some(2), "nobody can be asked");
    assert!(one.exists());
    let output = apprentice(["bag", "delete", "--yes"], [folder.path()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("notes.txt"), "{}", text(&output.stderr));
    assert!(!one.exists() && other.join("notes.txt").exists());
}

#[test]
fn what_is_no_bag_is_named() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    fs::write(folder.path().join("x.mcap"), "no mcap").expect("it is writable");
    for (path, said) in [(folder.path().join("absent"), "absent"), (folder.path().join("x.mcap"), "x.mcap")] {
        let output = apprentice(["bag", "info"], [&path]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
}

#[test]
fn a_topic_that_never_comes_ends_the_recording_with_its_name_as_it_was_remapped() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let words = "record --bus local --config config/sim_arm.yaml --set record.wait_s=0.2 --no-keys --ros-args \
                 -r /wrist/image_raw:=/hand/image_raw -r /joint_states:=joints -r __ns:=/left --";
    let words: Vec<&str> = words.split_whitespace().chain(["--out"]).collect();
    let output = apprentice(words, [folder.path()]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    for topic in ["\"/hand/image_raw\"", "\"/left/joints\"", "\"/front/image_raw\""] {
        assert!(error.contains(topic), "{topic} is not in {error}");
    }
}

/// Notes something in the bag at `path`.
fn note(path: &Path, key: &str, value: &str) {
    bag::label(path, &[(key.to_owned(), value.to_owned())].into()).expect("a label");
}

#[test]
fn without_a_robots_file_a_bag_is_held_to_rosettas_contract() {
    let (_folder, one, _) = scratch();
    write_bag(&one, Fault::None);
    assert_eq!(apprentice(["bag", "check"], [&one]).status.code(), Some(0), "it says nothing of itself");
    let contract = "robot_type: cell\nrobot_interface: ros2\nfps: 30\nobservations:\n  observation.state:\n    \
                    channel: {topic: /joint_states, type: sensor_msgs/msg/JointState}\n    \
                    align: {strategy: asof, timeline: header, tolerance_ms: 2}\n    select: [position.a]\nadjunct:\n  \
                    - channel: {topic: /tf, type: tf2_msgs/msg/TFMessage}\n";
    note(&one, "rosetta.contract_yaml", contract);
    let told = apprentice(["bag", "check"], [&one]);
    let report = text(&told.stdout);
    assert_eq!(told.status.code(), Some(1), "{report}");
    assert!(report.contains("wrong: /tf: it is not there"), "{report}");
    assert!(report.contains("/joint_states: 999 silences over 2 ms"), "{report}");
    assert!(text(&apprentice(["bag", "info"], [&one]).stdout).contains("rosetta.contract_yaml  (10 lines"));

    note(&one, "rosetta.contract_yaml", "robot_type: [");
    let told = apprentice(["bag", "check"], [&one]);
    assert_eq!(told.status.code(), Some(0), "its messages are as good as they were");
    assert!(text(&told.stderr).contains("rosetta.contract_yaml:"), "{}", text(&told.stderr));
}

#[test]
fn without_a_robots_file_a_bag_is_held_to_the_one_it_was_made_with() {
    let (_folder, one, _) = scratch();
    write_bag(&one, Fault::None);
    let robot = fs::read_to_string("config/sim_arm.yaml").expect("it is shipped");
    note(&one, "config", &robot.replace("/wrist/image_raw", "/elbow/image_raw"));
    let told = apprentice(["bag", "check"], [&one]);
    assert_eq!(told.status.code(), Some(1));
    assert!(
        text(&told.stdout).contains("wrong: /elbow/image_raw: it is not there"),
        "{}",
        text(&told.stdout)
    );
    let given = apprentice(["bag", "check", "--config", "config/sim_arm.yaml"], [&one]);
    assert_eq!(given.status.code(), Some(0), "a file that is given goes before: {}", text(&given.stdout));
}

#[test]
fn a_bag_is_held_to_a_robots_file_by_the_names_under_which_it_was_recorded() {
    let (_folder, one, _) = scratch();
    write_bag(&one, Fault::None);
    // As of a recorder in the namespace /wrist that heard the joints by another name than its robot's file has.
    let robot = fs::read_to_string("config/sim_arm.yaml").expect("it is shipped");
    let robot = robot.replace("topic: /wrist/image_raw", "topic: image_raw");
    note(&one, "config", &robot.replace("topic: /joint_states", "topic: /joints"));
    let report = text(&apprentice(["bag", "check"], [&one]).stdout);
    assert!(
        report.contains("wrong: /joints: it is not there") && !report.contains("image_raw: it is"),
        "{report}"
    );
    note(&one, "remapped", "/joints:=/joint_states");
    let told = apprentice(["bag", "check"], [&one]);
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stdout));
}
