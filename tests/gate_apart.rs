//! A policy that thinks in one process and a gate that drives in another, on DDS, each killed and started again while the arm moves.
//!
//! The gate is all that stands between the arm and whoever plans, who may be on another machine, may die, or may be somebody else.
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

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::ensure;
use apprentice::bus::typed::{Publisher, call_typed, subscribe};
use apprentice::bus::{Inbox, Limit};
use apprentice::msg::lifecycle::{ChangeState, ChangeStateRequest, Transition};
use apprentice::msg::own::{Intervention, Plan};
use apprentice::node::diagnostics::header;
use apprentice::time::{Clock as _, Wall};
use apprentice::wire::Qos;
use crew::{Crew, PATIENCE, learned};
use running::Running;
use rustix::process::Signal;

/// For so long a policy may be silent before another may plan in its place. No test is so slow that one dies of it.
const SILENCE_MS: u32 = 3000;
/// How long a chunk lasts.
const CHUNK: Duration = Duration::from_millis(16 * 40);

fn gate(crew: &Crew) -> anyhow::Result<Running> {
    let silence = format!("control.watchdog.thinking_ms={SILENCE_MS}");
    crew.start(&["gate", "--no-keys", "--set", &silence], &[])
}

fn policy(crew: &Crew, run: &Path) -> anyhow::Result<Running> {
    crew.start(&["run", "--only", "policy", "--policy"], &[run])
}

fn domain(test: u32) -> u16 {
    u16::try_from(140 + 3 * (std::process::id() % 10) + test).expect("it is below 232")
}

/// Nobody thinks yet, and a person drives all the same.
fn driven_by_hand(crew: &mut Crew) -> anyhow::Result<()> {
    let teleop = crew.teleop()?;
    crew.until("it is known where the arm is", |crew| crew.states > 0)?;
    crew.mirror(0.1);
    crew.until_led()?;
    crew.take(true)?;
    crew.stand();
    let goal = crew.led();
    crew.until("the arm is where the leader is", |crew| (crew.state.position[0] - goal).abs() < 0.02)?;
    drop(teleop);
    crew.until("it is held", |crew| crew.said.driver == Intervention::HOLD)
}

/// The policy is asked to pause, and to go on: without a plan the arm is held, with the next one it is not.
fn pauses(crew: &mut Crew) -> anyhow::Result<()> {
    let request = |id| ChangeStateRequest { transition: Transition { id, label: String::new() } };
    let change = |crew: &Crew, id| {
        let asked = request(id);
        Ok::<_, anyhow::Error>(
            call_typed::<ChangeState>(&*crew.bus, "/policy/change_state", &asked, PATIENCE)?.success,
        )
    };
    let since = Wall.now();
    ensure!(change(crew, Transition::TRANSITION_DEACTIVATE)?, "it pauses");
    crew.is_held(since, CHUNK, "plan")?;
    ensure!(!change(crew, Transition::TRANSITION_DEACTIVATE)?, "it pauses already");
    ensure!(change(crew, Transition::TRANSITION_ACTIVATE)?, "it goes on");
    crew.until("the policy drives", |crew| crew.command.driver == Intervention::POLICY)
}

#[test]
fn a_policy_and_a_gate_in_two_processes_drive_an_arm_that_is_held_without_either() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let run =
        learned(folder.path(), &["policy.head={flow: {network: {perceptron: {width: 32}}, steps: 2}}"])?;
    let mut crew = Crew::new(domain(0))?;
    crew.gate = "gate";
    let (_robot, held) = (crew.robot()?, gate(&crew)?);
    crew.until("it says why", |crew| crew.said.driver == Intervention::HOLD && crew.commands > 0)?;
    driven_by_hand(&mut crew)?;
    let thinks = policy(&crew, &run)?;
    crew.release()?;
    let since = thinks.kill()?;
    crew.is_held(since, CHUNK, "plan")?;
    let thinks = policy(&crew, &run)?;
    // It plans again once the one before counts as gone, and waits to be let go on.
    let silence = Wall.now() + Duration::from_millis(u64::from(SILENCE_MS)) + CHUNK;
    crew.until("the one before counts as gone", |_| Wall.now() > silence)?;
    crew.stays(100)?;
    crew.release()?;

    held.kill()?;
    crew.hears(100)?;
    let (commands, held) = (crew.commands, gate(&crew)?);
    crew.until("it speaks", |crew| crew.commands > commands && !crew.command.values.is_empty())?;
    crew.stays(100)?;
    crew.release()?;

    pauses(&mut crew)?;
    // Another that plans beside it is refused.
    let inbox = Inbox::new(Limit { samples: 1000, bytes: 1 << 24 });
    let _heard = subscribe::<Plan>(&*crew.bus, "/plan", Qos::sensor(), &inbox)?;
    let _second = policy(&crew, &run)?;
    let (deadline, mut planners) = (Instant::now() + PATIENCE, BTreeSet::new());
    while planners.len() < 2 {
        ensure!(Instant::now() < deadline, "no second policy is heard");
        planners
            .extend(inbox.wait(Instant::now() + CHUNK).and_then(|sample| sample.publisher).map(|gid| gid.0));
    }
    crew.moving()?;
    ensure!(crew.command.driver == Intervention::POLICY, "{:?}", crew.said);
    held.signal(Signal::INT)?;
    let (code, said) = held.end()?;
    ensure!(code == Some(0) && said.contains("\"/plan\" has a second publisher"), "{said}");
    thinks.signal(Signal::INT)?;
    let (code, said) = thinks.end()?;
    ensure!(code == Some(0) && said.contains("chunks"), "{said}");
    Ok(())
}

#[test]
fn a_policy_that_thinks_alone_says_what_it_does_not_see() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let run = learned(folder.path(), &["policy.head={mse: {}}"])?;
    let crew = Crew::new(domain(1))?;
    let mut thinks = policy(&crew, &run)?;
    let said = thinks.says("not heard so far: joints, target")?;
    ensure!(!said.contains("plans"), "{said}");
    thinks.signal(Signal::INT)?;
    ensure!(thinks.end()?.0 == Some(0));
    Ok(())
}

#[test]
fn whoever_says_where_to_be_drives_within_the_limits_and_no_number_holds_the_arm() -> anyhow::Result<()> {
    let mut crew = Crew::new(domain(2))?;
    crew.gate = "gate";
    let (_robot, _gate) = (crew.robot()?, gate(&crew)?);
    crew.until("it is known where the arm is", |crew| crew.states > 0 && crew.commands > 0)?;
    let mut plans = Publisher::<Plan>::open(&*crew.bus, "/plan", Qos::sensor())?;
    crew.until("the gate listens", |_| plans.matched() > 0)?;
    // It is said again and again, as a policy does: one of them may be lost.
    let (says, ends) = (Arc::<Mutex<Plan>>::default(), Arc::<AtomicBool>::default());
    let (said, over) = (Arc::clone(&says), Arc::clone(&ends));
    let planner = std::thread::spawn(move || {
        while !over.load(Relaxed) {
            let plan = said.lock().expect("nobody panicked").clone();
            plans.send(&plan).expect("the bus takes it");
            patience::due_at(Instant::now() + Duration::from_millis(50));
        }
    });
    // The first joint goes so far in half a minute, told in three places.
    let say = |crew: &Crew, to: f64, state| {
        let from = &crew.state.position;
        let row = |share: f64| {
            from.iter()
                .enumerate()
                .map(move |(joint, from)| if joint == 0 { from + share * to } else { *from })
        };
        let values = [0.0, 0.5, 1.0].into_iter().flat_map(row).collect();
        let (names, due) = (crew.state.name.clone(), vec![0.0, 15.0, 30.0]);
        let plan = Plan { header: header(Wall.now()), names, due, values, state, ..Plan::default() };
        *says.lock().expect("nobody panicked") = plan;
    };
    say(&crew, 0.9, Plan::WELL);
    crew.release()?;
    let begun = Wall.now();
    say(&crew, 0.9, Plan::BLIND);
    crew.is_held(begun, Duration::from_secs(1), "\"what the policy sees\" fell silent")?;
    say(&crew, 0.9, Plan::WELL);
    crew.release()?;
    ensure!(crew.command.driver == Intervention::POLICY, "{:?}", crew.command);
    let begun = Wall.now();
    say(&crew, f64::NAN, Plan::WELL);
    crew.is_held(begun, Duration::from_secs(1), "number")?;
    ensure!(crew.command.values.iter().all(|value| value.is_finite()), "{:?}", crew.command);
    ends.store(true, Relaxed);
    planner.join().expect("it does not panic");
    Ok(())
}
