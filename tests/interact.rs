//! Attempts that a policy and the expert share: who drives, what is recorded of it, and that it can be learned from.
//!
//! The policy has learned for a second from a few demonstrations, so it strays; nothing is said of how good it gets.
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
use apprentice::bus::Node;
use apprentice::config::Settings;
use apprentice::control::Limits;
use apprentice::control::gate::By;
use apprentice::data::{Config, Dataset, Driver, Interventions, Subject};
use apprentice::msg::Message as _;
use apprentice::msg::own::{Command, Intervention};
use apprentice::msg::std::Float64MultiArray;
use apprentice::nn::device::Device;
use apprentice::node::Stop;
use apprentice::node::simulator::{self, Options, Pace, Script};
use apprentice::policy::checkpoint::{self, Checkpoint};
use apprentice::sim::Disturbance;
use apprentice::train::doubts;
use apprentice::train::evaluate;
use apprentice::train::interact::{self, Shared, Tally, Who, interact};
use simulating::options;
use training::Setup;

/// How many attempts are shared.
const ATTEMPTS: u32 = 4;

/// The robot of the world `reach`, and a policy for it that has learned a little.
struct Lesson {
    out: tempfile::TempDir,
    settings: Settings,
    bags: Vec<PathBuf>,
}

impl Lesson {
    fn new() -> anyhow::Result<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/reach.yaml");
        let sets = ["policy.head={mse: {width: 64}}", "policy.width=32", "train.steps=60", "train.threads=1"];
        let settings = Settings::load(&[file], &sets.map(str::to_owned))?;
        let out = tempfile::tempdir()?;
        let wanted = Options { seed: 500, episodes: Some(8), ..world()? };
        let bags = collecting::collect(wanted, &settings, &out.path().join("bags"))?;
        Setup::with(settings.clone(), &bags, &out.path().join("cache"))
            .train(&out.path().join("run"), false)?;
        Ok(Self { out, settings, bags })
    }

    fn policy(&self) -> anyhow::Result<Checkpoint> {
        Ok(checkpoint::open(&self.out.path().join("run"), Device::Cpu)?)
    }

    fn limits(&self) -> anyhow::Result<Limits> {
        let limits = self.settings.control.limits.as_ref().context("the robot's file has limits")?;
        Ok(Limits::load(limits, self.settings.description()?.as_ref(), &self.settings.robot.joints)?)
    }

    fn shared(&self, who: Who, threshold: Option<f32>) -> anyhow::Result<Vec<Shared>> {
        let act = self.settings.act.as_ref().context("the arm is moved")?;
        let mut control = self.settings.control.clone();
        control.gate.doubt = Some(serde_json::from_str(r#"{"false_alarms": 0.1}"#)?);
        let options = interact::Options {
            world: "reach".to_owned(),
            episodes: ATTEMPTS,
            seed: 0,
            worlds: 3,
            control,
            limits: Some(self.limits()?),
            disturbance: Disturbance::default(),
            who,
            doubt: Some(By::Distance),
            threshold,
        };
        Ok(interact(&self.policy()?.policy, &self.settings.observe, act, &options, |_| {}, || false)?)
    }

    /// What is learned of recordings, by that rule.
    fn learned(&self, bags: &[PathBuf], interventions: Interventions) -> anyhow::Result<Dataset> {
        let act = self.settings.act.as_ref().context("the arm is moved")?;
        let subject = Subject { robot: &self.settings.robot, observe: &self.settings.observe, act };
        let config =
            Config { interventions, failures: apprentice::data::Failures::Keep, ..Config::default() };
        Ok(Dataset::open(bags, subject, &config, &self.out.path().join("cache"), &|_| {})?)
    }

    /// Records what was shared.
    fn retold(&self, shared: Vec<Shared>) -> anyhow::Result<Vec<PathBuf>> {
        let scripts =
            shared.into_iter().map(|Shared { seed, success, told, .. }| Script { seed, success, told });
        let wanted = Options { observe: self.settings.observe.clone(), ..world()? };
        let expected = self.settings.expected(&Node::new("recorder", "")?)?;
        let session = recording::session(&self.out.path().join("shared"));
        let mut bags = Vec::new();
        let keep = |one: &simulator::Collected| bags.push(one.path.clone());
        let config = recording::config();
        simulator::retell(&wanted, scripts.collect(), &expected, config, session, &Stop::default(), keep)?;
        Ok(bags)
    }
}

fn world() -> anyhow::Result<Options> {
    options("reach", Pace::Fast, Float64MultiArray::TYPE)
}

#[test]
fn whoever_drives_every_tick_says_so_and_the_bags_teach_what_they_say() -> anyhow::Result<()> {
    let lesson = Lesson::new()?;
    let shared = lesson.shared(Who::Coin(0.5), None)?;
    let again = lesson.shared(Who::Coin(0.5), None)?;
    // What is said of doubt is no number where nobody asks for it, and no number equals itself.
    let told = |shared: &[Shared]| -> Vec<_> {
        let told = shared.iter().flat_map(|one| &one.told);
        told.map(|told| (told.command, told.driver, told.limited)).collect()
    };
    ensure!(told(&shared) == told(&again), "the same seeds, the same attempts");
    ensure!(shared.len() == ATTEMPTS as usize, "{} attempts", shared.len());
    let tally = Tally::of(&shared);
    ensure!(tally.policy > 0 && tally.expert > 0 && tally.switches > 0, "{tally:?}");
    let step = |told: &[apprentice::sim::Told]| {
        let steps = told.windows(2).flat_map(|two| two[0].command.iter().zip(two[1].command));
        steps.map(|(from, to)| (to - from).abs()).fold(0.0, f64::max)
    };
    let largest = shared.iter().map(|one| step(&one.told)).fold(0.0, f64::max);
    ensure!(largest < 0.05, "a hand-over jumps by {largest} rad");

    let bags = lesson.retold(shared)?;
    let topics = |name: &str, type_name: &str| -> anyhow::Result<()> {
        let reader = apprentice::bag::open(&bags[0])?;
        let found = reader.topics().iter().find(|topic| topic.name == name);
        ensure!(found.is_some_and(|topic| topic.type_name == type_name), "{name}");
        Ok(())
    };
    topics("/expert/command", Command::TYPE)?;
    topics("/command", Command::TYPE)?;
    topics("/intervention", Intervention::TYPE)?;
    let corrections = lesson.learned(&bags, Interventions::Corrections)?;
    let all = lesson.learned(&bags, Interventions::All)?;
    let expert = lesson.learned(&bags, Interventions::Expert)?;
    let drove = |driver| corrections.summary().drivers.get(&driver).copied().unwrap_or(0) as f64;
    let share = drove(Driver::Human) / (drove(Driver::Human) + drove(Driver::Policy));
    let told = tally.expert as f64 / (tally.expert + tally.policy) as f64;
    ensure!((share - told).abs() < 0.03, "{share} of what was read, {told} of what was told");
    let (few, more) = (corrections.summary().learned, all.summary().learned);
    ensure!(0 < few && few < more && more <= expert.summary().learned, "{few}, {more}");
    // Where the policy drove, what it did is not what the expert says.
    let differs = (0..all.episodes.len()).any(|number| all.actions(number) != expert.actions(number));
    ensure!(differs, "the expert says something else than the policy did");
    Ok(())
}

#[test]
fn an_expert_takes_over_where_the_policy_strays_or_doubts_and_gives_back() -> anyhow::Result<()> {
    let lesson = Lesson::new()?;
    let alone = lesson.shared(Who::Doubt, Some(f32::MAX))?;
    ensure!(Tally::of(&alone).expert == 0, "nothing is too much: {:?}", Tally::of(&alone));
    let strays = Tally::of(&lesson.shared(Who::Stray(interact::Stray::default()), None)?);
    ensure!(strays.expert > 0 && strays.policy > 0, "{strays:?}");
    ensure!(strays.successes >= Tally::of(&alone).successes, "he makes it no worse: {strays:?}");
    let mut greatest: Vec<f32> = alone.iter().filter_map(|one| one.greatest).collect();
    ensure!(greatest.len() == ATTEMPTS as usize, "doubt is measured");
    greatest.sort_by(f32::total_cmp);
    let asks = lesson.shared(Who::Doubt, Some(greatest[0]))?;
    ensure!(Tally::of(&asks).expert > 0, "{:?}", Tally::of(&asks));
    let cause = asks.iter().flat_map(|one| &one.told).filter_map(|told| told.said.as_ref());
    ensure!(
        cause
            .clone()
            .any(|said| said.driver == Intervention::HUMAN && said.cause == Intervention::CAUSE_DOUBT),
        "it is said why"
    );
    let expert = lesson.shared(Who::Expert, None)?;
    let tally = Tally::of(&expert);
    ensure!((tally.policy, tally.hold, tally.successes) == (0, 0, ATTEMPTS.into()), "{tally:?}");
    Ok(())
}

#[test]
fn a_policy_is_judged_alone_though_its_doubt_would_ask() -> anyhow::Result<()> {
    let lesson = Lesson::new()?;
    let act = lesson.settings.act.as_ref().context("the arm is moved")?;
    let judged = |doubt: bool| -> anyhow::Result<Vec<evaluate::Attempt>> {
        let mut control = lesson.settings.control.clone();
        if doubt {
            control.gate.doubt = Some(serde_json::from_str(r#"{"false_alarms": 0.1}"#)?);
        }
        let options = evaluate::Options { control, ..alone() };
        let policy = lesson.policy()?.policy;
        Ok(evaluate::evaluate(&policy, &lesson.settings.observe, act, &options, |_| {}, || false)?.attempts)
    };
    let attempts = judged(true)?;
    ensure!(attempts == judged(false)?, "doubt holds nobody who is alone");
    ensure!(attempts.iter().all(|attempt| attempt.largest_step > 0.0), "{attempts:?}");
    // Whoever is in the middle of it when it is wished to stop is not judged.
    let asked = std::cell::Cell::new(0);
    let stops = || asked.replace(asked.get() + 1) == 3;
    let policy = lesson.policy()?.policy;
    let stopped = evaluate::evaluate(&policy, &lesson.settings.observe, act, &alone(), |_| {}, stops);
    ensure!(matches!(stopped, Err(evaluate::Error::Stopped)) && asked.get() == 4, "{stopped:?}");
    Ok(())
}

#[test]
fn a_bound_on_how_a_gripper_presses_holds_nobody_where_that_is_told() -> anyhow::Result<()> {
    let mut lesson = Lesson::new()?;
    let limits = lesson.settings.control.limits.as_mut().context("the robot's file has limits")?;
    limits.gripper = Some(serde_json::from_str(r#"{"joint": "gripper", "effort": 20.0}"#)?);
    let act = lesson.settings.act.as_ref().context("the arm is moved")?;
    let options = evaluate::Options { control: lesson.settings.control.clone(), ..alone() };
    let policy = lesson.policy()?.policy;
    let judged = evaluate::evaluate(&policy, &lesson.settings.observe, act, &options, |_| {}, || false)?;
    ensure!(judged.attempts.iter().all(|one| one.held.is_none() && one.largest_step > 0.0), "{judged:?}");
    let shared = lesson.shared(Who::Expert, None)?;
    ensure!(shared.iter().all(|one| one.success), "the expert is not held either");
    Ok(())
}

/// Two attempts of a policy alone.
fn alone() -> evaluate::Options {
    evaluate::Options {
        world: "reach".to_owned(),
        episodes: 2,
        seed: 0,
        worlds: 2,
        control: apprentice::control::Config::default(),
        delay: 0,
        disturbance: Disturbance::default(),
        goal: None,
        beside: false,
        films: None,
    }
}

#[test]
fn doubt_in_bags_is_the_doubt_of_the_attempts_they_are_of() -> anyhow::Result<()> {
    let lesson = Lesson::new()?;
    let shared = lesson.shared(Who::Expert, None)?;
    let seen: Vec<f32> = shared.iter().filter_map(|one| one.greatest).collect();
    let bags = lesson.retold(shared)?;
    let data = lesson.learned(&bags, Interventions::All)?;
    let episodes: Vec<usize> = (0..data.episodes.len()).collect();
    let policy = lesson.policy()?.policy;
    let found = doubts::watch(&policy, By::Distance, &lesson.settings.control, &data, &episodes, || {})?;
    for (seen, found) in seen.iter().zip(&found.greatest) {
        // The first observation of a bag is that of its second tick on the grid at the latest.
        ensure!((seen - found).abs() < 0.5 * seen, "{seen} in the attempt, {found} in its bag");
    }
    let learned = lesson.learned(&lesson.bags, Interventions::All)?;
    let all: Vec<usize> = (0..learned.episodes.len()).collect();
    let known = doubts::watch(&policy, By::Distance, &lesson.settings.control, &learned, &all, || {})?;
    let mean = |doubts: &[f32]| doubts.iter().sum::<f32>() / doubts.len() as f32;
    ensure!(mean(&known.greatest) < mean(&found.greatest), "what it learned from is nearer");
    Ok(())
}
