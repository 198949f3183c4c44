//! `apprentice run` beside `apprentice sim` in lockstep over DDS.
//!
//! A policy from a checkpoint acts in a world of another process, and a signal ends it with the robot held: what a test within one
//! process cannot show.
#![cfg(all(feature = "dds", feature = "learn", feature = "sim"))]

#[path = "support/cli.rs"]
mod cli;
#[path = "support/collecting.rs"]
mod collecting;
#[path = "support/crew.rs"]
mod crew;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;
#[path = "support/running.rs"]
mod running;
#[path = "support/simulating.rs"]
mod simulating;
#[path = "support/training.rs"]
mod training;
#[path = "support/waves.rs"]
mod waves;

use std::path::Path;

use anyhow::ensure;
use cli::{apprentice, text};
use crew::{ROBOT, learned};
use running::Running;
use rustix::process::Signal;

/// A domain that nobody else has.
const DOMAIN: &str = "147";

#[test]
fn a_policy_acts_in_the_simulator_tick_by_tick_and_a_signal_holds_the_robot() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let run = learned(out.path(), &["policy.head={mse: {width: 64}}"])?;
    let bus = ["--bus", "dds", "--domain", DOMAIN, "--config", ROBOT];
    let acts = ["run", "--lockstep", "--resume"].into_iter().chain(bus).chain(["--policy"]);
    let acting = Running::start(acts, &[&run])?;
    let simulates = ["sim", "--world", "reach", "--rate", "lockstep", "--episodes", "2", "--cameras", "none"];
    let (code, said) = Running::start(simulates.into_iter().chain(bus), &[])?.end()?;
    ensure!(code == Some(0) && said.contains("seed 1: "), "{code:?}: {said}");
    acting.signal(Signal::TERM)?;
    let (code, said) = acting.end()?;
    ensure!(code == Some(0), "{code:?}: {said}");
    ensure!(said.contains("the policy drives") && said.contains("at the end held: "), "{said}");
    Ok(())
}

#[test]
fn what_is_wrong_is_said_before_anything_moves() {
    let none: [&Path; 0] = [];
    let unsaid = apprentice(["run", "--policy", "nowhere"], none);
    assert_eq!(unsaid.status.code(), Some(2), "{}", text(&unsaid.stderr));
    for (words, why) in [
        (vec!["run", "--only", "policy"], "who thinks needs a policy"),
        (vec!["run", "--only", "policy", "--resume", "--policy", "nowhere"], "--resume means nothing"),
        (vec!["run", "--only", "gate", "--watch"], "--watch means nothing with --only gate"),
        (vec!["run", "--only", "gate", "--policy", "nowhere"], "--policy means nothing with --only gate"),
    ] {
        let wrong = apprentice(words.into_iter().chain(["--config", ROBOT, "--bus", "local"]), none);
        let said = text(&wrong.stderr);
        assert!(wrong.status.code() == Some(2) && said.contains(why), "{said}");
    }
    let missing = apprentice(["run", "--config", ROBOT, "--policy", "nowhere", "--bus", "local"], none);
    let said = text(&missing.stderr);
    assert!(
        missing.status.code() == Some(1) && said.contains("\"nowhere\" is neither a checkpoint"),
        "{said}"
    );
}
