//! Several nodes in one process: each is there for others, and all end together.
//!
//! On a robot's computer a process is what is started, watched and stopped; half of one that goes on unnoticed would be worse than none.
#![cfg(feature = "dds")]

#[path = "support/cli.rs"]
mod cli;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/running.rs"]
mod running;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use apprentice::bus::typed::call_typed;
use apprentice::bus::{self, Kind};
use apprentice::msg::rcl::{ListParameters, ListParametersRequest};
use cli::{apprentice, text};
use running::Running;
use rustix::process::Signal;

const PATIENCE: Duration = Duration::from_secs(60);
const ARM: &str = "config/sim_arm.yaml";

#[test]
fn two_nodes_of_one_process_answer_each_by_its_name_and_end_at_one_signal() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let domain = u16::try_from(190 + std::process::id() % 10)?;
    let number = domain.to_string();
    let out = folder.path().join("out");
    let out_word = out.display().to_string();
    let words = [
        "compose",
        "record",
        "--all",
        "--wait",
        "--domain",
        &number,
        "--out",
        &out_word,
        "+",
        "teleop",
        "leader",
        "--config",
        ARM,
        "--domain",
        &number,
        "--ros-args",
        "-r",
        "__ns:=/left",
        "-p",
        "operator:=ada",
    ];
    let nodes = Running::start(words, &[])?;
    let person = bus::open(&bus::Options {
        kind: Kind::Dds,
        node: "person".to_owned(),
        domain: Some(domain),
        ..bus::Options::default()
    })?;
    let request = ListParametersRequest { prefixes: Vec::new(), depth: 0 };
    let names = |node: &str| {
        let service = format!("/left/{node}/list_parameters");
        Ok::<_, bus::Error>(
            call_typed::<ListParameters>(&*person, &service, &request, PATIENCE)?.result.names,
        )
    };
    assert!(names("recorder")?.contains(&"operator".to_owned()));
    assert!(names("teleop")?.contains(&"device".to_owned()));
    nodes.signal(Signal::INT)?;
    let (code, said) = nodes.end()?;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("0 commands"), "teleoperation says how it went: {said}");
    Ok(())
}

#[test]
fn when_one_ends_all_do_and_the_reason_has_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out").display().to_string();
    let words = ["compose", "record", "--all", "--bus", "local", "--wait", "--out", &out, "+", "gate"];
    let ended = apprentice(words, None::<&Path>);
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("gate: --config: the robot's file is needed"), "{said}");
}

#[test]
fn what_cannot_be_composed_is_refused_before_anything_runs() {
    let twice = ["compose", "gate", "--config", ARM, "+", "gate", "--config", ARM];
    let command = ["compose", "gate", "--config", ARM, "+", "doctor"];
    let nothing = ["compose", "gate", "--config", ARM, "+"];
    let option = ["compose", "record", "--nonsense"];
    let named = [
        "compose",
        "gate",
        "--config",
        ARM,
        "+",
        "record",
        "--all",
        "--out",
        "x",
        "--ros-args",
        "-r",
        "__node:=x",
    ];
    let tried: [(&[&str], &str); 5] = [
        (&named, "several nodes cannot have one name"),
        (&twice, "gate: one process has one node of that name"),
        (&command, "only nodes are composed"),
        (&nothing, "Usage"),
        (&option, "--nonsense"),
    ];
    for (words, why) in tried {
        let ended = apprentice(words.iter().copied(), None::<&Path>);
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(why), "{words:?}: {said}");
    }
}
