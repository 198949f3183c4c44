//! Settings as their users meet them: every file in `config/` loads, and every mistake is named with its file, line,
//! column and key.
//!
//! A typo that turns into a default is found on a moving robot; each case here is one that must be found before.

use std::path::{Path, PathBuf};

use apprentice::bag::{Compression, Mcap, Sqlite, Storage, Style};
use apprentice::bus::Node;
use apprentice::config::Settings;
use apprentice::spec::Expect;

const ROBOT: &str = "\
robot:
  name: test
  joints: [a, b, c]
observe:
  rate_hz: 30
  streams:
    joints: {topic: /joint_states, type: sensor_msgs/msg/JointState, fields: [position], align: linear, max_age_ms: 50}
    front:
      topic: /front/image_raw
      type: sensor_msgs/msg/Image
      size: [96, 96]
      align: newest
      max_age_ms: 100
      rate_hz: 30
act:
  rate_hz: 100
  parts:
    arm:
      joints: [a, b]
      from: {topic: /leader/joint_states, type: sensor_msgs/msg/JointState}
      to: {topic: /arm/commands, type: std_msgs/msg/Float64MultiArray}
    hand:
      joints: [c]
      from: {next: joints}
      to: {topic: /hand/commands, type: std_msgs/msg/Float64MultiArray}
";

fn config_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

/// The error of ROBOT with `old` replaced by `new`.
fn error_after(old: &str, new: &str) -> String {
    assert_eq!(ROBOT.matches(old).count(), 1, "{old:?} is not there exactly once");
    let error = Settings::parse(&ROBOT.replace(old, new), "robot.yaml").expect_err("it must be refused");
    error.to_string()
}

#[test]
fn every_robot_file_of_this_package_loads_and_comes_back_the_same() {
    let mut loaded = Vec::new();
    for entry in config_folder().read_dir().expect("there is a folder config/") {
        let path = entry.expect("it lists").path();
        let settings = Settings::load(&[&path], &[]).unwrap_or_else(|error| panic!("{error}"));
        let again = Settings::parse(&settings.to_yaml(), "resolved.yaml")
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", path.display(), settings.to_yaml()));
        assert_eq!(settings.to_yaml(), again.to_yaml());
        assert_eq!((settings.robot, settings.observe, settings.act), (again.robot, again.observe, again.act));
        loaded.push(path.file_name().expect("a file").to_string_lossy().into_owned());
    }
    loaded.sort();
    let robots = ["aloha.yaml", "sim_arm.yaml", "sim_arm_teleop.yaml", "so101.yaml", "ur5e.yaml"];
    let worlds = ["fork.yaml", "pick.yaml", "push.yaml", "reach.yaml", "reach_goal.yaml", "sort.yaml"];
    assert!(
        robots.into_iter().chain(worlds).all(|name| loaded.iter().any(|known| known == name)),
        "{loaded:?}"
    );
}

#[test]
fn a_mistake_is_named_with_its_line_column_and_key() {
    for (old, new, wanted) in [
        (
            "      align: newest",
            "      aling: newest",
            "robot.yaml:12:7: observe.streams.front.aling: unknown field",
        ),
        ("align: linear", "aling: linear", "robot.yaml:7:90: observe.streams.joints.aling: unknown field"),
        (
            "align: newest",
            "align: newst",
            "robot.yaml:12:14: observe.streams.front.align: unknown variant `newst`",
        ),
        ("  rate_hz: 100", "  rate_hz: fast", "robot.yaml:16:12: act.rate_hz: invalid type: string \"fast\""),
        ("[96, 96]", "[96, wide]", "robot.yaml:11:18: observe.streams.front.size[1]: invalid type"),
        ("[96, 96]", "[96]", "robot.yaml:11:13: observe.streams.front.size: invalid length 1"),
        (
            "robot:",
            "train: {}\nrecord: fast\nrobot:",
            "robot.yaml:2:9: record: invalid type: string \"fast\", expected a m",
        ),
        ("robot:", "robt:", "robot.yaml:1:1: robt: unknown field"),
        ("      max_age_ms: 100\n", "", "robot.yaml:9:7: observe.streams.front: missing field `max_age_ms`"),
        ("  name: test", "  name: [", "robot.yaml:"),
    ] {
        let said = error_after(old, new);
        assert!(said.starts_with(wanted), "{new:?}: {said}");
    }
}

#[test]
fn what_ties_settings_together_is_checked_where_it_is_written() {
    for (old, new, wanted) in [
        ("[a, b, c]", "[a, b, b]", "robot.yaml:2:3: robot: the joint \"b\" is named twice"),
        (
            "joints: [a, b]\n",
            "joints: [a, d]\n",
            "robot.yaml:19:15: act.parts.arm.joints: \"d\" is none of the robot's",
        ),
        ("joints: [c]", "joints: [b]", "robot.yaml:16:3: act: in the parts, the joint \"b\" is named twice"),
        (
            "{next: joints}",
            "{next: joint}",
            "robot.yaml:24:20: act.parts.hand.from.next: \"joint\" is none of the obs",
        ),
        ("{next: joints}", "{}", "robot.yaml:24:13: act.parts.hand.from: actions come either from"),
        ("  rate_hz: 100", "  rate_hz: 0", "robot.yaml:16:3: act: 0 is no rate of commands"),
        (
            "[96, 96]",
            "[96, 0]",
            "robot.yaml:9:7: observe.streams.front: a stream of \"sensor_msgs/msg/Image\" needs",
        ),
        (
            "/front/image_raw",
            "/2front/image_raw",
            "robot.yaml:9:14: observe.streams.front.topic: \"/2front/image_raw\"",
        ),
        (
            "sensor_msgs/msg/Image",
            "sensor_msgs/Image",
            "robot.yaml:10:13: observe.streams.front.type: \"sensor_msgs/Im",
        ),
        (
            "/hand/commands",
            "/joint_states",
            "robot.yaml:25:40: act.parts.hand.to.type: /joint_states is std_msgs",
        ),
    ] {
        let said = error_after(old, new);
        assert!(said.starts_with(wanted), "{new:?}: {said}");
    }
}

#[test]
fn layers_lie_on_each_other_and_each_keeps_its_own_lines() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let robot = folder.path().join("robot.yaml");
    let recipe = folder.path().join("recipe.yaml");
    let write = |path: &Path, text: &str| std::fs::write(path, text).expect("a scratch folder is writable");
    write(&robot, ROBOT);
    write(&recipe, "train: {steps: 10}\nobserve:\n  streams:\n    front: {size: [48, 48]}\n");
    let sets = |text: &str| vec![text.to_string()];

    let settings = Settings::load(&[&robot, &recipe], &sets("observe.rate_hz=20")).expect("it is sound");
    assert_eq!(settings.observe.rate_hz, 20.0);
    assert_eq!(settings.observe.streams["front"].size, Some([48, 48]));
    assert_eq!(settings.observe.streams["front"].max_age_ms, 100.0, "what the recipe does not say stays");

    let error = Settings::load(&[&robot, &recipe], &sets("observe.streams.front.align=linaer"));
    let said = error.expect_err("a typo").to_string();
    let wanted =
        "--set observe.streams.front.align=linaer: observe.streams.front.align: unknown variant `linaer`";
    assert!(said.starts_with(wanted), "{said}");

    write(&recipe, "observe:\n  streams:\n    front: {size: [48, 48], fps: 3}\n");
    let said = Settings::load(&[&robot, &recipe], &[]).expect_err("an unknown key").to_string();
    let wanted = format!("{}:3:29: observe.streams.front.fps: unknown field `fps`", recipe.display());
    assert!(said.starts_with(&wanted), "{said}");

    for wrong in ["observe.rate_hz", "a..b=1", "=1"] {
        let said = Settings::load(&[&robot], &sets(wrong)).expect_err("no assignment").to_string();
        assert!(said.starts_with(&format!("--set {wrong}: ")), "{said}");
    }
    let absent = Settings::load(&[folder.path().join("absent.yaml")], &[]).expect_err("no such file");
    assert!(absent.to_string().contains("absent.yaml"), "{absent}");
}

#[test]
fn a_higher_layer_picks_another_variant_and_one_layer_picks_one() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let robot = folder.path().join("robot.yaml");
    std::fs::write(&robot, format!("{ROBOT}record: {{storage: {{mcap: {{compression: lz4}}}}}}\n"))
        .expect("a scratch folder is writable");
    let set = |text: &str| Settings::load(&[&robot], &[text.to_owned()]);
    let settings = set("record.storage.sqlite={style: humble}").expect("it is sound");
    assert_eq!(settings.record.storage, Storage::Sqlite(Sqlite { style: Style::Humble }));
    let settings = set("record.storage.mcap.chunk_bytes=1000").expect("it is sound");
    let mcap = Mcap { compression: Compression::Lz4, chunk_bytes: 1000, style: None };
    assert_eq!(settings.record.storage, Storage::Mcap(mcap), "what the layer below said stays");

    let text = format!("{ROBOT}record: {{storage: {{mcap: {{}}, sqlite: {{}}}}}}\n");
    let said = Settings::parse(&text, "robot.yaml").expect_err("two formats").to_string();
    assert_eq!(said, "robot.yaml:26:30: record.storage: \"mcap\" and \"sqlite\" exclude each other");
}

#[test]
#[cfg(not(feature = "learn"))]
fn a_section_of_a_part_that_is_not_built_in_is_kept_as_it_stands() {
    let text = format!("{ROBOT}train: {{rate: 1.0e-4, free: [1, x, true, null]}}\n");
    let settings = Settings::parse(&text, "robot.yaml").expect("it is sound");
    let again = Settings::parse(&settings.to_yaml(), "again.yaml").expect("what was written reads back");
    let wanted = serde_json::json!({"rate": 1.0e-4, "free": [1, "x", true, null]});
    for settings in [settings, again] {
        let train = settings.section::<serde_json::Value>("train").expect("a mapping");
        assert_eq!(train.expect("it is there"), wanted);
    }
}

#[test]
fn a_section_is_a_mapping() {
    let said =
        Settings::parse(&format!("{ROBOT}control: 3\n"), "robot.yaml").expect_err("no mapping").to_string();
    assert!(said.starts_with("robot.yaml:26:10: control"), "{said}");
}

#[test]
fn a_recording_is_held_to_every_topic_of_the_file_once() {
    let settings = Settings::parse(ROBOT, "robot.yaml").expect("it is sound");
    let node = Node::new("recorder", "/").expect("a good name");
    let expected = settings.expected(&node).expect("names were checked when read");
    let topics: Vec<(&str, Option<f64>, bool)> = expected
        .iter()
        .map(|Expect { topic, rate_hz, optional, .. }| (topic.as_str(), *rate_hz, *optional))
        .collect();
    assert_eq!(
        topics,
        [
            ("/front/image_raw", Some(30.0), false),
            ("/joint_states", None, false),
            ("/leader/joint_states", None, false),
            ("/arm/commands", None, true),
            ("/hand/commands", None, true),
        ]
    );
}

#[test]
fn a_robots_description_is_found_beside_its_file_or_in_this_package() {
    let carried = Settings::load(&[config_folder().join("sim_arm.yaml")], &[])
        .unwrap_or_else(|error| panic!("{error}"));
    let description = carried.description().unwrap_or_else(|error| panic!("{error}")).expect("it is named");
    assert_eq!(description.name, "sim_arm");

    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("robot.yaml");
    std::fs::write(&file, ROBOT.replace("name: test", "name: test\n  urdf: arms/a.urdf"))
        .expect("it is written");
    let settings = Settings::load(&[&file], &[]).unwrap_or_else(|error| panic!("{error}"));
    let error = settings.description().expect_err("there is none yet").to_string();
    assert!(error.contains("robot.yaml:3:9: robot.urdf: ") && error.contains("No such file"), "{error}");
    std::fs::create_dir(folder.path().join("arms")).expect("a scratch folder");
    let urdf = "<robot name=\"a\"><link name=\"l\"/></robot>";
    std::fs::write(folder.path().join("arms/a.urdf"), urdf).expect("it is written");
    let description = settings.description().unwrap_or_else(|error| panic!("{error}")).expect("it is named");
    assert_eq!(description.root, "l");
    assert_eq!(
        Settings::parse(ROBOT, "robot.yaml").map(|settings| settings.description().ok()).ok(),
        Some(Some(None))
    );
}
