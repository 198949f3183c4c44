//! Doubt: larger where nothing was learned, the same for the same, refused where it cannot be measured; and its calibration as a file.
//!
//! Whether doubt is good for anything only attempts can tell. What must hold for any policy is held here on networks that learned
//! nothing, which take milliseconds.
#![cfg(feature = "learn")]

#[path = "support/policies.rs"]
mod support;

use std::error::Error as _;
use std::path::Path;

use apprentice::control::gate::By;
use apprentice::control::{self, Join};
use apprentice::data::{Gathered, Observation};
use apprentice::noise::Noise;
use apprentice::policy::checkpoint::{self, Calibration, Checkpoint, Contents, Origin};
use apprentice::policy::{Decided, Ensemble, Error, Landmarks, Policy, Question, Spec, Thinker};
use support::*;
use tch::Device;

const MSE: &str = "{history: 2, chunk: 4, width: 16, head: {mse: {width: 16}}}";
const FLOW: &str = "{history: 2, chunk: 4, width: 16, head: {flow: {network: {perceptron: {}}}}}";

fn seen(spec: &Spec, seed: u64) -> Vec<Observation> {
    let mut noise = Noise::new(seed);
    (0..2).map(|tick| observation(&spec.layout, tick, &mut noise)).collect()
}

fn asked(robots: &[Vec<Observation>]) -> Vec<Question<'_>> {
    robots.iter().map(|seen| Question { seen, promised: None }).collect()
}

fn decided(policy: &Ensemble, by: By, robots: &[Vec<Observation>]) -> Result<Vec<Decided>, Error> {
    Thinker::new(policy, &Join::default())?.decide_all(&asked(robots), by, &mut Noise::new(3))
}

fn doubts(policy: &Ensemble, by: By, robots: &[Vec<Observation>]) -> Result<Vec<f32>, Error> {
    let decided = decided(policy, by, robots)?;
    Ok(decided.into_iter().map(|decided| decided.doubt).collect())
}

#[test]
fn members_that_are_one_agree_and_others_do_not() -> Result<(), Error> {
    for text in [MSE, FLOW] {
        let spec = spec(text, layout(false, false));
        let of = |seeds: [u64; 3]| {
            let mut members: Vec<Policy> = seeds.map(|seed| made(&spec, seed)).into();
            Ensemble::new(members.remove(0), members)
        };
        let robots = [seen(&spec, 1), seen(&spec, 2)];
        let agreed = doubts(&of([1, 1, 1]), By::Ensemble, &robots)?;
        assert!(agreed.iter().all(|doubt| *doubt < 1e-9), "the same chance, the same chunk: {agreed:?}");
        let apart = doubts(&of([1, 2, 3]), By::Ensemble, &robots)?;
        assert!(apart.iter().all(|doubt| *doubt > 0.0 && doubt.is_finite()), "{apart:?}");
    }
    Ok(())
}

#[test]
fn a_loss_is_of_what_was_seen_and_decided_alone() -> Result<(), Error> {
    let spec = spec(FLOW, layout(false, false));
    let policy = Ensemble::new(made(&spec, 1), vec![]);
    let (one, other) = (seen(&spec, 1), seen(&spec, 2));
    let alone = &decided(&policy, By::Loss, std::slice::from_ref(&one))?[0];
    let both = decided(&policy, By::Loss, &[one, other])?;
    assert!((alone.doubt - both[0].doubt).abs() < 1e-5 * alone.doubt, "{alone:?} {both:?}");
    assert!(alone.doubt > 0.0 && both[0].doubt != both[1].doubt);
    Ok(())
}

/// A policy that remembers `count` windows of a robot that is where it may be.
fn remembering(spec: &Spec, count: usize) -> Result<Ensemble, Error> {
    let policy = made(spec, 1);
    let windows = windows(spec, count, &mut Noise::new(7));
    let landmarks = Landmarks::of(&policy, &windows)?.expect("it sees no pictures");
    assert_eq!(landmarks.len(), count);
    Ok(Ensemble::new(policy, vec![]).with_landmarks(landmarks))
}

#[test]
fn what_was_learned_from_is_near_and_what_was_not_is_far() -> Result<(), Error> {
    let spec = spec(MSE, layout(false, true));
    let policy = remembering(&spec, 500)?;
    let robots: Vec<Vec<Observation>> = (0..50).map(|seed| seen(&spec, 100 + seed)).collect();
    let mut strange = robots.clone();
    for observation in strange.iter_mut().flatten() {
        // The cube lies where none ever lay.
        observation.state[0] += 0.5;
    }
    let (near, far) = (doubts(&policy, By::Distance, &robots)?, doubts(&policy, By::Distance, &strange)?);
    let most = near.iter().copied().fold(0.0, f32::max);
    assert!(far.iter().all(|far| *far > most), "{most}: {far:?}");
    Ok(())
}

#[test]
fn what_cannot_be_measured_is_refused_in_words() -> Result<(), Error> {
    let blind = spec(MSE, layout(false, false));
    let policy = Ensemble::new(made(&blind, 1), vec![]);
    let refused = |policy: &Ensemble, by| policy.doubts_by(by).expect_err("it cannot be").to_string();
    assert!(refused(&policy, Some(By::Ensemble)).contains("train.ensemble=3"));
    assert!(refused(&policy, Some(By::Loss)).contains("the head \"mse\" does not take noise away"));
    assert!(refused(&policy, None).contains("remembers nothing"));
    let pictures = spec(
        "{history: 2, chunk: 4, width: 16, encoder: {convnet: {}}, head: {mse: {}}}",
        layout(true, false),
    );
    let policy = Ensemble::new(made(&pictures, 1), vec![]);
    assert!(Landmarks::of(&made(&pictures, 1), &Gathered::default())?.is_none());
    assert!(refused(&policy, Some(By::Distance)).contains("this policy sees pictures"));
    let flow = Ensemble::new(made(&spec(FLOW, layout(false, false)), 1), vec![]);
    assert_eq!(flow.doubts_by(None)?, By::Loss);
    assert_eq!(remembering(&blind, 20)?.doubts_by(None)?, By::Distance);
    Ok(())
}

fn save(path: &Path, policy: &Ensemble, steps: u64) -> Result<(), Error> {
    let first = policy.members().next().expect("there is one");
    let (spec, statistics, landmarks) = (first.spec(), first.statistics(), policy.landmarks());
    let origin = Origin { seed: 1, steps, ..Origin::default() };
    let members = [first.weights().named()];
    let settings = "robot: {name: two}\n";
    checkpoint::save(
        path,
        &Contents { spec, statistics, settings, members: &members, landmarks, origin: &origin },
    )
}

fn opened(path: &Path) -> Result<Checkpoint, Error> {
    checkpoint::open(path, Device::Cpu)
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("a scratch folder")
}

#[test]
fn what_a_checkpoint_remembers_is_what_was_learned_from() -> Result<(), Error> {
    let folder = scratch();
    let path = folder.path().join("best");
    let spec = spec(MSE, layout(false, false));
    let policy = remembering(&spec, 60)?;
    save(&path, &policy, 10)?;
    let loaded = opened(&path)?.policy;
    let robots: Vec<Vec<Observation>> = (0..5).map(|seed| seen(&spec, seed)).collect();
    let (was, is) = (doubts(&policy, By::Distance, &robots)?, doubts(&loaded, By::Distance, &robots)?);
    assert!(was.iter().zip(&is).all(|(was, is)| (was - is).abs() < 1e-4 * was), "{was:?} {is:?}");
    Ok(())
}

fn control(doubt: &str) -> control::Config {
    serde_json::from_str(&format!("{{\"gate\": {{\"doubt\": {doubt}}}}}")).expect("it is a section")
}

#[test]
fn a_threshold_is_had_for_any_share_and_only_for_what_was_calibrated() -> Result<(), Error> {
    let folder = scratch();
    let path = folder.path().join("best");
    let spec = spec(FLOW, layout(false, false));
    let flow = || Ensemble::new(made(&spec, 1), vec![]);
    save(&path, &flow(), 10)?;
    let tenth = control("{\"false_alarms\": 0.1}");
    let refused = opened(&path)?.threshold(&tenth).expect_err("nobody calibrated it").to_string();
    assert!(refused.contains("apprentice calibrate --policy"), "{refused}");
    assert_eq!(opened(&path)?.threshold(&control::Config::default())?, None);
    let greatest: Vec<f32> = (1..=99).rev().map(|doubt| doubt as f32).chain([f32::INFINITY]).collect();
    let join = control::Config::default().join;
    let calibration = Calibration::new(&opened(&path)?.provenance, By::Loss, join.clone(), &greatest);
    calibration.save(&path)?;
    calibration.save(&path)?;
    let loaded = opened(&path)?;
    assert_eq!(loaded.calibration.as_ref(), Some(&calibration));
    let (by, threshold) = loaded.threshold(&tenth)?.expect("doubt is asked for");
    assert_eq!((by, threshold.doubt, threshold.episodes), (By::Loss, 91_f32.next_up(), 100));
    let half = loaded.threshold(&control("{\"false_alarms\": 0.5}"))?.expect("doubt is asked for").1;
    assert_eq!(half.doubt, 51_f32.next_up());
    let few =
        loaded.threshold(&control("{\"false_alarms\": 0.001}")).expect_err("a hundred do not vouch for it");
    assert!(few.source().is_some_and(|few| few.to_string().contains("it takes 999")), "{few:?}");
    let queue: control::Config = control::Config { join: control::Join::Queue, ..tenth };
    assert!(loaded.threshold(&queue).expect_err("another join").to_string().contains("Queue"));
    Ok(())
}

#[test]
fn a_calibration_of_another_policy_or_a_damaged_one_is_refused() -> Result<(), Error> {
    let folder = scratch();
    let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
    let spec = spec(FLOW, layout(false, false));
    let flow = Ensemble::new(made(&spec, 1), vec![]);
    save(&one, &flow, 10)?;
    save(&other, &flow, 20)?;
    let join = control::Config::default().join;
    Calibration::new(&opened(&one)?.provenance, By::Loss, join, &[1.0, 2.0]).save(&one)?;
    let file = |folder: &Path| folder.join("doubt.json");
    std::fs::copy(file(&one), file(&other)).expect("it is copied");
    assert!(opened(&other).expect_err("it is of the first").to_string().contains("another policy"));
    let text = std::fs::read_to_string(file(&one)).expect("it is there");
    std::fs::write(file(&one), text.replace("2.0", "3.0")).expect("it is written");
    assert!(opened(&one).expect_err("it was changed").to_string().contains("not what was written"));
    // A policy that takes the folder has no calibration.
    save(&one, &flow, 30)?;
    assert_eq!(opened(&one)?.calibration, None);
    Ok(())
}
