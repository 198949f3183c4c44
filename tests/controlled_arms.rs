//! The shipped files of a UR5e and an SO-101 under ros2_control: a plan drives each through our gate, and what goes wrong there.
//!
//! The controllers are a mock that behaves as the real ones' sources say. What is held to the robot's file is what reaches them: no
//! command of a real run may surprise a real arm.

#[path = "support/cameras.rs"]
mod cameras;
#[path = "support/controlled.rs"]
mod controlled;
#[path = "support/controllers.rs"]
mod controllers;
#[path = "support/judge.rs"]
mod judge;

use anyhow::ensure;
use apprentice::bus::typed::Publisher;
use apprentice::msg::std::Float64MultiArray;
use apprentice::wire::Qos;
use controlled::{Stage, settings};
use controllers::{Distro, Kit, SO101, UR5E};

/// Somewhere from which there is way in every direction.
const AT: [f64; 6] = [0.3, -1.2, 1.1, -0.4, 0.2, 0.1];
const THERE: [f64; 6] = [-0.2, -0.8, 0.6, 0.3, -0.3, 0.5];

/// Both robots, and by how much an action of a plan goes at the most.
fn robots() -> [(&'static str, Kit, f64); 2] {
    [("ur5e.yaml", UR5E, 0.08), ("so101.yaml", SO101, 0.08)]
}

#[test]
fn a_plan_drives_each_arm_to_where_it_ends_within_the_limits_of_its_file() -> anyhow::Result<()> {
    for (file, kit, stride) in robots() {
        let mut stage = Stage::start(&settings(file, &[])?, kit, &AT, stride)?;
        stage.steps(20)?;
        ensure!(stage.arm.taken == 0 && stage.off(&AT) == 0.0, "{file}: it moved by itself");
        stage.release()?;
        stage.wish.there(&THERE);
        stage.until("it is there", 1000, |stage| stage.off(&THERE) < 0.005)?;
        // The next thoughts see it there. What they see is in the order of the robot's file, whatever the broadcaster's is.
        stage.steps(100)?;
        let seen = stage.wish.seen();
        ensure!(
            seen.iter().zip(&THERE).all(|(seen, there)| (f64::from(*seen) - there).abs() < 0.01),
            "{file}: {seen:?}"
        );
        let (greatest, errors) = (stage.arm.judge.greatest, stage.arm.errors.clone());
        let report = stage.end()?;
        println!("{file}: speed, acceleration, jerk {greatest:.3?} of what is allowed");
        // Where a picture counts as taken before it came, there is none yet at the first tick of the grid.
        ensure!(errors.is_empty() && report.refused == 0 && report.gaps <= 1, "{errors:?}, {report:?}");
        ensure!(greatest[0] > 0.3 && greatest[2] > 0.5, "{file}: it crept, by {greatest:?}");
    }
    Ok(())
}

#[test]
fn an_arm_that_is_far_from_where_its_plan_begins_goes_there_from_where_it_is() -> anyhow::Result<()> {
    for (file, kit, _) in robots() {
        // Every action of the plan is there, and none on the way.
        let mut stage = Stage::start(&settings(file, &[])?, kit, &AT, 10.0)?;
        stage.wish.there(&THERE);
        stage.release()?;
        stage.until("it is there", 1000, |stage| stage.off(&THERE) < 0.005)?;
        stage.end()?;
    }
    Ok(())
}

#[test]
fn a_bound_on_how_strongly_a_gripper_presses_wants_an_arm_that_tells_it() -> anyhow::Result<()> {
    let settings = settings("so101.yaml", &["control.limits.gripper={joint: gripper, effort: 1.0}"])?;
    let mut stage = Stage::start(&settings, SO101, &AT, 0.08)?;
    stage.until_held(100, "how strongly the joint \"gripper\" presses")?;
    ensure!(stage.arm.taken == 0, "it moved by itself");
    stage.end()?;
    let mut stage = Stage::start(&settings, Kit { effort: true, ..SO101 }, &AT, 0.08)?;
    stage.release()?;
    stage.wish.there(&THERE);
    stage.until("it is there", 1000, |stage| stage.off(&THERE) < 0.005)?;
    stage.end()?;
    Ok(())
}

/// Starts an arm, and lets it get half-way.
fn half_way(file: &str, kit: Kit, stride: f64) -> anyhow::Result<Stage> {
    let mut stage = Stage::start(&settings(file, &[])?, kit, &AT, stride)?;
    stage.release()?;
    stage.wish.there(&THERE);
    stage.until("it is on its way", 500, |stage| stage.off(&AT) > 0.1)?;
    Ok(stage)
}

/// It is let go on, and comes to where the plan ends.
fn arrives(stage: &mut Stage) -> anyhow::Result<()> {
    stage.release()?;
    stage.until("it is there", 1000, |stage| stage.off(&THERE) < 0.005)?;
    Ok(())
}

/// Nothing moves, until somebody lets it.
fn stays(stage: &mut Stage) -> anyhow::Result<()> {
    let at = stage.arm.at();
    stage.steps(100)?;
    ensure!(stage.off(&at) < 1e-9, "it moved by itself from {at:?} to {:?}", stage.arm.at());
    Ok(())
}

#[test]
fn an_arm_whose_controller_becomes_inactive_is_held_and_does_not_leap_when_it_is_active_again()
-> anyhow::Result<()> {
    for (file, kit, _) in robots() {
        // A plan that leads on whether or not the arm comes along, as one learned from an arm that always did.
        let mut stage = half_way(file, kit, 0.2)?;
        stage.wish.there(&[1.5; 6]);
        stage.wish.ahead(true);
        // An emergency stop: the driver's controllers are stopped, and somebody pushes the arm aside.
        stage.arm.deactivate();
        stage.until_held(400, "does not come along")?;
        let mut aside = AT;
        aside[1] -= 0.3;
        stage.arm.put(&aside);
        stage.steps(100)?;
        stage.arm.activate();
        stays(&mut stage)?;
        ensure!(stage.off(&aside) == 0.0, "{file}: {:?}", stage.arm.at());
        stage.wish.ahead(false);
        stage.wish.there(&THERE);
        arrives(&mut stage)?;
        stage.end()?;
    }
    Ok(())
}

#[test]
fn an_arm_that_is_held_is_not_pulled_back_to_where_it_was_before_a_hand_moved_it() -> anyhow::Result<()> {
    for (file, kit, stride) in robots() {
        let mut stage = half_way(file, kit, stride)?;
        let asked = stage.ask("hold");
        while !asked.is_finished() {
            stage.step()?;
        }
        stage.until_held(10, "operator")?;
        stage.steps(200)?;
        // Free-drive: the controller is inactive, a hand moves the arm by a radian, and the controller is active again.
        stage.arm.deactivate();
        let mut moved = stage.arm.at();
        moved[0] += 1.0;
        stage.arm.put(&moved);
        stage.steps(50)?;
        stage.arm.activate();
        stays(&mut stage)?;
        arrives(&mut stage)?;
        stage.end()?;
    }
    Ok(())
}

#[test]
fn an_arm_that_something_keeps_is_not_pressed_on_and_does_not_leap_when_it_is_let_go() -> anyhow::Result<()> {
    for (file, kit, _) in robots() {
        let mut stage = half_way(file, kit, 0.2)?;
        stage.wish.there(&[1.5; 6]);
        stage.wish.ahead(true);
        // It is caught somewhere, and its controller goes on wanting it where it was told to be.
        stage.arm.stopped = true;
        stage.until_held(400, "does not come along")?;
        stage.steps(100)?;
        let caught = stage.arm.at();
        stage.arm.stopped = false;
        stage.steps(100)?;
        let now = stage.arm.at();
        // The sixth of an SO-101 is its gripper, which may press.
        let moved = now.iter().zip(&caught).take(5).any(|(now, caught)| (now - caught).abs() > 1e-6);
        ensure!(!moved, "{file}: it leapt from {caught:?} to {now:?}");
        stage.wish.ahead(false);
        stage.wish.there(&THERE);
        arrives(&mut stage)?;
        stage.end()?;
    }
    Ok(())
}

#[test]
fn a_controller_that_was_never_activated_is_found_before_it_could_leap() -> anyhow::Result<()> {
    for (file, kit, _) in robots() {
        let mut stage = Stage::start(&settings(file, &[])?, kit, &AT, 0.2)?;
        stage.arm.deactivate();
        stage.wish.ahead(true);
        stage.wish.there(&[1.5; 6]);
        stage.release()?;
        stage.until_held(400, "does not come along: its controller is inactive")?;
        stage.steps(100)?;
        stage.arm.activate();
        stays(&mut stage)?;
        ensure!(stage.off(&AT) == 0.0, "{file}: {:?}", stage.arm.at());
        stage.end()?;
    }
    Ok(())
}

#[test]
fn an_arm_whose_joint_states_stop_is_brought_to_rest() -> anyhow::Result<()> {
    for (file, kit, _) in robots() {
        let mut stage = half_way(file, kit, 0.02)?;
        stage.arm.tells = false;
        // A tenth of a second, as the watchdog has it.
        let ticks = stage.until_held(20, "is not known")?;
        stage.steps(200)?;
        let rest = stage.arm.at();
        stays(&mut stage)?;
        ensure!(stage.off(&THERE) > 0.01, "{file}: it went on blindly to {rest:?}, held after {ticks} ticks");
        stage.arm.tells = true;
        stays(&mut stage)?;
        arrives(&mut stage)?;
        stage.end()?;
    }
    Ok(())
}

/// What is said of a robot that cannot be driven as it is, which must not have moved; how many messages were refused.
fn cannot_be_driven(file: &str, kit: Kit, words: &str) -> anyhow::Result<u64> {
    let mut stage = Stage::start(&settings(file, &[])?, kit, &AT, 0.2)?;
    stage.steps(50)?;
    let asked = stage.ask("resume");
    while !asked.is_finished() {
        stage.step()?;
    }
    let (granted, said) = asked.join().expect("it does not panic")?;
    ensure!(!granted && said.contains(words), "{file}: {said}");
    ensure!(stage.arm.taken == 0, "{file}: it was told something");
    Ok(stage.end()?.refused)
}

#[test]
fn joint_states_under_other_names_are_refused_and_the_arm_is_not_driven() -> anyhow::Result<()> {
    let refused = cannot_be_driven(
        "ur5e.yaml",
        Kit { prefix: "left_", ..UR5E },
        "shoulder_pan_joint\" is is not known",
    )?;
    ensure!(refused > 0, "names that are none of the file's are not counted");
    // A gripper that another driver was to tell.
    let order = &["wrist_roll", "wrist_flex", "elbow_flex", "shoulder_lift", "shoulder_pan"];
    cannot_be_driven("so101.yaml", Kit { order, ..SO101 }, "\"gripper\" is is not known")?;
    Ok(())
}

#[test]
fn a_strangers_command_of_another_length_is_refused_by_the_controller_and_ours_go_on_or_are_held()
-> anyhow::Result<()> {
    for (file, kit, stride) in robots() {
        let distro = kit.distro;
        let mut stage = half_way(file, kit, stride)?;
        let topic = "/forward_position_controller/commands";
        let mut stranger = Publisher::<Float64MultiArray>::open(&stage.side, topic, Qos::reliable(1))?;
        stranger.send(&Float64MultiArray { data: vec![0.0; 5], ..Float64MultiArray::default() })?;
        stage.steps(2)?;
        stage.arm.judge.wrong.retain(|wrong| !wrong.contains("no command"));
        if distro == Distro::Jazzy && !stage.arm.is_active() {
            stage.wish.ahead(true);
            stage.wish.there(&[1.5; 6]);
            stage.until_held(400, "does not come along")?;
            stage.steps(100)?;
            stage.wish.ahead(false);
            stage.arm.activate();
            stage.wish.there(&THERE);
            arrives(&mut stage)?;
        } else {
            stage.until("it is there", 1000, |stage| stage.off(&THERE) < 0.005)?;
        }
        stage.end()?;
    }
    Ok(())
}
