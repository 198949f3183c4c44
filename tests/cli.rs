//! The binary as its users meet it: exit codes, help, and errors that are printed once.
//!
//! Exit codes and what is printed are an interface: scripts hang on them, and only the built binary shows that an error is
//! printed once and not by each layer it passes.

#[path = "support/cli.rs"]
mod cli;

use std::path::Path;

use cli::{command, text};

/// Runs the binary to its end.
fn apprentice(words: &[&str]) -> std::process::Output {
    command(words.iter().copied(), [] as [&Path; 0]).output().expect("the binary starts")
}

#[test]
fn every_command_helps_with_examples() {
    for command in [
        vec![],
        vec!["record"],
        vec!["teleop"],
        vec!["bag", "info"],
        vec!["bag", "check"],
        vec!["bag", "recover"],
        vec!["bag", "label"],
        vec!["bag", "delete"],
        vec!["doctor"],
        vec!["demo"],
    ] {
        let output = apprentice(&[&command[..], &["--help"]].concat());
        let help = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{command:?}");
        assert!(help.contains("Usage: apprentice"), "{command:?}: {help}");
        assert!(command.is_empty() || help.contains("Examples:"), "{command:?}: {help}");
        assert!(
            help.lines().all(|line| line.starts_with("Usage") || line.chars().count() <= 110),
            "{command:?}: {help}"
        );
    }
    assert_eq!(
        text(&apprentice(&["--version"]).stdout),
        format!("apprentice {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_use_ends_with_two_and_says_why_once() {
    let robot = "config/sim_arm.yaml";
    for (words, said) in [
        (vec!["teleop", "leader"], "--config: the robot's file is needed"),
        (vec!["teleop", "keyboard", "--config", robot], "this is none"),
        (vec!["teleop", "joy", "--config", "config/so101.yaml"], "robot.urdf is missing"),
        (vec!["teleop", "joy", "--config", robot, "--set", "teleop.arm.tip=tool1"], "\"tool1\" is no link"),
        (vec!["teleop", "joy", "--config", robot, "--set", "teleop.joy.turbo=-1"], "teleop.joy.turbo"),
        (vec!["record"], "required arguments"),
        (vec!["record", "--out", "/tmp"], "--config"),
        (vec!["record", "--out", "/tmp", "--topic", "/2d"], "begins with a digit"),
        (vec!["record", "--out", "/tmp", "--topic", "/a:JointState"], "package/msg/Type"),
        (vec!["record", "--out", "/tmp", "--all", "--seconds", "0"], "not above zero"),
        (vec!["record", "--out", "/tmp", "--all", "--set", "a=b"], "--config"),
        (
            vec!["record", "--out", "/tmp", "--config", robot, "--set", "record.strage=1"],
            "record.strage: unknown field",
        ),
        (vec!["record", "--out", "/tmp", "--config", "config/absent.yaml"], "absent.yaml"),
        (vec!["fly"], "fly"),
    ] {
        let output = apprentice(&words);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {error}");
        let headed =
            error.lines().filter(|line| line.starts_with("error: ") || line.starts_with("apprentice: "));
        assert_eq!(headed.count(), 1, "{words:?}: {error}");
        assert!(error.contains(said), "{words:?}: {error}");
    }
}

#[test]
fn doctor_names_a_remedy_for_whatever_is_not_good() {
    let output = apprentice(&["doctor", "--json"]);
    let findings: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    assert!(findings.len() > 10);
    for finding in &findings {
        let good = finding["state"] == "good";
        assert!(good || finding["remedy"].is_string(), "{finding}");
    }
    let wrong = findings.iter().any(|finding| finding["state"] == "wrong");
    assert_eq!(output.status.code(), Some(i32::from(wrong)), "{}", text(&output.stderr));
    let table = text(&apprentice(&["doctor"]).stdout);
    assert!(
        findings.iter().all(|finding| table.contains(finding["what"].as_str().expect("a name"))),
        "{table}"
    );
}

#[test]
fn doctor_sees_a_domain_that_is_none_and_a_bag_without_its_end() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let bag = folder.path().join("episode_0000");
    std::fs::create_dir(&bag).and_then(|()| std::fs::write(bag.join("x.mcap"), "")).expect("it is writable");
    let output = command(["doctor"], [] as [&Path; 0])
        .env("ROS_DOMAIN_ID", "many")
        .current_dir(folder.path())
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
    let (table, error) = (text(&output.stdout), text(&output.stderr));
    assert!(table.contains("export ROS_DOMAIN_ID=0") && error.contains("ROS_DOMAIN_ID"), "{table}{error}");
    let recovers = format!("apprentice bag recover {}", Path::new("./episode_0000").display());
    assert!(table.contains(&recovers), "{table}");
}
