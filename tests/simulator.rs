//! The simulator behind its topics: commands of every form, resets, lockstep, and what a collection leaves behind.
//!
//! What a world does is held to the contract of worlds; here it is whether another node could tell it from a robot.
#![cfg(feature = "sim")]

#[path = "support/patience.rs"]
mod patience;
#[path = "support/simulating.rs"]
mod simulating;
#[path = "support/skipped.rs"]
mod skipped;

use std::time::{Duration, Instant};

use apprentice::bus::typed::call_typed;
use apprentice::bus::{Inbox, Limit, typed};
use apprentice::msg::Message;
use apprentice::msg::diagnostic::DiagnosticArray;
use apprentice::msg::geometry::PoseStamped;
use apprentice::msg::own::{Command, Disturb, DisturbRequest, Judgement, Reset, ResetRequest};
use apprentice::msg::sensor::{Image, JointState};
use apprentice::msg::std::Float64MultiArray;
use apprentice::msg::trajectory::{JointTrajectory, JointTrajectoryPoint};
use apprentice::node::simulator::{Options, Pace};
use apprentice::sim::{Light, Simulation};
use apprentice::wire::Qos;
use simulating::{COMMANDS, PATIENCE, Stage, blind, command, options};
use skipped::skipped;

const NUMBERS: &str = Float64MultiArray::TYPE;
const JOINTS: (&str, &str) = ("/joint_states", JointState::TYPE);
const RESULT: (&str, &str) = ("/simulator/result", Judgement::TYPE);

/// Where the first joint is `ticks` ticks later, and on the way there.
fn way(stage: &Stage, ticks: usize) -> anyhow::Result<Vec<f64>> {
    (0..ticks).map(|_| Ok(stage.next_of::<JointState>()?.position[0])).collect()
}

#[test]
fn every_form_of_command_moves_the_arm() -> anyhow::Result<()> {
    for type_name in [NUMBERS, JointTrajectory::TYPE, JointState::TYPE] {
        let stage = Stage::start(options("reach", Pace::Fast, type_name)?, &[JOINTS], 1)?;
        let JointState { name, position, .. } = stage.next_of()?;
        let mut to = position.clone();
        to[0] += 0.3;
        match type_name {
            JointTrajectory::TYPE => {
                let mut point = JointTrajectoryPoint { positions: to.clone(), ..Default::default() };
                point.time_from_start.sec = 1;
                let way = JointTrajectory { joint_names: name, points: vec![point], ..Default::default() };
                stage.speak(COMMANDS)?.send(&way)?;
            }
            JointState::TYPE => {
                // In another order: joints are told apart by name.
                let (name, position) = name.into_iter().zip(to.clone()).rev().unzip();
                stage.speak(COMMANDS)?.send(&JointState { name, position, ..Default::default() })?;
            }
            _ => {
                stage.speak(COMMANDS)?.send(&Float64MultiArray { data: to.clone(), ..Default::default() })?
            }
        }
        let way = way(&stage, 150)?;
        assert!((way[149] - to[0]).abs() < 0.02, "{type_name}: at {} and not at {}", way[149], to[0]);
        let half = (way[49] - position[0]) / 0.3;
        match type_name {
            JointTrajectory::TYPE => {
                assert!((0.3..0.6).contains(&half), "{half} of the way in half the time")
            }
            _ => assert!(half > 0.9, "{type_name}: {half} of the way in half a second"),
        }
        stage.end()?;
    }
    Ok(())
}

#[test]
fn a_command_that_is_not_sound_is_refused_counted_and_shown() -> anyhow::Result<()> {
    let stage = Stage::start(options("reach", Pace::Fast, NUMBERS)?, &[JOINTS], 1)?;
    let told = Inbox::new(Limit { samples: 100, bytes: 1 << 24 });
    let _told = typed::subscribe::<DiagnosticArray>(&stage.person, "/diagnostics", Qos::default(), &told)?;
    let before = stage.next_of::<JointState>()?.position;
    let mut speaker = stage.speak(COMMANDS)?;
    let bad = [vec![1.0, 1.0], vec![f64::NAN; 7], vec![1.0; 8], vec![f64::INFINITY; 7], vec![]];
    for data in bad.clone() {
        speaker.send(&Float64MultiArray { data, ..Default::default() })?;
    }
    for at in way(&stage, 100)? {
        assert!((at - before[0]).abs() < 0.01, "the arm went from {} to {at}", before[0]);
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "five refusals were not shown");
        stage.next()?;
        let Some(sample) = told.take() else { continue };
        let said: DiagnosticArray = typed::read(&sample)?;
        let commands = said.status.iter().find(|status| status.name == "simulator: commands");
        let refused = commands.and_then(|part| part.values.iter().find(|value| value.key == "refused"));
        if refused.is_some_and(|refused| refused.value == bad.len().to_string()) {
            break;
        }
    }
    stage.end()?;
    Ok(())
}

/// An arm that stood still before shows nothing: to hold and to go on would look alike.
#[test]
fn a_command_that_is_not_sound_ends_the_trajectory_that_was_under_way() -> anyhow::Result<()> {
    let after = |names: &[String], positions: Vec<f64>, sec| {
        let mut point = JointTrajectoryPoint { positions, ..Default::default() };
        point.time_from_start.sec = sec;
        JointTrajectory { joint_names: names.to_vec(), points: vec![point], ..Default::default() }
    };
    for bad in ["none", "short", "no number", "another joint", "no point", "before its beginning"] {
        let stage = Stage::start(options("reach", Pace::Fast, JointTrajectory::TYPE)?, &[JOINTS], 1)?;
        let JointState { name, position, .. } = stage.next_of()?;
        let mut to = position.clone();
        to[0] += 0.4;
        let mut speaker = stage.speak(COMMANDS)?;
        speaker.send(&after(&name, to.clone(), 1))?;
        let there = way(&stage, 50)?[49];
        assert!((0.1..0.3).contains(&(there - position[0])), "under way: from {} to {there}", position[0]);
        let mut tail = name.clone();
        tail[0] = "tail".to_owned();
        match bad {
            "short" => speaker.send(&after(&name, to[1..].to_vec(), 1))?,
            "no number" => speaker.send(&after(&name, vec![f64::NAN; 7], 1))?,
            "another joint" => speaker.send(&after(&tail, to.clone(), 1))?,
            "no point" => speaker.send(&JointTrajectory { joint_names: name, ..Default::default() })?,
            "before its beginning" => speaker.send(&after(&name, to.clone(), -1))?,
            _ => {}
        }
        let on = way(&stage, 150)?[149];
        match bad {
            "none" => {
                assert!((on - to[0]).abs() < 0.01, "left alone it goes on to {} and not to {on}", to[0])
            }
            // The command was ahead of the servo, and it takes a tick to come.
            _ => assert!((0.0..0.08).contains(&(on - there)), "{bad}: the arm went on from {there} to {on}"),
        }
        stage.end()?;
    }
    Ok(())
}

#[test]
fn joints_that_the_arm_does_not_have_are_refused() -> anyhow::Result<()> {
    let stage = Stage::start(options("reach", Pace::Fast, JointState::TYPE)?, &[JOINTS], 1)?;
    let JointState { mut name, position, .. } = stage.next_of()?;
    let to: Vec<f64> = position.iter().map(|at| at + 0.2).collect();
    let mut speaker = stage.speak(COMMANDS)?;
    speaker.send(&JointState {
        name: name[1..].to_vec(),
        position: to[1..].to_vec(),
        ..Default::default()
    })?;
    name[0] = "tail".to_owned();
    speaker.send(&JointState { name, position: to, ..Default::default() })?;
    for at in way(&stage, 100)? {
        assert!((at - position[0]).abs() < 0.01, "the arm went from {} to {at}", position[0]);
    }
    stage.end()?;
    Ok(())
}

/// Resets a world in lockstep and drives it a while; what it says of itself, without the time.
fn episode(stage: &Stage, seed: u64) -> anyhow::Result<(Vec<JointState>, PoseStamped)> {
    let answer = call_typed::<Reset>(&stage.person, "/simulator/reset", &ResetRequest { seed }, PATIENCE)?;
    anyhow::ensure!(answer.success, "{}", answer.message);
    while stage.next_of::<Judgement>()?.seed != seed {}
    let mut gate = stage.speak::<Command>("/command")?;
    let (mut states, mut target) = (Vec::new(), PoseStamped::default());
    while states.len() < 20 {
        let sample = stage.next()?;
        match sample.topic.type_name.as_str() {
            PoseStamped::TYPE => target = typed::read(&sample)?,
            JointState::TYPE => {
                let mut state: JointState = typed::read(&sample)?;
                let to: Vec<f64> = state.position.iter().map(|at| at + 0.01).collect();
                gate.send(&command(&state.header, &state.name, to))?;
                state.header = Default::default();
                states.push(state);
            }
            _ => {}
        }
    }
    target.header = Default::default();
    Ok((states, target))
}

#[test]
fn the_same_seed_begins_the_same_attempt_and_another_another() -> anyhow::Result<()> {
    let topics = [JOINTS, RESULT, ("/target_pose", PoseStamped::TYPE)];
    let stage = Stage::start(options("reach", Pace::Lockstep, NUMBERS)?, &topics, 10_000)?;
    let (one, other, again) = (episode(&stage, 7)?, episode(&stage, 3)?, episode(&stage, 7)?);
    assert_ne!(one.1, other.1, "another seed, another target");
    assert_ne!(one.0[0], other.0[0], "another seed, another start");
    assert_eq!(one, again);
    let mild = DisturbRequest { kind: "push".to_owned(), size: 1.0 };
    let answer = call_typed::<Disturb>(&stage.person, "/simulator/disturb", &mild, PATIENCE)?;
    assert!(answer.success, "{}", answer.message);
    for wrong in
        [DisturbRequest { kind: "rain".to_owned(), size: 1.0 }, DisturbRequest { size: -1.0, ..mild }]
    {
        let answer = call_typed::<Disturb>(&stage.person, "/simulator/disturb", &wrong, PATIENCE)?;
        assert!(!answer.success && answer.message.contains("disturbance"), "{answer:?}");
    }
    stage.end()?;
    Ok(())
}

/// All that was said of `topics` in one attempt.
type Said = Vec<(String, bytes::Bytes)>;

fn said_in_fast(options: Options, topics: &[(&str, &str)]) -> anyhow::Result<Said> {
    let options = Options { pace: Pace::Fast, expert: true, episodes: Some(1), ..options };
    let mut stage = Stage::start(options, topics, 1_000_000)?;
    assert_eq!(stage.join()?.len(), 1);
    let all = std::iter::from_fn(|| stage.heard.take());
    Ok(all.map(|sample| (sample.topic.name.clone(), sample.cdr)).collect())
}

/// The same with the expert at the other end of the bus, in a world of his own.
fn said_in_lockstep(options: Options, topics: &[(&str, &str)]) -> anyhow::Result<Said> {
    let mut mirror = Simulation::open(&options.world, options.tick(), Light::Plain)?;
    mirror.reset(options.seed);
    let options = Options { pace: Pace::Lockstep, episodes: Some(1), ..options };
    let stage = Stage::start(options, topics, 1_000_000)?;
    let mut gate = stage.speak::<Command>("/command")?;
    let (mut said, mut over) = (Vec::new(), false);
    while !over {
        let sample = stage.next()?;
        match sample.topic.type_name.as_str() {
            JointState::TYPE => {
                let state: JointState = typed::read(&sample)?;
                let told = mirror.expert();
                mirror.step(&told);
                gate.send(&command(&state.header, &state.name, told.to_vec()))?;
            }
            Judgement::TYPE => over = typed::read::<Judgement>(&sample)?.over,
            _ => {}
        }
        said.push((sample.topic.name.clone(), sample.cdr));
    }
    stage.end()?;
    Ok(said)
}

#[test]
fn lockstep_and_fast_say_the_same_to_the_byte() -> anyhow::Result<()> {
    let mut options = Options { seed: 5, ..options("fork", Pace::Fast, NUMBERS)? };
    let pictures = ("/front/image_raw", Image::TYPE);
    let mut topics = vec![JOINTS, RESULT, ("/post_pose", PoseStamped::TYPE)];
    match blind()? {
        Some(why) => skipped("lockstep_and_fast_say_the_same_to_the_byte, its pictures", why),
        None => {
            topics.push(pictures);
            options.cameras = Some(vec!["front".to_owned()]);
        }
    }
    let (fast, lockstep) = (said_in_fast(options.clone(), &topics)?, said_in_lockstep(options, &topics)?);
    assert!(fast.len() > 200, "{} messages are no attempt", fast.len());
    assert_eq!(fast.len(), lockstep.len());
    for (at, (one, other)) in fast.iter().zip(&lockstep).enumerate() {
        assert!(one == other, "message {at}, of {}, is not the same in both", one.0);
    }
    Ok(())
}

#[test]
fn in_lockstep_a_bad_command_holds_and_one_of_another_tick_does_not_count() -> anyhow::Result<()> {
    let stage = Stage::start(options("reach", Pace::Lockstep, NUMBERS)?, &[JOINTS], 10_000)?;
    let mut gate = stage.speak::<Command>("/command")?;
    let first: JointState = stage.next_of()?;
    let mut early = first.header.clone();
    early.stamp.sec -= 1;
    gate.send(&command(&early, &first.name, vec![9.0; 7]))?;
    assert!(
        stage.heard.wait(Instant::now() + Duration::from_millis(50)).is_none(),
        "it goes on without a command"
    );
    gate.send(&command(&first.header, &first.name, vec![f64::NAN; 7]))?;
    let second: JointState = stage.next_of()?;
    assert_ne!(first.header.stamp, second.header.stamp);
    assert!((first.position[0] - second.position[0]).abs() < 0.01);
    // Nobody answers: it is said again, to the letter, and time stands.
    let again: JointState = stage.next_of()?;
    assert_eq!(second, again);
    stage.end()?;
    Ok(())
}

#[test]
fn two_worlds_of_one_process_both_see() -> anyhow::Result<()> {
    if let Some(why) = blind()? {
        skipped("two_worlds_of_one_process_both_see", why);
        return Ok(());
    }
    let look = || -> anyhow::Result<Vec<Vec<u8>>> {
        let tick = Duration::from_millis(10);
        let mut worlds =
            [Simulation::open("reach", tick, Light::Plain)?, Simulation::open("fork", tick, Light::Plain)?];
        let mut seen = Vec::new();
        for _again in 0..2 {
            for world in &mut worlds {
                for size in [[96, 96], [64, 48]] {
                    seen.push(world.picture("front", size)?.rgb);
                }
            }
        }
        Ok(seen)
    };
    let other = std::thread::spawn(look);
    let (mine, theirs) = (look()?, other.join().expect("it does not panic")?);
    assert_eq!(mine, theirs, "two threads see the same");
    assert_eq!(mine[..4], mine[4..], "looking changes nothing");
    assert_ne!(mine[0], mine[2], "two worlds look different");
    for picture in &mine {
        let (least, most) = (picture.iter().min(), picture.iter().max());
        assert!(most > least, "a picture of one colour is of nothing");
    }
    Ok(())
}
