//! A runner and people: whose hand counts, what moving a leader is, what a word does that is not granted, and where a policy goes on
//! that thought for too long.
//!
//! Each of these once moved a robot that nobody had meant to move.

#[path = "support/acting.rs"]
mod acting;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use acting::{Stage, button, mind, once, onwards, settings, wanted};
use anyhow::ensure;
use apprentice::bus::typed::{self, Publisher};
use apprentice::msg::own::Intervention;
use apprentice::msg::sensor::JointState;
use apprentice::msg::std::{SetBool, SetBoolRequest};
use apprentice::node::runner::{Load, Pace};
use apprentice::wire::Qos;

fn leading() -> Load {
    once(mind("leading", |seen| onwards(seen, 0.004)))
}

#[test]
fn who_speaks_in_the_place_of_a_device_that_died_does_not_drive_in_its_place() -> anyhow::Result<()> {
    let mut stage = Stage::start(&settings(&[])?, leading(), Pace::Lockstep)?;
    let (mut first, mut heir, mut joy) = (stage.expert()?, stage.expert()?, stage.joy()?);
    for tick in 0..50 {
        first.send(&wanted([0.3, -0.2]))?;
        joy.send(&button(tick > 5))?;
        stage.step()?;
    }
    ensure!(stage.command.driver == Intervention::HUMAN, "{:?}", stage.said);
    // The button is held all the while, and no tick sees the topic silent for too long.
    for _ in 0..100 {
        heir.send(&wanted([0.9, 0.4]))?;
        joy.send(&button(true))?;
        stage.step()?;
    }
    stage.listen()?;
    ensure!(stage.said.driver == Intervention::HOLD, "{:?}", stage.said);
    ensure!(stage.said.reason.contains("gave way to another"), "{:?}", stage.said);
    ensure!(stage.joints == [0.3, -0.2], "{:?}", stage.joints);
    stage.end()?;
    Ok(())
}

#[test]
fn a_dead_mans_button_of_another_device_is_no_letting_go() -> anyhow::Result<()> {
    let mut stage = Stage::start(&settings(&[])?, leading(), Pace::Lockstep)?;
    let (mut expert, mut joy, mut heir) = (stage.expert()?, stage.joy()?, stage.joy()?);
    for tick in 0..150 {
        expert.send(&wanted([0.3, -0.2]))?;
        if tick < 50 {
            joy.send(&button(tick > 5))?;
        } else {
            heir.send(&button(false))?;
        }
        stage.step()?;
    }
    stage.listen()?;
    ensure!(stage.said.driver == Intervention::HOLD, "the policy took over from him: {:?}", stage.said);
    ensure!(stage.said.reason.contains("gave way to another"), "{:?}", stage.said);
    stage.end()?;
    Ok(())
}

#[test]
fn a_leader_that_is_moved_takes_over_and_a_command_that_glides_to_it_does_not() -> anyhow::Result<()> {
    let settings = settings(&[
        (
            "{topic: expert/command, type: apprentice/msg/Command}",
            "{topic: /leader, type: sensor_msgs/msg/JointState}",
        ),
        ("human: {button: 1}", "human: {leader: {moved: 0.05}}"),
    ])?;
    let mut stage = Stage::start(&settings, leading(), Pace::Lockstep)?;
    let mut expert = stage.expert()?;
    let mut leader = Publisher::<JointState>::open(&stage.robot, "/leader", Qos::reliable(1))?;
    let mut tell = |at: f64| {
        let name = ["a", "b"].map(str::to_owned).to_vec();
        leader.send(&JointState { name, position: vec![at, -0.2], ..JointState::default() })
    };
    for tick in 0..100_u32 {
        // The leader lies where it lies, and what is wanted of the robot comes to it slowly.
        tell(0.4)?;
        expert.send(&wanted([0.3 + 0.001 * f64::from(tick), -0.2]))?;
        stage.step()?;
    }
    stage.listen()?;
    ensure!(stage.said.driver == Intervention::HOLD, "nobody touched it: {:?}", stage.said);
    for tick in 0..20_u32 {
        let at = 0.4 - 0.01 * f64::from(tick);
        tell(at)?;
        expert.send(&wanted([at, -0.2]))?;
        stage.step()?;
    }
    stage.listen()?;
    ensure!(stage.said.driver == Intervention::HUMAN, "{:?}", stage.said);
    stage.end()?;
    Ok(())
}

#[test]
fn a_word_that_is_not_granted_does_not_take_the_robot_from_a_person() -> anyhow::Result<()> {
    let mut stage = Stage::start(&settings(&[])?, leading(), Pace::Lockstep)?;
    let (mut expert, mut joy) = (stage.expert()?, stage.joy()?);
    let mut drive = |stage: &mut Stage, held: bool| {
        expert.send(&wanted([0.3, -0.2]))?;
        joy.send(&button(held))?;
        stage.step()
    };
    for tick in 0..20 {
        drive(&mut stage, tick > 5)?;
    }
    let asked = stage.ask("~/resume");
    while !asked.is_finished() {
        drive(&mut stage, true)?;
    }
    let (granted, words) = asked.join().expect("it does not panic")?;
    ensure!(!granted && words.starts_with("a person drives"), "{words}");
    for _ in 0..20 {
        drive(&mut stage, true)?;
    }
    stage.listen()?;
    ensure!(stage.said.driver == Intervention::HUMAN, "{:?}", stage.said);
    stage.end()?;
    Ok(())
}

#[test]
fn where_no_service_takes_over_there_is_none() -> anyhow::Result<()> {
    let settings = settings(&[("human: {button: 1}", "human: {button: 1, service: false}")])?;
    let stage = Stage::start(&settings, leading(), Pace::Lockstep)?;
    let request = SetBoolRequest { data: true };
    // One that is served answers within half a second, whatever comes of it.
    let within = Duration::from_secs(2);
    let asked = typed::call_typed::<SetBool>(&stage.robot, "/policy/take", &request, within);
    ensure!(asked.is_err(), "{asked:?}");
    stage.end()?;
    Ok(())
}

#[test]
fn a_thought_that_took_too_long_does_not_lead_the_robot_back() -> anyhow::Result<()> {
    let busy = Arc::new(Mutex::new(()));
    let thinks = Arc::clone(&busy);
    let load = once(mind("slow once", move |seen| {
        drop(thinks.lock());
        onwards(seen, 0.004)
    }));
    let mut stage = Stage::start(&settings(&[])?, load, Pace::Clock)?;
    stage.release()?;
    stage.steps(40)?;
    let mut farthest = stage.joints[0];
    // At a seam it may go back a little: less than it goes on in two ticks.
    let mut moved = |stage: &mut Stage| {
        stage.step()?;
        farthest = farthest.max(stage.joints[0]);
        ensure!(stage.joints[0] > farthest - 0.002, "led back from {farthest} to {}", stage.joints[0]);
        anyhow::Ok(())
    };
    let thinking = busy.lock().expect("nobody panicked");
    for _ in 0..150 {
        moved(&mut stage)?;
    }
    stage.listen()?;
    ensure!(stage.said.driver == Intervention::HOLD, "the plan is over: {:?}", stage.said);
    drop(thinking);
    let mut driven = 0;
    for _ in 0..300 {
        moved(&mut stage)?;
        driven += u32::from(stage.command.driver == Intervention::POLICY);
    }
    ensure!(driven > 30, "it goes on: {driven} of 300 ticks");
    stage.end()?;
    Ok(())
}
