//! Policies whose chunks are to meet a plan: promises robot by robot, guidance handed over, and the best of many samples.
//!
//! An evaluation thinks of fifty robots at once, a robot of itself alone; what the fifty are told must not get mixed up, and what a
//! policy cannot do must be said before anything moves.
#![cfg(feature = "learn")]

#[path = "support/policies.rs"]
mod support;

use std::num::NonZeroU32;
use std::sync::Arc;

use apprentice::arm::Chunk;
use apprentice::control::Join;
use apprentice::control::bid::{self, Weighing};
use apprentice::control::gate::By;
use apprentice::control::join::{Bid, Continue};
use apprentice::data::Observation;
use apprentice::noise::Noise;
use apprentice::policy::checkpoint::{self, Contents, Origin};
use apprentice::policy::head::Continuing;
use apprentice::policy::{Ensemble, Error, Policy, Promised, Question, Spec, Thinker};
use apprentice::time::Stamp;
use support::*;

const PREFIXES: &str =
    "{history: 1, chunk: 8, width: 16, head: {flow: {network: {perceptron: {}}, prefixes: true}}}";
const UNGUIDED: &str =
    "{history: 1, chunk: 8, width: 16, head: {flow: {network: {perceptron: {}}, guidance: 0.0}}}";

fn plain(text: &str) -> Spec {
    spec(text, layout(false, false))
}

fn seen(spec: &Spec, ticks: i64) -> Vec<Observation> {
    let mut noise = Noise::new(5);
    (0..ticks).map(|tick| observation(&spec.layout, tick, &mut noise)).collect()
}

/// A plan of six actions in which the elbow stands at `elbow`, begun where the observation was made.
fn plan(policy: &Policy, at: Stamp, elbow: f64) -> Chunk {
    let names: Arc<[String]> = policy.spec().layout.actions.as_slice().into();
    Chunk::new(at, at, policy.period(), names, [elbow, 0.02].repeat(6)).expect("numbers, in rows")
}

fn bidding(samples: u32, weak: Option<std::path::PathBuf>) -> Join {
    let samples = NonZeroU32::new(samples).expect("some");
    Join::Bid(Bid { after: None, samples, decay: 0.5, weak })
}

fn continuing(guidance: Option<f64>) -> Join {
    Join::Continue(Continue { after: None, guidance })
}

#[test]
fn every_robot_keeps_its_own_promise_in_the_order_in_which_they_are_asked_about() -> Result<(), Error> {
    let spec = plain(PREFIXES);
    let policy = made(&spec, 1);
    let observations = seen(&spec, 5);
    let stamps: Vec<Stamp> = observations.iter().map(|one| one.stamp).collect();
    let plans: Vec<Chunk> = stamps
        .iter()
        .zip([-0.1, -0.2, -0.3, -0.4, -0.5])
        .map(|(at, elbow)| plan(&policy, *at, elbow))
        .collect();
    // Nothing is promised to the second; the others are to keep two, three, none and two actions.
    let steps = [Some(2), None, Some(3), Some(0), Some(2)];
    let robots: Vec<Question<'_>> = (0..5)
        .map(|robot| {
            let until = |steps: u32| stamps[robot] + policy.period() * steps;
            let promised = |steps| Promised { chunk: &plans[robot], until: until(steps), guidance: None };
            Question { seen: &observations[robot..=robot], promised: steps[robot].map(promised) }
        })
        .collect();
    let chunks = policy.act_all(&robots, &mut Noise::new(2))?;
    assert_eq!(chunks, policy.act_all(&robots, &mut Noise::new(2))?, "a seed repeats");
    for ((chunk, steps), (robot, plan)) in chunks.iter().zip(steps).zip(robots.iter().zip(&plans)) {
        assert_eq!(chunk.observed(), robot.seen[0].stamp, "they come in order");
        let kept = steps.unwrap_or(0) as usize;
        let off = |number: usize| (chunk.values()[number] - plan.values()[number]).abs();
        assert!((0..2 * kept).all(|number| off(number) < 1e-5), "{chunk:?} for {plan:?}");
        assert!(off(2 * kept) > 1e-5, "what is not promised is its own");
    }
    Ok(())
}

#[test]
fn a_policy_that_cannot_go_on_is_refused_before_anything_moves() -> Result<(), Error> {
    let refused = |text: &str, guidance| {
        let ensemble = Ensemble::new(made(&plain(text), 1), Vec::new());
        Thinker::new(&ensemble, &continuing(guidance)).map(|_| ()).map_err(|error| error.to_string())
    };
    let words = refused("{history: 1, chunk: 8, width: 16, head: {mse: {}}}", None).expect_err("it cannot");
    assert!(words.contains("control.join.continue") && words.contains("not trained on prefixes"), "{words}");
    assert!(refused(UNGUIDED, None).expect_err("nor this").contains("\"guidance\" is 0"));
    assert_eq!(refused(UNGUIDED, Some(5.0)), Ok(()), "it can be guided if told to");
    assert_eq!(refused(PREFIXES, Some(0.0)), Ok(()), "it needs no guidance");
    let guided = UNGUIDED.replace("guidance: 0.0", "guidance: 3.0");
    assert!(refused(&guided, Some(0.0)).is_err(), "what is said of joining counts");
    Ok(())
}

#[test]
fn guidance_of_the_join_takes_the_place_of_the_heads() -> Result<(), Error> {
    let (spec, weak) = (plain(UNGUIDED), plain(&UNGUIDED.replace("guidance: 0.0", "guidance: 2.0")));
    let [unguided, guided] = [&spec, &weak].map(|spec| Ensemble::new(made(spec, 1), Vec::new()));
    let observations = seen(&spec, 1);
    let plan = plan(&made(&spec, 1), observations[0].stamp, -1.2);
    let promised = Promised { chunk: &plan, until: observations[0].stamp, guidance: None };
    let question = Question { seen: &observations, promised: Some(promised) };
    let acted = |policy, join: &Join| Thinker::new(policy, join)?.act(question, &mut Noise::new(2));
    let by_head = acted(&guided, &continuing(None))?;
    assert_eq!(by_head, acted(&unguided, &continuing(Some(2.0)))?);
    assert_ne!(by_head, acted(&unguided, &continuing(Some(8.0)))?);
    // Receding horizon tells the policy of no promise.
    assert_eq!(acted(&guided, &Join::default())?, unguided.act(&observations, None, &mut Noise::new(2))?);
    assert_eq!(unguided.members().next().map(|one| one.continuing(None) == Continuing::Yes), Some(false));
    Ok(())
}

#[test]
fn of_many_samples_the_best_is_taken_for_every_robot() -> Result<(), Error> {
    let spec = plain(UNGUIDED);
    let policy = Ensemble::new(made(&spec, 1), vec![made(&spec, 2)]);
    let observations = seen(&spec, 3);
    let one = made(&spec, 1);
    let plans: Vec<Chunk> = observations
        .iter()
        .zip([-1.0, -0.5, 0.2])
        .map(|(seen, elbow)| plan(&one, seen.stamp, elbow))
        .collect();
    let robots: Vec<Question<'_>> = observations
        .chunks(1)
        .zip(&plans)
        .map(|(seen, chunk)| Question {
            seen,
            promised: Some(Promised { chunk, until: chunk.first(), guidance: None }),
        })
        .collect();
    let chosen = Thinker::new(&policy, &bidding(5, None))?.act_all(&robots, &mut Noise::new(3))?;
    let samples = policy.sample_all(&robots, 5, &mut Noise::new(3))?;
    assert_eq!(samples.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 5], "of two members together");
    let ones = policy.ones();
    for ((samples, chosen), (robot, plan)) in samples.iter().zip(&chosen).zip(robots.iter().zip(&plans)) {
        assert!(samples.iter().all(|sample| sample.observed() == robot.seen[0].stamp));
        assert!(samples[1..].iter().all(|other| *other != samples[0]), "each is drawn by itself");
        let best = bid::best(samples, &[], Some(plan), Weighing { decay: 0.5, ones: &ones });
        assert_eq!(*chosen, samples[best]);
    }
    Ok(())
}

#[test]
fn the_doubt_of_each_robot_is_that_of_what_its_join_has_it_do() -> Result<(), Error> {
    let spec = plain(UNGUIDED);
    let policy = Ensemble::new(made(&spec, 1), vec![made(&spec, 2)]);
    let observations = seen(&spec, 3);
    let plan = plan(&made(&spec, 1), observations[0].stamp, -1.2);
    let promised = Promised { chunk: &plan, until: observations[0].stamp, guidance: None };
    let robots: Vec<Question<'_>> =
        observations.chunks(1).map(|seen| Question { seen, promised: Some(promised) }).collect();
    let mut all = Vec::new();
    for join in [Join::default(), continuing(Some(8.0)), bidding(5, None)] {
        let thinker = Thinker::new(&policy, &join)?;
        let decided = thinker.decide_all(&robots, By::Loss, &mut Noise::new(3))?;
        let chunks: Vec<Chunk> = decided.iter().map(|decided| decided.chunk.clone()).collect();
        assert_eq!(chunks, thinker.act_all(&robots, &mut Noise::new(3))?, "{join:?}");
        all.push(decided[0].doubt);
    }
    assert!(all[0] != all[1] && all[0] != all[2], "of other chunks other doubts: {all:?}");
    let refused =
        Thinker::new(&policy, &bidding(5, None))?.decide_all(&robots, By::Ensemble, &mut Noise::new(3));
    assert!(matches!(refused, Err(Error::Doubt { .. })), "the best of many samples is nobody's opinion");
    Ok(())
}

#[test]
fn a_worse_policy_is_loaded_and_held_to_the_robot() -> Result<(), Error> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let save = |name: &str, spec: &Spec, seed| {
        let (path, policy) = (folder.path().join(name), made(spec, seed));
        let (members, origin) = ([policy.weights().named()], Origin::default());
        let statistics = policy.statistics();
        let contents =
            Contents { spec, statistics, settings: "", members: &members, landmarks: None, origin: &origin };
        checkpoint::save(&path, &contents).map(|()| path)
    };
    let spec = plain(UNGUIDED);
    let policy = Ensemble::new(made(&spec, 1), Vec::new());
    let observations = seen(&spec, 1);
    let question = Question { seen: &observations, promised: None };
    let with_it = Thinker::new(&policy, &bidding(8, Some(save("weak", &spec, 2)?)))?;
    let chosen = with_it.act(question, &mut Noise::new(3))?;
    assert_eq!(chosen, with_it.act(question, &mut Noise::new(3))?);
    let samples = policy.sample_all(&[question], 8, &mut Noise::new(3))?;
    assert!(samples[0].contains(&chosen), "only the better one's chunks are carried out");
    let other = spec_of_another_robot();
    let error =
        Thinker::new(&policy, &bidding(8, Some(save("other", &other, 2)?))).expect_err("another robot's");
    assert!(matches!(error, Error::OtherRobot { .. }), "{error}");
    let gone = bidding(8, Some(folder.path().join("gone")));
    assert!(matches!(Thinker::new(&policy, &gone), Err(Error::NoCheckpoint { .. })));
    Ok(())
}

fn spec_of_another_robot() -> Spec {
    let layout = layout(false, false);
    spec(UNGUIDED, apprentice::data::Layout { rate_hz: 10.0, ..layout })
}
