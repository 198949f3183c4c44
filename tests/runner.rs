//! A runner drives a robot, a person takes over, and another policy takes the place of the first.
//!
//! All in lockstep, tick by tick, so that nothing depends on how fast the machine is.

#[path = "support/acting.rs"]
mod acting;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use acting::{Stage, button, mind, once, onwards, settings, wanted};
use anyhow::ensure;
use apprentice::bag;
use apprentice::bus::typed;
use apprentice::config::Settings;
use apprentice::data::{Config, Dataset, Interventions, Observation, Subject};
use apprentice::msg::lifecycle::{ChangeState, ChangeStateRequest, Transition};
use apprentice::msg::own::{Intervention, Load, LoadRequest};
use apprentice::node::runner::{Load as Loads, Mind, Pace, Think, Thought, Unthought};
use apprentice::wire::Sample;

/// A policy that leads on slowly.
fn leading() -> Loads {
    once(mind("leading", |seen| onwards(seen, 0.004)))
}

#[test]
fn nothing_leaves_for_the_robot_before_somebody_lets_it_and_then_every_tick_is_answered() -> anyhow::Result<()>
{
    let mut stage = Stage::start(&settings(&[])?, leading(), Pace::Lockstep)?;
    stage.steps(20)?;
    ensure!(
        stage.said.driver == Intervention::HOLD && stage.said.reason.contains("~/resume"),
        "{:?}",
        stage.said
    );
    ensure!(stage.obeyed == 0 && stage.command.values == stage.joints, "{:?}", stage.command);
    let before = stage.joints;
    stage.release()?;
    stage.steps(100)?;
    ensure!(stage.obeyed > 90 && stage.command.driver == Intervention::POLICY, "{}", stage.obeyed);
    ensure!(stage.joints[0] > before[0] + 0.03, "it moved from {before:?} to {:?}", stage.joints);
    let report = stage.end()?;
    ensure!(
        report.late == 0 && report.gaps == 0 && report.unthought == 0 && report.refused == 0,
        "{report:?}"
    );
    ensure!(report.now.reason.contains("operator"), "it was held at the end: {report:?}");
    Ok(())
}

#[test]
fn a_person_drives_in_the_tick_after_the_button_and_gives_back() -> anyhow::Result<()> {
    let mut stage = Stage::start(&settings(&[])?, leading(), Pace::Lockstep)?;
    let (mut expert, mut joy) = (stage.expert()?, stage.joy()?);
    joy.send(&button(false))?;
    stage.release()?;
    let mut held = |stage: &mut Stage, held: bool| -> anyhow::Result<()> {
        expert.send(&wanted([0.5, 0.0]))?;
        joy.send(&button(held))?;
        stage.step()
    };
    held(&mut stage, false)?;
    ensure!(stage.command.driver == Intervention::POLICY, "{:?}", stage.command);
    held(&mut stage, true)?;
    ensure!(stage.command.driver == Intervention::HUMAN, "{:?}", stage.command);
    for _ in 0..200 {
        held(&mut stage, true)?;
    }
    ensure!(
        stage.joints.iter().zip([0.5, 0.0]).all(|(is, wish)| (is - wish).abs() < 1e-6),
        "{:?}",
        stage.joints
    );
    held(&mut stage, false)?;
    ensure!(stage.command.driver == Intervention::POLICY, "{:?}", stage.command);
    stage.steps(100)?;
    ensure!(stage.joints[0] > 0.52, "the policy goes on from there: {:?}", stage.joints);
    stage.end()?;
    Ok(())
}

#[test]
fn a_policy_in_doubt_asks_for_a_person_and_goes_on_when_it_has_passed() -> anyhow::Result<()> {
    let doubts = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&doubts);
    let Mind { name, history, lasts, think: mut plain, .. } = mind("doubtful", |seen| onwards(seen, 0.004));
    let think: Think = Box::new(move |seen, promise| {
        let doubt = Some(if told.load(Relaxed) { 1.5 } else { 0.2 });
        Ok(Thought { doubt, ..plain(seen, promise)? })
    });
    let doubtful = Mind { name, history, lasts, threshold: Some(1.0), think };
    let gate = "gate: {human: {button: 1}";
    let asks = "gate: {doubt: {false_alarms: 0.1}, human: {button: 1}";
    let mut stage = Stage::start(&settings(&[(gate, asks)])?, once(doubtful), Pace::Lockstep)?;
    stage.release()?;
    stage.steps(20)?;
    doubts.store(true, Relaxed);
    // It says so with its next chunk, which is asked for after half of this one.
    stage.until(40, |said| said.driver == Intervention::HOLD)?;
    let Intervention { cause, doubt, threshold, .. } = stage.said;
    ensure!((cause, doubt, threshold) == (Intervention::CAUSE_DOUBT, 1.5, 1.0), "{:?}", stage.said);
    stage.steps(100)?;
    ensure!(stage.said.driver == Intervention::HOLD, "it doubts still: {:?}", stage.said);
    doubts.store(false, Relaxed);
    let ticks = stage.until(80, |said| said.driver == Intervention::POLICY)?;
    ensure!(ticks >= 50, "doubt has passed when it stayed low for half a second: {ticks} ticks");
    stage.end()?;
    Ok(())
}

#[test]
fn a_second_publisher_is_refused_and_never_mixed_in() -> anyhow::Result<()> {
    let mut stage = Stage::start(&settings(&[])?, leading(), Pace::Lockstep)?;
    let (mut first, mut second) = (stage.expert()?, stage.expert()?);
    let mut joy = stage.joy()?;
    for tick in 0..100 {
        first.send(&wanted([0.3, -0.2]))?;
        second.send(&wanted([0.4, -0.1]))?;
        joy.send(&button(tick > 5))?;
        stage.step()?;
    }
    ensure!(
        stage.command.driver == Intervention::HUMAN && stage.joints == [0.3, -0.2],
        "{:?}",
        stage.command
    );
    let report = stage.end()?;
    ensure!(report.seconds >= 99, "{report:?}");
    Ok(())
}

#[test]
fn whoever_asks_hears_what_came_of_it() -> anyhow::Result<()> {
    let mut stage = Stage::start(&settings(&[])?, leading(), Pace::Lockstep)?;
    stage.release()?;
    let asked = stage.ask("~/hold");
    while !asked.is_finished() {
        stage.step()?;
    }
    let (granted, words) = asked.join().expect("it does not panic")?;
    ensure!(granted && words.starts_with("held: the operator"), "{words}");
    let asked = stage.ask_to_take(true);
    while !asked.is_finished() {
        stage.step()?;
    }
    let (granted, words) = asked.join().expect("it does not panic")?;
    // Nobody commands on the expert's topic.
    ensure!(!granted && words.starts_with("held: the operator"), "{words}");
    stage.end()?;
    Ok(())
}

#[test]
fn a_life_that_is_deactivated_holds_the_robot_and_one_that_is_activated_lets_it_go_on() -> anyhow::Result<()>
{
    let mut stage = Stage::start(&settings(&[])?, leading(), Pace::Lockstep)?;
    stage.release()?;
    for (label, driver) in [("deactivate", Intervention::HOLD), ("activate", Intervention::POLICY)] {
        let side = stage.robot.clone();
        let request = ChangeStateRequest { transition: Transition { id: 0, label: label.to_owned() } };
        let asked = std::thread::spawn(move || {
            typed::call_typed::<ChangeState>(&side, "/policy/change_state", &request, acting::PATIENCE)
        });
        while !asked.is_finished() {
            stage.step()?;
        }
        ensure!(asked.join().expect("it does not panic")?.success, "to {label} was refused");
        stage.steps(4)?;
        stage.listen()?;
        ensure!(stage.said.driver == driver, "{label}: {} drives", stage.said.driver);
    }
    stage.end()?;
    Ok(())
}

#[test]
fn whoever_holds_the_robot_before_the_policy_goes_on_by_itself_has_the_last_word() -> anyhow::Result<()> {
    let mut stage = Stage::start_with(&settings(&[])?, leading(), Pace::Lockstep, true)?;
    let asked = stage.ask("~/hold");
    while !asked.is_finished() {
        stage.step()?;
    }
    let at = stage.said.driver;
    // It may have begun to drive before the word came; from then on it is held, and stays so.
    stage.steps(10)?;
    stage.listen()?;
    ensure!(
        stage.said.driver == Intervention::HOLD && stage.said.reason.contains("operator"),
        "{at}: {:?}",
        stage.said
    );
    stage.steps(200)?;
    ensure!(stage.said.driver == Intervention::HOLD, "{:?}", stage.said);
    stage.end()?;
    Ok(())
}

#[test]
fn another_policy_takes_over_between_two_chunks_and_a_broken_one_is_refused() -> anyhow::Result<()> {
    let thoughts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&thoughts);
    let load: Loads = Box::new(move |path| {
        let name = path.display().to_string();
        if name == "broken" {
            return Err(Unthought::Refused("its checksum is not the one that was written".to_owned()));
        }
        let (step, counted) = (if name == "back" { -0.004 } else { 0.004 }, Arc::clone(&counted));
        Ok(mind(&name, move |seen| {
            counted.fetch_add(1, Relaxed);
            onwards(seen, step)
        }))
    });
    let mut stage = Stage::start(&settings(&[])?, load, Pace::Lockstep)?;
    stage.release()?;
    let reload = |stage: &mut Stage, path: &str| -> anyhow::Result<(bool, String)> {
        let (side, path) = (stage.robot.clone(), path.to_owned());
        let asked = std::thread::spawn(move || {
            typed::call_typed::<Load>(&side, "/policy/reload", &LoadRequest { path }, acting::PATIENCE)
        });
        while !asked.is_finished() {
            stage.step()?;
        }
        let answer = asked.join().expect("it does not panic")?;
        stage.steps(8)?;
        Ok((answer.success, answer.message))
    };
    let (taken, words) = reload(&mut stage, "broken")?;
    ensure!(!taken && words.contains("the policy in use stays") && words.contains("checksum"), "{words}");
    stage.steps(40)?;
    for number in 0..100 {
        let (taken, words) = reload(&mut stage, if number % 2 == 0 { "back" } else { "on" })?;
        ensure!(taken, "{words}");
        ensure!(stage.command.driver == Intervention::POLICY, "{:?}", stage.said);
    }
    reload(&mut stage, "back")?;
    let before = stage.joints;
    stage.steps(100)?;
    ensure!(stage.joints[0] < before[0], "from {before:?} to {:?}", stage.joints);
    let report = stage.end()?;
    ensure!(report.reloads == 101 && report.crowded == 0 && thoughts.load(Relaxed) > 20, "{report:?}");
    Ok(())
}

/// The bag of what was heard.
fn recorded(heard: &[Sample], folder: &std::path::Path) -> anyhow::Result<std::path::PathBuf> {
    let path = folder.join("episode_0000");
    let mut writer = bag::create(&path, &bag::Options::default())?;
    let mut known = std::collections::BTreeSet::new();
    for sample in heard {
        if known.insert(sample.topic.name.clone()) {
            writer.declare(&sample.topic, "", "")?;
        }
        writer.write(sample)?;
    }
    writer.finish()?;
    Ok(path)
}

#[test]
fn a_runner_sees_what_an_importer_reads_from_the_bag_beside_it_to_the_byte() -> anyhow::Result<()> {
    let met: Arc<Mutex<Vec<Observation>>> = Arc::default();
    let note = Arc::clone(&met);
    let thinks = mind("noting", move |seen| {
        let mut met = note.lock().expect("nobody panicked");
        let last = met.last().map(|last| last.stamp);
        met.extend(seen.last().filter(|newest| Some(newest.stamp) > last).cloned());
        drop(met);
        onwards(seen, 0.004)
    });
    // Asked anew at every tick of the grid, so that everything that is seen is thought about.
    let settings = settings(&[("control:\n", "control:\n  join: {ensemble: {}}\n")])?;
    let mut stage = Stage::start(&settings, once(thinks), Pace::Lockstep)?;
    let mut expert = stage.expert()?;
    expert.send(&wanted(stage.joints))?;
    stage.release()?;
    stage.steps(200)?;
    expert.send(&wanted(stage.joints))?;
    stage.step()?;
    let heard = std::mem::take(&mut stage.heard);
    stage.end()?;
    let folder = tempfile::tempdir()?;
    let bag = recorded(&heard, folder.path())?;
    let Settings { robot, observe, act, .. } = &settings;
    let subject = Subject { robot, observe, act: act.as_ref().expect("it is moved") };
    let config = Config { interventions: Interventions::All, ..Config::default() };
    let dataset = Dataset::open(&[bag], subject, &config, &folder.path().join("cache"), &|_| {})?;
    let met = met.lock().expect("nobody panicked");
    let bits = |row: &[f32]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let mut compared = 0;
    for (number, episode) in dataset.episodes.iter().enumerate() {
        for tick in 0..episode.ticks {
            let taught = dataset.observation(number, tick)?;
            let Some(met) = met.iter().find(|met| met.stamp == taught.stamp) else { continue };
            ensure!(bits(&taught.state) == bits(&met.state), "{taught:?}\n{met:?}");
            ensure!(bits(&taught.past) == bits(&met.past), "{taught:?}\n{met:?}");
            compared += 1;
        }
    }
    ensure!(compared > 40, "{compared} observations of {} that were met are too few", met.len());
    Ok(())
}
