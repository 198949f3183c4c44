//! From a demonstration to an attempt: the expert shows, bags are learned from, and what was learned acts.
//!
//! Each part has tests of its own; here they have to fit. Learning is short, so nothing is said of how good a policy gets, only that
//! the same one does the same, and that what it meets in an attempt is what the bag of such an attempt would have taught it.
#![cfg(all(feature = "learn", feature = "sim"))]

#[path = "support/collecting.rs"]
mod collecting;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;
#[path = "support/simulating.rs"]
mod simulating;
#[path = "support/training.rs"]
mod training;
#[path = "support/waves.rs"]
mod waves;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use apprentice::bus::typed;
use apprentice::config::Settings;
use apprentice::control::join::{Bid, Continue, Ensemble};
use apprentice::control::{self, Join};
use apprentice::data::{Config, Dataset, Observation, Subject};
use apprentice::msg::Message as _;
use apprentice::msg::std::Float64MultiArray;
use apprentice::nn::device::Device;
use apprentice::node::simulator::{Options, Pace};
use apprentice::policy::checkpoint;
use apprentice::sim::{Disturbance, JOINTS};
use apprentice::time::Stamp;
use apprentice::train::evaluate::{self, Attempt, Robot, evaluate};
use recording::Read;
use simulating::{COMMANDS, options};
use training::Setup;

/// The seed of the first demonstration; attempts begin at zero.
const SEED: u64 = 500;

/// The robot of the world `reach`, with `sets` on top of its file.
fn settings(sets: &[&str]) -> anyhow::Result<Settings> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/reach.yaml");
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    Ok(Settings::load(&[file], &sets)?)
}

/// Records so many demonstrations of the expert below `out`.
fn collect(settings: &Settings, episodes: u32, out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let reach = options("reach", Pace::Fast, Float64MultiArray::TYPE)?;
    collecting::collect(Options { seed: SEED, episodes: Some(episodes), ..reach }, settings, out)
}

/// Attempts with the best policy of the run in `folder`.
fn attempts(folder: &Path, settings: &Settings) -> anyhow::Result<Vec<Attempt>> {
    attempts_with(folder, settings, Join::default(), 0)
}

/// The same where chunks meet so, and thinking takes so many ticks.
fn attempts_with(folder: &Path, settings: &Settings, join: Join, delay: u32) -> anyhow::Result<Vec<Attempt>> {
    let checkpoint = checkpoint::open(folder, Device::Cpu)?;
    let control = control::Config { join, ..control::Config::default() };
    let options = evaluate::Options {
        world: "reach".to_owned(),
        episodes: 6,
        seed: 0,
        worlds: 3,
        control,
        delay,
        disturbance: Disturbance::default(),
        goal: None,
        beside: false,
        films: None,
    };
    let act = settings.act.as_ref().context("the arm is moved")?;
    Ok(evaluate(&checkpoint.policy, &settings.observe, act, &options, |_| {}, || false)?.attempts)
}

#[test]
fn a_policy_that_was_learned_from_bags_makes_the_same_attempts_again() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let settings = settings(&[
        "policy.head={mse: {width: 64}}",
        "policy.width=32",
        "train.steps=120",
        "train.threads=1",
    ])?;
    let bags = collect(&settings, 8, &out.path().join("bags"))?;
    let setup = Setup::with(settings.clone(), &bags, &out.path().join("cache"));
    let run = out.path().join("run");
    let outcome = setup.train(&run, false)?;
    let judgement = outcome.judgement.context("some demonstrations are held out")?;
    ensure!(judgement.errors.policy < judgement.errors.mean, "it learned nothing: {judgement:?}");
    let [once, again] = [attempts(&run, &settings)?, attempts(&run, &settings)?];
    ensure!(once.len() == 6 && once == again, "{once:?}\n{again:?}");
    ensure!(once.iter().all(|attempt| attempt.largest_step > 0.0 && attempt.gaps == 0), "{once:?}");
    Ok(())
}

#[test]
fn thinking_takes_its_time_in_every_attempt_alike() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let settings = settings(&[
        "policy.head={flow: {network: {perceptron: {width: 32}}, steps: 4}}",
        "policy={width: 32, chunk: 8}",
        "train.steps=60",
        "train.threads=1",
    ])?;
    let bags = collect(&settings, 6, &out.path().join("bags"))?;
    let run = out.path().join("run");
    Setup::with(settings.clone(), &bags, &out.path().join("cache")).train(&run, false)?;
    let joins = [
        Join::Queue,
        Join::default(),
        Join::Ensemble(Ensemble::default()),
        Join::Continue(Continue::default()),
        Join::Bid(Bid { samples: 4.try_into()?, ..Bid::default() }),
    ];
    let period = 1.0 / settings.observe.rate_hz;
    for join in joins {
        let with = |delay| attempts_with(&run, &settings, join.clone(), delay);
        let (at_once, later) = (with(0)?, with(3)?);
        ensure!(later == with(3)?, "{join:?}: the same attempts are others");
        ensure!(at_once.iter().all(|one| one.late == 0 && one.waited == 0.0), "{join:?}: {at_once:?}");
        // Only before the first chunk is there nothing to do; every other one is asked for in time, and comes late by three actions.
        let first = |one: &Attempt| (one.waited - 3.0 * period).abs() < 1e-9 && one.late > 0;
        ensure!(later.iter().all(first), "{join:?}: {later:?}");
        // Longer than a chunk lasts: the arm carries out eight actions, waits for twelve, and goes on.
        let longer = with(12)?;
        let paused = |one: &Attempt| {
            let share = one.waited / one.seconds;
            one.largest_step > 0.0
                && one.largest_seam == 0.0
                && one.late == 0
                && one.waited > 20.0 * period
                && share > 0.5
                && share < 0.8
        };
        ensure!(longer.iter().all(paused), "{join:?}: {longer:?}");
    }
    Ok(())
}

/// The commands that were carried out in a recorded attempt, and when it began.
fn commands(bag: &Path) -> anyhow::Result<(Stamp, Vec<[f64; JOINTS]>)> {
    let samples = Read::open(bag)?.samples(COMMANDS)?;
    let began = samples.first().context("it is moved")?.received;
    let told = samples.iter().map(|sample| {
        let told = typed::read::<Float64MultiArray>(sample)?.data;
        told.try_into().map_err(|told| anyhow::anyhow!("{told:?} are not for all joints"))
    });
    Ok((began, told.collect::<anyhow::Result<_>>()?))
}

/// What is known of an attempt in which the robot is told those commands.
fn known(robot: &mut Robot, seed: u64, commands: &[[f64; JOINTS]]) -> anyhow::Result<Vec<Observation>> {
    robot.reset(seed);
    let mut known = Vec::new();
    for command in commands {
        known.extend(robot.look()?);
        robot.step(command);
    }
    known.extend(robot.look()?);
    Ok(known)
}

#[test]
fn an_attempt_shows_a_policy_what_the_bag_of_it_teaches_to_the_byte() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let settings = settings(&[])?;
    let bags = collect(&settings, 5, &out.path().join("bags"))?;
    let act = settings.act.as_ref().context("the arm is moved")?;
    let subject = Subject { robot: &settings.robot, observe: &settings.observe, act };
    let dataset = Dataset::open(&bags, subject, &Config::default(), &out.path().join("cache"), &|_| {})?;
    ensure!(dataset.episodes.len() == bags.len(), "{}", dataset.episodes.len());
    let plain = Disturbance::default();
    let mut robot = Robot::open("reach", plain, &dataset.layout, &settings.observe, act, None)?;
    let mut compared = 0;
    for (number, bag) in bags.iter().enumerate() {
        let (began, commands) = commands(bag)?;
        let known = known(&mut robot, SEED + number as u64, &commands)?;
        let ticks = dataset.episodes[number].ticks;
        ensure!(ticks == known.len(), "{ticks} were imported, {} met", known.len());
        compared += ticks;
        let start = known[0].stamp;
        for (tick, met) in known.iter().enumerate() {
            let taught = dataset.observation(number, tick)?;
            ensure!(taught.stamp.since(began) == met.stamp.since(start), "tick {tick} is at another time");
            let bits = |row: &[f32]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            ensure!(bits(&taught.state) == bits(&met.state), "tick {tick}: {taught:?}\n{met:?}");
            ensure!(bits(&taught.past) == bits(&met.past), "tick {tick}: {taught:?}\n{met:?}");
        }
    }
    ensure!(compared > 50, "{compared} observations are too few to say anything");
    Ok(())
}
