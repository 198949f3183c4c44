//! Noise for demonstrations: from a policy's errors on demonstrations it has not seen, through the command and its file, back
//! into demonstrations that still succeed.
//!
//! The policy is a least-squares fit that this test makes itself: what counts here is that its errors are found in recordings,
//! become a covariance, and that this covariance is what demonstrations are then disturbed with.
#![cfg(feature = "sim")]

mod support {
    pub(crate) mod cli;
}

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apprentice::arm::Dart;
use apprentice::bag::{self, Options};
use apprentice::config;
use apprentice::msg::own::Command;
use apprentice::msg::std::{Header, Time};
use apprentice::msg::Message;
use apprentice::noise::Noise;
use apprentice::sim::{JOINTS, Light, NAMES, Seen, Simulation, State};
use apprentice::time::Stamp;
use apprentice::wire::{Sample, Topic};
use nalgebra::{DMatrix, DVector};

const TICK: Duration = Duration::from_millis(20);

/// What the policy sees: the joints, the target, and a one.
fn seen(state: &State) -> Vec<f64> {
    let mut numbers = state.joints.to_vec();
    if let Some(Seen::Pose(pose)) = state.things.first().map(|thing| &thing.seen) {
        numbers.extend(pose.translation.vector.iter());
        numbers.extend(pose.rotation.coords.iter());
    }
    numbers.push(1.0);
    numbers
}

/// What the expert saw and meant in the episodes of `seeds`.
fn demonstrations(world: &mut Simulation, seeds: std::ops::Range<u64>) -> Vec<Vec<(Vec<f64>, [f64; JOINTS])>> {
    seeds
        .map(|seed| {
            world.reset(seed);
            let mut episode = Vec::new();
            while !world.over() {
                let meant = world.expert();
                episode.push((seen(world.state()), meant));
                world.step(&meant);
            }
            episode
        })
        .collect()
}

/// The least-squares policy: a matrix from what is seen to what is commanded.
fn fit(episodes: &[Vec<(Vec<f64>, [f64; JOINTS])>]) -> DMatrix<f64> {
    let rows: Vec<_> = episodes.iter().flatten().collect();
    let inputs = DMatrix::from_fn(rows.len(), rows[0].0.len(), |row, column| rows[row].0[column]);
    let wanted = DMatrix::from_fn(rows.len(), JOINTS, |row, joint| rows[row].1[joint]);
    let ridge = DMatrix::identity(inputs.ncols(), inputs.ncols()) * 1e-6;
    let normal = inputs.transpose() * &inputs + ridge;
    normal.cholesky().expect("a ridge makes it definite").solve(&(inputs.transpose() * wanted))
}

fn command(tick: usize, values: &[f64]) -> Command {
    let stamp = Time { sec: 0, nanosec: tick as u32 * 20_000_000 % 1_000_000_000 };
    let stamp = Time { sec: (tick / 50) as i32, ..stamp };
    let header = Header { stamp, frame_id: String::new() };
    let names = NAMES.map(str::to_owned).to_vec();
    Command { header, names, values: values.to_vec(), driver: 1, limited: false }
}

/// A recording of one episode: what the teacher meant and what the policy would have done.
fn record(folder: &Path, episode: &[(Vec<f64>, [f64; JOINTS])], policy: &DMatrix<f64>) -> Result<(), bag::Error> {
    let mut writer = bag::create(folder, &Options::default())?;
    let topics = ["/expert/command", "/policy/command"].map(|name| Arc::new(Topic::new(name, Command::TYPE)));
    for topic in &topics {
        writer.declare(topic, "", "")?;
    }
    for (tick, (seen, meant)) in episode.iter().enumerate() {
        let said = policy.transpose() * DVector::from_column_slice(seen);
        for (topic, values) in topics.iter().zip([&meant[..], said.as_slice()]) {
            let (topic, cdr) = (topic.clone(), command(tick, values).encode());
            let received = Stamp(tick as i64 * 20_000_000);
            writer.write(&Sample { topic, received, sent: None, publisher: None, sequence: None, cdr })?;
        }
    }
    writer.finish()
}

#[test]
fn the_noise_of_demonstrations_is_that_of_a_policys_errors() -> anyhow::Result<()> {
    let mut world = Simulation::open("reach", TICK, Light::Plain)?;
    let policy = fit(&demonstrations(&mut world, 0..40));
    let held_out = demonstrations(&mut world, 1000..1020);
    let scratch = tempfile::tempdir()?;
    let (folder, file) = (scratch.path().join("held_out"), scratch.path().join("dart.yaml"));
    for (number, episode) in held_out.iter().enumerate() {
        record(&folder.join(format!("episode_{number:04}")), episode, &policy)?;
    }
    let run = |more: &[&str]| {
        let words = ["dart", "fit", "--out"].into_iter();
        let paths: Vec<PathBuf> = vec![file.clone(), folder.clone()];
        let output = support::cli::command(words, paths).args(more).output().expect("the binary starts");
        assert!(output.status.success(), "{}", support::cli::text(&output.stderr));
        config::alone::<Dart>(&file)
    };

    // The file says what the policy was off by, computed here once more and otherwise.
    let found = run(&[])?;
    let off: Vec<DVector<f64>> = held_out
        .iter()
        .flatten()
        .map(|(seen, meant)| {
            policy.transpose() * DVector::from_column_slice(seen) - DVector::from_column_slice(meant)
        })
        .collect();
    let ticks = off.len() as f64;
    assert_eq!(found.joints, NAMES);
    for row in 0..JOINTS {
        for column in 0..JOINTS {
            let wanted = off.iter().map(|off| off[row] * off[column]).sum::<f64>() / ticks;
            assert!((found.covariance[row][column] - wanted).abs() < 1e-12, "{row} {column}");
        }
    }
    assert!(found.trace() > 1e-6, "a linear policy is off");

    // Scaled to an expected final error, demonstrations with it still succeed, and show what the noise did.
    let scaled = run(&["--final-error", "0.2"])?;
    let steps = off.len() / held_out.len();
    assert!((scaled.trace() * steps as f64 - 0.2).abs() < 1e-9);
    let (mut successes, mut errors) = (0, Vec::new());
    for seed in 0..50 {
        world.reset(seed);
        let mut injector = scaled.noise(&NAMES, Noise::of(seed, 9))?;
        while !world.over() {
            let meant = world.expert();
            let executed: [f64; JOINTS] = injector.executed(&meant).try_into().expect("as many as were meant");
            errors.push(executed.iter().zip(meant).map(|(executed, meant)| executed - meant).collect());
            world.step(&executed);
        }
        successes += u32::from(world.judge().success);
    }
    let injected = Dart::fit(scaled.joints.clone(), &errors)?;
    assert!((injected.trace() / scaled.trace() - 1.0).abs() < 0.1, "{} {}", injected.trace(), scaled.trace());
    println!("noise of {:.4} rad² a tick, {successes} of 50 disturbed demonstrations succeed", scaled.trace());
    assert!(successes >= 45, "{successes} of 50");
    Ok(())
}

#[test]
fn recordings_without_the_policys_commands_are_refused_in_words() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let (folder, file) = (scratch.path().join("episode_0000"), scratch.path().join("dart.yaml"));
    let mut writer = bag::create(&folder, &Options::default())?;
    let topic = Arc::new(Topic::new("/expert/command", Command::TYPE));
    writer.declare(&topic, "", "")?;
    let cdr = command(0, &[0.0; JOINTS]).encode();
    writer.write(&Sample { topic, received: Stamp(1), sent: None, publisher: None, sequence: None, cdr })?;
    writer.finish()?;
    let output = support::cli::apprentice(["dart", "fit", "--out"], [&file, &folder]);
    let said = support::cli::text(&output.stderr);
    assert!(!output.status.success() && said.contains("/policy/command"), "{said}");
    assert!(!file.exists());
    Ok(())
}
