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

/// Every command there is, as the help names them, from `apprentice` itself down; a group comes before its members.
fn commands() -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut next = 0;
    while let Some(parent) = all.get(next).cloned() {
        next += 1;
        let words: Vec<&str> = parent.iter().map(String::as_str).chain(["--help"]).collect();
        let help = text(&apprentice(&words).stdout);
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        // A name stands two columns in; what follows of a long description stands further in.
        let named = listed.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
        let names = named.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
        all.extend(names.map(|name| [&parent[..], &[name.to_owned()]].concat()));
    }
    all
}

#[test]
fn every_command_helps_with_examples() {
    let all = commands();
    for known in [&["record"][..], &["bag", "delete"], &["teleop", "joy"], &["dart", "fit"], &["demo"]] {
        assert!(all.iter().any(|command| command == known), "{known:?} is not in {all:?}");
    }
    for command in &all {
        let is_group = all.iter().any(|other| other.len() > command.len() && other.starts_with(command));
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let output = apprentice(&[&command[..], &["--help"]].concat());
        let help = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{command:?}");
        assert!(help.contains("Usage: apprentice"), "{command:?}: {help}");
        assert!(is_group || help.contains("Examples:"), "{command:?}: {help}");
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
        (
            vec!["teleop", "joy", "--config", "config/so101.yaml", "--set", "control.limits=null"],
            "robot.urdf: no description is named",
        ),
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
        (vec!["record", "--out", "/tmp", "--all", "--domain", "300"], "0..=232"),
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
fn a_domain_that_is_none_is_wrong_use_wherever_it_is_said() {
    let words = ["record", "--bus", "local", "--all", "--no-keys", "--out"];
    let folder = tempfile::tempdir().expect("a scratch folder");
    let output =
        command(words, [folder.path()]).env("ROS_DOMAIN_ID", "abc").output().expect("the binary starts");
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("ROS_DOMAIN_ID says \"abc\", which is no number from 0 to 232"), "{error}");
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
