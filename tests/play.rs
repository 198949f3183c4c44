//! From aimless play to a policy that is told what to reach, as the README does it.
//!
//! How well it reaches is a matter of minutes of training and stands in the README; here it is held that each link of the chain is
//! there: the tool's pose in the bag, goals of the next moment in the windows, the target's pose as the goal in an attempt.
#![cfg(all(feature = "learn", feature = "sim"))]

#[path = "support/collecting.rs"]
mod collecting;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;
#[path = "support/simulating.rs"]
mod simulating;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use apprentice::config::Settings;
use apprentice::control;
use apprentice::control::gate::By;
use apprentice::data::{Dataset, Gathered, Rules, Shape, Subject, Windows};
use apprentice::msg::Message as _;
use apprentice::msg::std::Float64MultiArray;
use apprentice::nn::Weights;
use apprentice::node::simulator::{Options, Pace};
use apprentice::noise::Noise;
use apprentice::policy::{Ensemble, Policy, Spec};
use apprentice::sim::{Conduct, Disturbance};
use apprentice::train::doubts;
use apprentice::train::evaluate::{self, evaluate};
use simulating::options;
use tch::{Device, Kind};

/// The 0.8 s in which the recipe draws goals, on the robot's grid.
const WITHIN: usize = 20;

/// The recipe, with a network that is made in milliseconds.
fn settings() -> anyhow::Result<Settings> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/reach_goal.yaml");
    Ok(Settings::load(&[file], &["policy.head={mse: {}}".to_owned(), "policy.width=16".to_owned()])?)
}

/// Bags of play in the folder `out`.
fn play(settings: &Settings, out: &Path, episodes: u32) -> anyhow::Result<Vec<PathBuf>> {
    let reach = options("reach", Pace::Fast, Float64MultiArray::TYPE)?;
    let wanted = Options { conduct: Conduct::Playful, episodes: Some(episodes), ..reach };
    collecting::collect(wanted, settings, out)
}

#[test]
fn what_is_learned_from_play_is_told_the_target_as_its_goal() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let settings = settings()?;
    let bags = play(&settings, &scratch.path().join("play"), 2)?;
    let act = settings.act.as_ref().context("the arm is moved")?;
    let subject = Subject { robot: &settings.robot, observe: &settings.observe, act };
    let dataset = Dataset::open(&bags, subject, &settings.data, &scratch.path().join("cache"), &|_| {})?;
    let dataset = Arc::new(dataset);
    ensure!(dataset.summary().success == [0, 0, 2], "play succeeds at nothing: {:?}", dataset.summary());

    let policy = settings.policy.clone().context("the recipe says what is learned")?;
    let shape = Shape { history: policy.history.into(), chunk: policy.chunk.into() };
    let statistics = dataset.statistics(&[0, 1]);
    let windows = Windows::new(&dataset, &[0], shape, Rules::learning(&settings.data, &statistics))?;
    let (mut out, mut noise) = (Gathered::default(), Noise::new(1));
    let goal = |tick: usize| -> anyhow::Result<Vec<f32>> {
        let state = dataset.observation(0, tick)?.state;
        Ok(dataset.layout.goal.iter().map(|place| state[*place]).collect())
    };
    for window in (0..windows.len() - 1).step_by(7) {
        windows.gather(&[window as u32], &mut noise, &mut out)?;
        let ahead = (1..=WITHIN).take_while(|ahead| window + ahead < windows.len());
        let known = ahead.map(|ahead| goal(window + ahead)).collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(known.contains(&out.goal), "window {window}: {:?} is not of the next moment", out.goal);
    }

    let spec = Spec { layout: dataset.layout.clone(), policy, augment: settings.data.augment.clone() };
    let untaught = |seed| {
        let weights = Weights::new(Device::Cpu, Kind::Float, Noise::new(seed));
        Policy::create(&spec, &statistics, weights)
    };
    // Nobody said what was to be reached; one recording in two parts is one episode all the same.
    let two = Ensemble::new(untaught(1)?, vec![untaught(2)?]);
    let doubts = |episodes: &[usize]| {
        doubts::watch(&two, By::Ensemble, &control::Config::default(), &dataset, episodes, || {})
    };
    let greatest = doubts(&[0, 1, 0])?.greatest;
    ensure!(greatest.len() == 2 && greatest.iter().all(|doubt| doubt.is_finite()), "{greatest:?}");
    ensure!(greatest == doubts(&[0, 1])?.greatest, "{greatest:?}");

    let untaught = Ensemble::new(untaught(1)?, Vec::new());
    let attempt = |goal: Option<&str>| {
        let options = evaluate::Options {
            world: "reach".to_owned(),
            episodes: 2,
            seed: 1,
            worlds: 2,
            control: control::Config::default(),
            delay: 0,
            disturbance: Disturbance::default(),
            goal: goal.map(str::to_owned),
            beside: false,
            films: None,
        };
        evaluate(&untaught, &settings.observe, act, &options, |_| {}, || false)
    };
    let report = attempt(Some("target"))?;
    ensure!(report.attempts.iter().all(|attempt| attempt.gaps == 0), "{:?}", report.attempts);
    let error = attempt(Some("cube")).err().context("reach has no cube")?.to_string();
    ensure!(error.contains("\"cube\""), "{error}");
    ensure!(attempt(None).is_err(), "a policy with a goal is not asked without one");
    Ok(())
}
