//! A simulated arm, a policy, a leader arm and a recorder, each a process of its own on DDS, killed and started again while it moves.
//!
//! What a process leaves behind when it dies is what the others make of silence, and that no test within one process can show. The
//! arm is held within the time that is set, by whoever is left to hold it, and nothing moves again before somebody says so.
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

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use apprentice::bag;
use apprentice::msg::own::{Command, Intervention, Recording};
use apprentice::time::Stamp;
use crew::{AGE_MS, Crew, LATE, learned};
use rustix::process::Signal;
use tempfile::TempDir;

/// How old what is seen may be, and a tick.
const AGE: Duration = Duration::from_millis(AGE_MS + 10);

/// The tests go one after the other: each is four processes. They share a policy, whose chunks are drawn anew each time.
fn alone() -> anyhow::Result<(MutexGuard<'static, ()>, PathBuf)> {
    static TURN: Mutex<()> = Mutex::new(());
    static RUN: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if RUN.get().is_none() {
        let folder = tempfile::tempdir()?;
        let run =
            learned(folder.path(), &["policy.head={flow: {network: {perceptron: {width: 32}}, steps: 2}}"])?;
        RUN.set((folder, run)).ok().context("one test at a time")?;
    }
    let (_, run) = RUN.get().context("it is there")?;
    Ok((turn, run.clone()))
}

/// A domain for each test of this process, away from those people use.
fn domain(test: u32) -> u16 {
    u16::try_from(100 + 4 * (std::process::id() % 10) + test).expect("it is below 232")
}

fn stamp(command: &Command) -> Stamp {
    Stamp::from_parts(command.header.stamp.sec, command.header.stamp.nanosec)
}

#[test]
fn a_robot_that_vanishes_from_the_bus_and_returns_is_held_until_somebody_lets_it_go_on() -> anyhow::Result<()>
{
    let (_turn, run) = alone()?;
    let mut crew = Crew::new(domain(0))?;
    let (robot, _policy) = (crew.robot()?, crew.policy(&run)?);
    crew.release()?;
    // The same participant, unheard for a while: a cable that was pulled.
    let since = robot.signal(Signal::STOP)?;
    crew.is_held(since, AGE, "")?;
    robot.signal(Signal::CONT)?;
    crew.hears(100)?;
    crew.stays(100)?;
    crew.release()?;
    // Another participant in its place: a robot that was switched off and on.
    let since = robot.kill()?;
    crew.is_held(since, AGE, "")?;
    let _robot = crew.robot()?;
    crew.hears(100)?;
    crew.stays(100)?;
    let before = crew.state.position.clone();
    crew.release()?;
    ensure!(crew.command.driver == Intervention::POLICY && before.len() == 7, "{:?}", crew.command);
    Ok(())
}

#[test]
fn a_policy_that_is_killed_leaves_an_arm_that_stands_and_one_that_is_started_again_waits()
-> anyhow::Result<()> {
    let (_turn, run) = alone()?;
    let mut crew = Crew::new(domain(1))?;
    let (_robot, policy) = (crew.robot()?, crew.policy(&run)?);
    crew.release()?;
    policy.kill()?;
    // The arm's own controllers keep it at the last command, which they come to within a few ticks.
    crew.hears(100)?;
    let (at, commands) = (crew.state.position.clone(), crew.commands);
    crew.hears(100)?;
    let moved = crew.state.position.iter().zip(&at).map(|(now, at)| (now - at).abs()).fold(0.0, f64::max);
    ensure!(moved < 1e-3 && crew.commands == commands, "it moved by {moved}");
    let _policy = crew.policy(&run)?;
    crew.until("it speaks", |crew| crew.commands > commands && !crew.command.values.is_empty())?;
    crew.stays(100)?;
    let held = crew
        .command
        .values
        .iter()
        .zip(&crew.state.position)
        .map(|(told, is)| (told - is).abs())
        .fold(0.0, f64::max);
    ensure!(held < 0.01, "it begins where the arm is, not {held} away");
    crew.release()
}

#[test]
fn a_leader_whose_teleoperation_is_killed_loses_the_arm_and_has_to_take_it_anew() -> anyhow::Result<()> {
    let (_turn, run) = alone()?;
    let mut crew = Crew::new(domain(2))?;
    let (_robot, _policy, teleop) = (crew.robot()?, crew.policy(&run)?, crew.teleop()?);
    crew.release()?;
    crew.mirror(0.1);
    crew.until_led()?;
    crew.take(true)?;
    crew.stand();
    let goal = crew.led();
    crew.until("the arm is where the leader is", |crew| (crew.state.position[0] - goal).abs() < 0.02)?;
    crew.commands(50, "the person drives", |_, now| now.driver == Intervention::HUMAN)?;
    // On its way to somewhere else.
    crew.lead(0.15);
    crew.moving()?;
    let since = teleop.kill()?;
    crew.is_held(since, AGE, "fell silent")?;
    let teleop = crew.teleop()?;
    crew.mirror(0.0);
    crew.until_led()?;
    crew.stays(50)?;
    crew.take(true)?;
    crew.commands(20, "the person drives", |_, now| now.driver == Intervention::HUMAN)?;
    crew.take(false)?;
    crew.moving()?;
    ensure!(crew.command.driver == Intervention::POLICY, "{:?}", crew.said);
    drop(teleop);
    Ok(())
}

#[test]
fn a_recorder_that_is_killed_is_not_felt_by_the_arm_and_its_bag_is_made_whole_by_the_next()
-> anyhow::Result<()> {
    let (_turn, run) = alone()?;
    let out = tempfile::tempdir()?;
    let mut crew = Crew::new(domain(3))?;
    let (_robot, _policy) = (crew.robot()?, crew.policy(&run)?);
    crew.release()?;
    let recorder = crew.recorder(out.path())?;
    let records = |crew: &Crew| crew.recording.state == Recording::RECORDING && crew.recording.seconds > 1.5;
    crew.until("it records", records)?;
    let killed = recorder.kill()?;
    let torn = bag::unfinished(out.path());
    ensure!(torn.len() == 1, "{torn:?}");
    // For as long as it takes to notice, whoever speaks reliably waits for a listener that is dead.
    crew.commands(300, "the commands stop", |before, now| stamp(now).since(stamp(before)) < LATE)?;
    crew.recording = Recording::default();
    let recorder = crew.recorder(out.path())?;
    crew.until("it records again", records)?;
    ensure!(!bag::unfinished(out.path()).contains(&torn[0]), "it is still torn");
    let (first, last) = bag::open(&torn[0])?.span().context("it has messages")?;
    let (kept, lost) = (last.since(first), killed.since(last));
    ensure!(
        kept > Duration::from_millis(500) && lost < Duration::from_secs(1),
        "{kept:?} kept, {lost:?} lost"
    );
    let passes = [Intervention::CAUSE_NONE, Intervention::CAUSE_NO_PLAN];
    ensure!(passes.contains(&crew.said.cause), "{:?}", crew.said);
    drop(recorder);
    Ok(())
}
