//! A policy from observations to chunks: units, refusals, promises, and that it acts on what it learned from.
//!
//! What is trained and what acts go through one function, and these tests hold the two ends of it against each other: a chunk that
//! was acted out is, to the loss, a demonstration without any error.
#![cfg(feature = "learn")]

#[path = "support/policies.rs"]
mod support;

use std::sync::Arc;

use apprentice::arm::Chunk;
use apprentice::data::batch::Batch;
use apprentice::data::{Gathered, Observation};
use apprentice::noise::Noise;
use apprentice::policy::head::{self, Continuing};
use apprentice::policy::{Ensemble, Error, Promised};
use apprentice::time::Stamp;
use support::*;
use tch::{Device, Kind};

const MSE: &str = "{history: 2, chunk: 4, width: 16, encoder: {convnet: {}}, head: {mse: {}}}";

fn seen(spec: &apprentice::policy::Spec, count: i64) -> Vec<Observation> {
    let mut noise = Noise::new(5);
    (0..count).map(|tick| observation(&spec.layout, tick, &mut noise)).collect()
}

fn mean(loss: &head::Loss, batch: &Batch) -> f64 {
    loss.mean(&batch.weight).double_value(&[])
}

#[test]
fn what_it_does_is_what_it_would_learn_without_error() -> Result<(), Error> {
    let spec = spec(MSE, layout(true, true));
    let policy = made_of(&spec, 1, Kind::Double);
    let observations = seen(&spec, 2);
    let chunk = policy.act(&observations, None, &mut Noise::new(2))?;
    let mut window = Gathered::seen(&spec.layout, 2, &observations);
    window.shape.chunk = 4;
    window.actions = chunk.values().iter().map(|value| *value as f32).collect();
    window.real = vec![1.0; 4];
    let batch = Batch::of(&window, Device::Cpu);
    let off = mean(&policy.judge(&batch, &mut Noise::new(3))?, &batch);
    assert!(off < 1e-12, "the loss of its own chunk is {off}");
    window.actions[0] += 0.5;
    let batch = Batch::of(&window, Device::Cpu);
    assert!(
        mean(&policy.judge(&batch, &mut Noise::new(3))?, &batch) > 1e-3,
        "and that of another is not zero"
    );
    Ok(())
}

#[test]
fn a_chunk_begins_at_the_observation_in_the_robots_units() -> Result<(), Error> {
    let spec = spec(MSE, layout(true, false));
    let observations = seen(&spec, 3);
    let chunk = made(&spec, 1).act(&observations, None, &mut Noise::new(2))?;
    assert_eq!((chunk.observed(), chunk.first(), chunk.steps()), (Stamp(80_000_000), Stamp(80_000_000), 4));
    assert_eq!((chunk.period().as_millis(), &chunk.names()[..]), (40, &spec.layout.actions[..]));
    // Untrained it says nearly nothing, which is the middle of each joint's range.
    for (_, row) in chunk.rows() {
        assert!((row[0] + 0.5).abs() < 1.0 && (row[1] - 0.02).abs() < 0.02, "{row:?}");
    }
    Ok(())
}

#[test]
fn a_joint_that_never_moved_in_the_data_stays_where_it_was() -> Result<(), Error> {
    let spec = spec("{history: 1, chunk: 4, width: 16, head: {flow: {}}}", layout(false, false));
    let mut statistics = statistics(&spec.layout);
    statistics.actions[1] = apprentice::data::Spread { least: 0.03, most: 0.03, ..Default::default() };
    let weights = apprentice::nn::Weights::new(Device::Cpu, Kind::Float, Noise::new(1));
    let policy = apprentice::policy::Policy::create(&spec, &statistics, weights)?;
    let chunk = policy.act(&seen(&spec, 1), None, &mut Noise::new(2))?;
    assert!(chunk.rows().all(|(_, row)| (row[1] - 0.03).abs() < 1e-6), "{chunk:?}");
    Ok(())
}

#[test]
fn every_head_acts_and_learns_with_its_defaults() -> Result<(), Error> {
    for entry in head::HEADS {
        let mut spec = spec("{history: 2, chunk: 8, width: 32, head: {mse: {}}}", layout(false, true));
        spec.policy.head = (entry.plain)();
        let policy = made(&spec, 1);
        let observations = seen(&spec, 2);
        let acted = |seed| policy.act(&observations, None, &mut Noise::new(seed));
        let chunk = acted(3)?;
        assert_eq!((chunk.steps(), &chunk), (8, &acted(3)?), "{}: a seed repeats", entry.name);
        let batch = batch(&spec, 3, 4);
        let loss = policy.loss(&batch, &mut Noise::new(5))?;
        assert_eq!(loss.each.size(), [3], "{}", entry.name);
        assert!(mean(&loss, &batch).is_finite(), "{}", entry.name);
    }
    Ok(())
}

#[test]
fn fewer_observations_than_it_sees_are_the_first_one_repeated() -> Result<(), Error> {
    for memory in ["stack", "{lstm: {layers: 1}}", "{transformer: {layers: 1, heads: 2}}"] {
        let text = format!("{{history: 3, chunk: 4, width: 16, memory: {memory}, head: {{mse: {{}}}}}}");
        let spec = spec(&text, layout(false, false));
        let policy = made(&spec, 1);
        let observations = seen(&spec, 2);
        let [first, newest] = &observations[..] else { panic!("two") };
        let acted = |seen: &[Observation]| policy.act(seen, None, &mut Noise::new(2));
        assert_eq!(acted(&observations)?, acted(&[first.clone(), first.clone(), newest.clone()])?);
        assert_ne!(
            acted(&observations)?,
            acted(&[newest.clone(), first.clone(), newest.clone()])?,
            "{memory}"
        );
    }
    Ok(())
}

#[test]
fn what_no_policy_may_act_on_is_refused_in_words() {
    let spec = spec(MSE, layout(true, true));
    let policy = made(&spec, 1);
    let refused = |spoil: &dyn Fn(&mut Observation)| {
        let mut observations = seen(&spec, 2);
        observations.iter_mut().for_each(spoil);
        policy.act(&observations, None, &mut Noise::new(2)).expect_err("spoiled").to_string()
    };
    let words = refused(&|seen| seen.state[3] = f32::NAN);
    assert!(words.ends_with("the state has NaN for joints/position/elbow"), "{words}");
    let words = refused(&|seen| seen.goal.clear());
    assert!(words.ends_with("the goal has 0 numbers where 3 are seen"), "{words}");
    assert!(refused(&|seen| seen.state.push(0.0)).contains("6 numbers where 5"));
    assert!(refused(&|seen| seen.frames.clear()).contains("0 pictures where 1"));
    let larger = |seen: &mut Observation| {
        let size = [32, 20];
        let frame = apprentice::data::Frame { size, channels: 3, sent: size, pixels: vec![0; 32 * 20 * 3] };
        seen.frames = vec![Arc::new(frame)];
    };
    let words = refused(&larger);
    assert!(words.contains("\"front\"") && words.contains("72×64×3 is seen"), "{words}");
    let none = policy.act(&[], None, &mut Noise::new(2)).expect_err("nothing was seen").to_string();
    assert!(none.contains("there is none yet"), "{none}");
}

#[test]
fn past_actions_are_seen_where_asked_for_and_blurred_in_training() -> Result<(), Error> {
    let losses = |dropout: f64, seed: u64| -> Result<[f64; 2], Error> {
        let text =
            format!("{{history: 2, chunk: 4, width: 16, past: {{dropout: {dropout}}}, head: {{mse: {{}}}}}}");
        let spec = spec(&text, layout(false, false));
        let policy = made(&spec, 1);
        let batch = Batch::of(&windows(&spec, 3, &mut Noise::new(2)), Device::Cpu);
        let learned = mean(&policy.loss(&batch, &mut Noise::new(seed))?, &batch);
        Ok([learned, mean(&policy.judge(&batch, &mut Noise::new(seed))?, &batch)])
    };
    let [learned, judged] = losses(0.0, 3)?;
    assert_eq!(learned, judged, "without dropout they are seen as they are");
    assert_ne!(losses(0.5, 3)?[0], judged, "with it they are blurred");
    assert_ne!(losses(0.5, 3)?[0], losses(0.5, 4)?[0], "anew with every batch");
    assert_eq!([losses(0.5, 3)?[1], losses(0.9, 4)?[1]], [judged; 2], "where it acts they are not");
    let spec = spec("{history: 2, chunk: 4, width: 16, past: {}, head: {mse: {}}}", layout(false, false));
    let policy = made(&spec, 1);
    let mut window = windows(&spec, 3, &mut Noise::new(2));
    let judged = |window: &Gathered| -> Result<f64, Error> {
        let batch = Batch::of(window, Device::Cpu);
        Ok(mean(&policy.judge(&batch, &mut Noise::new(3))?, &batch))
    };
    let before = judged(&window)?;
    window.past.iter_mut().for_each(|past| *past = -*past);
    assert_ne!(before, judged(&window)?, "what was done decides");
    let mut blank = seen(&spec, 2);
    blank[0].past.clear();
    assert!(policy.act(&blank, None, &mut Noise::new(1)).is_err(), "a policy that sees its past needs it");
    Ok(())
}

#[test]
fn weights_of_windows_count() -> Result<(), Error> {
    let spec = spec(MSE, layout(false, false));
    let policy = made(&spec, 1);
    let mut window = windows(&spec, 2, &mut Noise::new(2));
    let each = |window: &Gathered| -> Result<Vec<f64>, Error> {
        let loss = policy.judge(&Batch::of(window, Device::Cpu), &mut Noise::new(3))?;
        Ok(Vec::<f64>::try_from(loss.each.to_kind(Kind::Double)).expect("two numbers"))
    };
    let losses = each(&window)?;
    window.weight = vec![3.0, 1.0];
    let batch = Batch::of(&window, Device::Cpu);
    let weighted = mean(&policy.judge(&batch, &mut Noise::new(3))?, &batch);
    assert!((weighted - (3.0 * losses[0] + losses[1]) / 4.0).abs() < 1e-6);
    Ok(())
}

#[test]
fn what_is_promised_is_kept_whatever_the_order_of_its_joints() -> Result<(), Error> {
    let text = "{history: 1, chunk: 8, width: 16, head: {flow: {prefixes: true}}}";
    let spec = spec(text, layout(false, false));
    let policy = made(&spec, 1);
    assert_eq!(policy.continuing(None), Continuing::Yes);
    let observations = seen(&spec, 1);
    let names: Arc<[String]> = ["gripper", "elbow"].map(str::to_owned).to_vec().into();
    // Observed two ticks earlier, so its third action is due where the new chunk begins.
    let values: Vec<f64> =
        (0..6).flat_map(|step| [0.005 * f64::from(step), -0.1 * f64::from(step)]).collect();
    let old = Stamp(observations[0].stamp.0 - 80_000_000);
    let plan = Chunk::new(old, old, policy.period(), names, values)?;
    let promised =
        Promised { chunk: &plan, until: observations[0].stamp + 2 * policy.period(), guidance: None };
    let chunk = policy.act(&observations, Some(promised), &mut Noise::new(2))?;
    for (step, (_, row)) in chunk.rows().take(2).enumerate() {
        let wanted = [-0.1 * (step + 2) as f64, 0.005 * (step + 2) as f64];
        assert!(
            (row[0] - wanted[0]).abs() < 1e-5 && (row[1] - wanted[1]).abs() < 1e-5,
            "{row:?} for {wanted:?}"
        );
    }
    let strange: Arc<[String]> = ["wrist", "elbow"].map(str::to_owned).to_vec().into();
    let plan = Chunk::new(old, old, policy.period(), strange, vec![0.0; 8])?;
    let promised = Promised { chunk: &plan, ..promised };
    let words =
        policy.act(&observations, Some(promised), &mut Noise::new(2)).expect_err("other joints").to_string();
    assert!(words.contains("says nothing of \"gripper\""), "{words}");
    Ok(())
}

#[test]
fn an_ensemble_acts_as_the_member_nearest_to_all() -> Result<(), Error> {
    let spec = spec("{history: 1, chunk: 4, width: 16, head: {mse: {}}}", layout(false, false));
    let ensemble = Ensemble::new(made(&spec, 1), vec![made(&spec, 2), made(&spec, 3)]);
    let observations = seen(&spec, 1);
    let each = ensemble.act_each(&observations, None, &mut Noise::new(4))?;
    let acted = ensemble.act(&observations, None, &mut Noise::new(4))?;
    let far = |chunk: &Chunk| -> f64 {
        let mean = |number: usize| each.iter().map(|chunk| chunk.values()[number]).sum::<f64>() / 3.0;
        let one = |number: usize| statistics(&spec.layout).actions[number % 2].deviation;
        let off = |(number, value): (usize, &f64)| ((value - mean(number)) / one(number)).powi(2);
        chunk.values().iter().enumerate().map(off).sum()
    };
    assert_eq!(ensemble.members().count(), 3);
    assert!(each.contains(&acted) && each.iter().all(|other| far(&acted) <= far(other)));
    Ok(())
}

#[test]
fn settings_that_fit_no_network_are_refused_where_they_are_read() {
    let refused = |text: &str| try_config(text).expect_err(text).to_string();
    for (text, wanted) in [
        ("{history: 0, head: {mse: {}}}", "\"history\" is 0"),
        ("{history: 1, memory: {lstm: {}}, head: {mse: {}}}", "at least 2 where there is a memory"),
        ("{memory: {transformer: {heads: 7}}, head: {mse: {}}}", "divides `width`"),
        ("{past: {dropout: 1.0}, head: {mse: {}}}", "from 0 to below 1"),
        ("{encoder: {resnet: {keypoints: 0}}, head: {mse: {}}}", "at least 1"),
        ("{normal: {clip: 0.5}, head: {mse: {}}}", "above 1"),
        ("{prefix: 3, head: {mse: {}}}", "`prefixes` is true"),
        (
            "{encoder: {resnet: {chanels: 8}}, head: {mse: {}}}",
            "policy.encoder.resnet.chanels: unknown field",
        ),
        ("{}", "missing field"),
    ] {
        assert!(refused(text).contains(wanted), "{text}: {}", refused(text));
    }
    let nothing = spec(
        "{encoder: blind, head: {mse: {}}}",
        apprentice::data::Layout { state: Vec::new(), ..layout(true, false) },
    );
    let statistics = apprentice::data::Statistics { state: Vec::new(), ..statistics(&nothing.layout) };
    let weights = apprentice::nn::Weights::new(Device::Cpu, Kind::Float, Noise::new(1));
    let error =
        apprentice::policy::Policy::create(&nothing, &statistics, weights).expect_err("blind").to_string();
    assert_eq!(error, "policy.encoder: nothing is left to see");
    let mut small = spec("{encoder: {resnet: {}}, head: {mse: {}}}", layout(true, false));
    small.layout.cameras[0].size = [64, 32];
    let weights = apprentice::nn::Weights::new(Device::Cpu, Kind::Float, Noise::new(1));
    let error = apprentice::policy::Policy::create(&small, &support::statistics(&small.layout), weights);
    let words = error.expect_err("one place is all a point can be at").to_string();
    assert!(words.contains("\"front\" 58×29 pixels are seen") && words.contains("fewer than 33"), "{words}");
}
