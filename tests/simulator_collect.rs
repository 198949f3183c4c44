//! Collections: the expert's demonstrations as bags, read back.
//!
//! A learner trusts what is in a bag without looking at the robot, so every promise about a demonstration is held here: its
//! borders, its counts, who did what, how it went, and that nothing is missing.
#![cfg(feature = "sim")]

#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;
#[path = "support/simulating.rs"]
mod simulating;
#[path = "support/skipped.rs"]
mod skipped;

use std::path::Path;
use std::time::Duration;

use apprentice::arm::Dart;
use apprentice::bus::{Node, typed};
use apprentice::msg::Message;
use apprentice::msg::geometry::PoseStamped;
use apprentice::msg::own::{Command, Judgement};
use apprentice::msg::sensor::{CompressedImage, Image, JointState};
use apprentice::msg::std::{Float64MultiArray, Time};
use apprentice::node::Stop;
use apprentice::node::recorder::{Config, Outcome, notes};
use apprentice::node::simulator::{self, Collected, Options, Pace};
use apprentice::sim::{Conduct, Disturbance};
use apprentice::spec::Source;
use apprentice::time::Stamp;
use recording::{Read, config, session};
use simulating::{COMMANDS, blind, options, settings};
use skipped::skipped;

const TICK: Duration = Duration::from_millis(10);

fn collect(options: &Options, config: Config, out: &Path) -> anyhow::Result<(Vec<Collected>, Outcome)> {
    let expected = settings(Float64MultiArray::TYPE)?.expected(&Node::new("recorder", "")?)?;
    let mut collected = Vec::new();
    let keep = |one: &Collected| collected.push(one.clone());
    let outcome = simulator::collect(options, &expected, config, session(out), &Stop::default(), keep)?;
    Ok((collected, outcome))
}

/// When the messages of a topic say they are of.
fn stamps<M: Message>(read: &mut Read, topic: &str, of: fn(&M) -> &Time) -> anyhow::Result<Vec<Stamp>> {
    let mut stamps = Vec::new();
    for sample in read.samples(topic)? {
        let Time { sec, nanosec } = of(&typed::read::<M>(&sample)?).clone();
        let stamp = Stamp::from_parts(sec, nanosec);
        assert_eq!(stamp, sample.received, "{topic}: received when the world says it was");
        stamps.push(stamp);
    }
    Ok(stamps)
}

/// `ticks` ticks from `first` on, one in `one_of`.
fn grid(first: Stamp, ticks: u64, one_of: u64) -> Vec<Stamp> {
    (0..=ticks).filter(|tick| tick.is_multiple_of(one_of)).map(|tick| first + TICK * tick as u32).collect()
}

#[test]
fn a_collected_attempt_is_all_there_and_says_how_it_went() -> anyhow::Result<()> {
    let test = "a_collected_attempt_is_all_there_and_says_how_it_went, its pictures";
    let sees = blind()?.map(|why| skipped(test, why)).is_none();
    let out = tempfile::tempdir()?;
    let wanted = Options {
        seed: 11,
        episodes: Some(3),
        cameras: (!sees).then(Vec::new),
        jpeg: sees,
        ..options("fork", Pace::Fast, Float64MultiArray::TYPE)?
    };
    let (collected, outcome) = collect(&wanted, config(), out.path())?;
    assert_eq!((collected.len(), outcome.kept.len(), outcome.failed), (3, 3, 0));
    for (number, Collected { attempt, path }) in collected.iter().enumerate() {
        assert_eq!(*path, recording::episode(out.path(), number as u32));
        assert_eq!((attempt.seed, attempt.success, outcome.kept[number].lost), (11 + number as u64, true, 0));
        let mut read = Read::open(path)?;
        assert_eq!(read.note(notes::SUCCESS)?, "true");
        assert_eq!(
            (read.note("apprentice.world")?, read.note("apprentice.seed")?),
            ("fork", &*attempt.seed.to_string())
        );
        assert_eq!(read.note(notes::ENDED)?, "asked");
        assert!(read.alarms()?.is_empty(), "{:?}", read.alarms()?);

        let ticks = (attempt.seconds / TICK.as_secs_f64()).round() as u64;
        let joints = stamps::<JointState>(&mut read, "/joint_states", |state| &state.header.stamp)?;
        let first = joints[0];
        assert_eq!(joints, grid(first, ticks, 1), "one for each tick, and one for how it came out");
        let commands = stamps::<Command>(&mut read, "/expert/command", |command| &command.header.stamp)?;
        assert_eq!(commands, grid(first, ticks - 1, 1));
        assert_eq!(
            stamps::<JointState>(&mut read, "/leader/joint_states", |state| &state.header.stamp)?,
            commands
        );
        assert_eq!(read.samples(COMMANDS)?.len(), commands.len());
        assert_eq!(read.samples("/post_pose")?.len(), joints.len());
        if sees {
            for camera in ["/front", "/wrist"] {
                let raw =
                    stamps::<Image>(&mut read, &format!("{camera}/image_raw"), |image| &image.header.stamp)?;
                assert_eq!(raw, grid(first, ticks, 4));
                let topic = format!("{camera}/image_raw/compressed");
                assert_eq!(stamps::<CompressedImage>(&mut read, &topic, |image| &image.header.stamp)?, raw);
            }
        }
        let results = read.samples("/simulator/result")?;
        let results: Vec<Judgement> = results.iter().map(typed::read).collect::<Result<_, _>>()?;
        assert!(results.iter().all(|result| result.seed == attempt.seed), "only of this attempt");
        let over: Vec<bool> = results.iter().map(|result| result.over).collect();
        assert_eq!(over.iter().position(|over| *over), Some(over.len() - 1), "over once, at the end");
        assert!(results.last().is_some_and(|result| result.success && result.seconds == attempt.seconds));
    }
    Ok(())
}

#[test]
fn an_expert_who_lingers_shows_how_to_stay_and_the_attempt_counts_as_it_ended() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let brief = options("reach", Pace::Fast, Float64MultiArray::TYPE)?;
    let (brief, _) = collect(&brief, config(), &out.path().join("brief"))?;
    let linger = Duration::from_millis(500);
    let long = Options { linger, ..options("reach", Pace::Fast, Float64MultiArray::TYPE)? };
    let (long, _) = collect(&long, config(), &out.path().join("long"))?;
    assert_eq!(brief[0].attempt, long[0].attempt);
    let last = |path: &Path| -> anyhow::Result<(usize, JointState, JointState)> {
        let states = Read::open(path)?.samples("/joint_states")?;
        let state = |back: usize| typed::read::<JointState>(&states[states.len() - back]);
        Ok((states.len(), state(1)?, state(5)?))
    };
    let ((few, ..), (many, end, before)) = (last(&brief[0].path)?, last(&long[0].path)?);
    assert_eq!(many - few, 50, "a hundred ticks a second");
    let moved = end.position.iter().zip(&before.position).map(|(end, before)| (end - before).abs());
    assert!(moved.fold(0.0, f64::max) < 0.02, "it stays");
    Ok(())
}

#[test]
fn an_attempt_that_failed_is_kept_and_says_so() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    // No command arrives within the attempt.
    let late = Disturbance { latency: 60.0, ..Disturbance::default() };
    let wanted = Options { disturbance: late, ..options("reach", Pace::Fast, Float64MultiArray::TYPE)? };
    let (collected, outcome) = collect(&wanted, config(), out.path())?;
    assert_eq!((collected.len(), outcome.kept.len()), (1, 1));
    assert!(!collected[0].attempt.success, "who is not heard reaches nothing");
    assert_eq!(Read::open(&collected[0].path)?.note(notes::SUCCESS)?, "false");
    Ok(())
}

#[test]
fn play_is_noted_as_play_and_neither_as_a_success_nor_as_a_failure() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let conduct = Conduct::Playful;
    let wanted =
        Options { conduct, episodes: Some(2), ..options("reach", Pace::Fast, Float64MultiArray::TYPE)? };
    let (collected, outcome) = collect(&wanted, config(), out.path())?;
    assert_eq!((collected.len(), outcome.kept.len(), outcome.failed), (2, 2, 0));
    for Collected { attempt, path } in &collected {
        assert!((9.9..20.1).contains(&attempt.seconds), "{} s", attempt.seconds);
        let mut read = Read::open(path)?;
        assert_eq!(read.note("apprentice.conduct")?, "play");
        assert!(read.note(notes::SUCCESS).is_err() && read.note("apprentice.score").is_err());
        let poses = stamps::<PoseStamped>(&mut read, "/tool_pose", |pose| &pose.header.stamp)?;
        let ticks = (attempt.seconds / TICK.as_secs_f64()).round() as u64;
        assert_eq!(poses, grid(poses[0], ticks, 1), "where the tool is, is told at every tick");
    }
    Ok(())
}

#[test]
fn the_world_waits_for_a_recorder_with_little_room_and_nothing_is_lost() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    // Room for some ten messages.
    let narrow = Config { queue_megabytes: 0, inbox_megabytes: 0, ..config() };
    let (collected, outcome) =
        collect(&options("reach", Pace::Fast, Float64MultiArray::TYPE)?, narrow, out.path())?;
    let ticks = (collected[0].attempt.seconds / TICK.as_secs_f64()).round() as usize;
    assert_eq!(Read::open(&collected[0].path)?.samples("/joint_states")?.len(), ticks + 1);
    assert_eq!(outcome.kept[0].lost, 0);
    Ok(())
}

#[test]
fn the_same_seeds_make_the_same_messages() -> anyhow::Result<()> {
    let wanted = Options { episodes: Some(2), ..options("fork", Pace::Fast, Float64MultiArray::TYPE)? };
    let mut runs = Vec::new();
    for _again in 0..2 {
        let out = tempfile::tempdir()?;
        let (collected, _) = collect(&wanted, config(), out.path())?;
        let mut all = Vec::new();
        for Collected { path, .. } in &collected {
            for sample in Read::open(path)?.bag.samples(&[]) {
                let sample = sample?;
                all.push((sample.topic.name.clone(), sample.received, sample.cdr));
            }
        }
        runs.push(all);
    }
    assert!(runs[0].len() > 1000 && runs[0] == runs[1]);
    Ok(())
}

/// What the expert meant and what was executed, tick by tick.
fn meant_and_done(read: &mut Read) -> anyhow::Result<Vec<(Vec<f64>, Vec<f64>)>> {
    let meant = read.samples("/expert/command")?;
    let done = read.samples(COMMANDS)?;
    assert_eq!(meant.len(), done.len());
    let both = meant.iter().zip(&done).map(|(meant, done)| {
        Ok((typed::read::<Command>(meant)?.values, typed::read::<Float64MultiArray>(done)?.data))
    });
    both.collect()
}

#[test]
fn with_noise_for_demonstrations_the_intention_stays_the_label() -> anyhow::Result<()> {
    let plain = options("reach", Pace::Fast, Float64MultiArray::TYPE)?;
    let covariance = vec![vec![4e-4, 0.0], vec![0.0, 1e-4]];
    let dart = Dart { joints: vec!["shoulder_pan".to_owned(), "elbow".to_owned()], covariance };
    let shaken = Options { dart: Some(dart), ..plain.clone() };
    let out = tempfile::tempdir()?;
    let (without, _) = collect(&plain, config(), &out.path().join("without"))?;
    let (with, _) = collect(&shaken, config(), &out.path().join("with"))?;
    assert!(with[0].attempt.success, "the expert corrects what the noise does");
    let both = meant_and_done(&mut Read::open(&without[0].path)?)?;
    assert!(both.iter().all(|(meant, done)| meant == done));
    let both = meant_and_done(&mut Read::open(&with[0].path)?)?;
    for joint in 0..both[0].0.len() {
        let square = |pair: &(Vec<f64>, Vec<f64>)| (pair.1[joint] - pair.0[joint]).powi(2);
        let deviation = (both.iter().map(square).sum::<f64>() / both.len() as f64).sqrt();
        let wanted = [0.02, 0.0, 0.01, 0.0, 0.0, 0.0, 0.0][joint];
        assert!((deviation - wanted).abs() <= 0.4 * wanted, "joint {joint}: {deviation}, not {wanted}");
    }
    Ok(())
}

#[test]
fn an_arm_that_was_dragged_is_its_own_demonstration() -> anyhow::Result<()> {
    let mut wanted = options("reach", Pace::Fast, Float64MultiArray::TYPE)?;
    wanted.teach = true;
    wanted.act.parts.values_mut().for_each(|part| part.from = Source::Next("joints".to_owned()));
    let out = tempfile::tempdir()?;
    let expected = settings(Float64MultiArray::TYPE)?.expected(&Node::new("recorder", "")?)?;
    let expected: Vec<_> = expected.into_iter().filter(|topic| topic.topic == "/joint_states").collect();
    let mut collected = Vec::new();
    let keep = |one: &Collected| collected.push(one.clone());
    let stop = Stop::default();
    simulator::collect(&wanted, &expected, config(), session(out.path()), &stop, keep)?;
    assert!(collected[0].attempt.success, "he dragged it there");
    let mut read = Read::open(&collected[0].path)?;
    assert!(read.samples("/expert/command").map_or(true, |commands| commands.is_empty()), "nobody commands");
    let states = read.samples("/joint_states")?;
    let states: Vec<JointState> = states.iter().map(typed::read).collect::<Result<_, _>>()?;
    let (first, last) = (&states[0].position, &states[states.len() - 1].position);
    assert!(first.iter().zip(last).any(|(first, last)| (first - last).abs() > 0.05), "{first:?} {last:?}");
    Ok(())
}
