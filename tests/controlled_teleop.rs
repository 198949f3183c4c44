//! A person and an arm under ros2_control, by the shipped files of an SO-101 and a UR5e, which name no description.
//!
//! What a leader or a gamepad wants goes through teleoperation and the gate before it reaches the controllers, as it does beside a
//! real arm; a leader that is elsewhere takes nothing over, and what reaches the controllers keeps the limits of the file.

#[path = "support/cameras.rs"]
mod cameras;
#[path = "support/controlled.rs"]
mod controlled;
#[path = "support/controllers.rs"]
mod controllers;
#[path = "support/judge.rs"]
mod judge;

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use apprentice::bus::Node;
use apprentice::bus::typed::{Publisher, call_typed};
use apprentice::config::Settings;
use apprentice::msg::own::Intervention;
use apprentice::msg::sensor::{JointState, Joy};
use apprentice::msg::std::{SetBool, SetBoolRequest};
use apprentice::node::diagnostics::header;
use apprentice::node::teleop::{Device, Idle, Phase, Robot, Teleop};
use apprentice::node::{Context, Stop};
use apprentice::wire::Qos;
use controlled::{PATIENCE, Stage, settings};
use controllers::{Kit, PUBLISHED, SO101, UR5E};

const AT: [f64; 6] = [0.3, -1.2, 1.1, -0.4, 0.2, 0.1];
/// The gamepad's button that has to be held.
const DEAD_MAN: usize = 4;

/// An arm, a runner that holds it, and a person with a device.
struct Scene {
    stage: Stage,
    teleop: Teleop,
    joints: Vec<String>,
    leader: Publisher<JointState>,
    joy: Publisher<Joy>,
}

impl Scene {
    fn new(settings: &Settings, kit: Kit, device: Device) -> anyhow::Result<Self> {
        let stage = Stage::start(settings, kit, &AT, 0.05)?;
        let act = settings.act.as_ref().context("it is commanded")?;
        let (joints, limits) = (&settings.robot.joints, settings.control.limits.as_ref());
        let robot = Robot::new(None, limits, joints, &settings.observe, act, &settings.teleop)?;
        let bus = stage.side.hub().join(Node::new("teleop", "")?);
        let context = Context::new(Arc::new(bus), Stop::default());
        Ok(Self {
            leader: Publisher::open(&stage.side, "/leader/joint_states", PUBLISHED)?,
            joy: Publisher::open(&stage.side, "/joy", Qos::reliable(10))?,
            teleop: Teleop::open(&context, robot, act, settings.teleop.clone(), device, false)?,
            joints: joints.clone(),
            stage,
        })
    }

    /// A tick at which the leader is there; its broadcaster names the joints in another order than the robot's file.
    fn lead(&mut self, at: &[f64]) -> anyhow::Result<()> {
        let name = self.joints.iter().rev().cloned().collect();
        let position = at.iter().rev().copied().collect();
        let velocity = vec![f64::NAN; at.len()];
        let header = header(self.stage.now());
        self.leader.send(&JointState { header, name, position, velocity, ..JointState::default() })?;
        self.turn()
    }

    /// A tick at which the first stick is deflected like that, with the button held.
    fn push(&mut self, deflection: f32, held: bool) -> anyhow::Result<()> {
        let mut joy = Joy { header: header(self.stage.now()), axes: vec![0.0; 8], buttons: vec![0; 11] };
        (joy.axes[0], joy.buttons[DEAD_MAN]) = (deflection, i32::from(held));
        self.joy.send(&joy)?;
        self.turn()
    }

    fn turn(&mut self) -> anyhow::Result<()> {
        self.teleop.turn()?;
        self.stage.step()
    }

    /// The person takes over while ticks go on as `tick` says; the answer.
    fn takes(
        &mut self,
        mut tick: impl FnMut(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<(bool, String)> {
        let side = self.stage.side.clone();
        let asked = std::thread::spawn(move || {
            call_typed::<SetBool>(&side, "/policy/take", &SetBoolRequest { data: true }, PATIENCE)
        });
        while !asked.is_finished() {
            tick(self)?;
        }
        let answer = asked.join().expect("it does not panic")?;
        Ok((answer.success, answer.message))
    }
}

/// Where it was, with one joint elsewhere.
fn with(joint: usize, at: f64) -> [f64; 6] {
    let mut there = AT;
    there[joint] = at;
    there
}

#[test]
fn a_leader_takes_an_so101_over_only_where_it_agrees_and_the_arm_goes_along() -> anyhow::Result<()> {
    let mut scene = Scene::new(&settings("so101.yaml", &[])?, SO101, Device::Leader)?;
    let elsewhere = with(1, -0.5);
    (0..20).try_for_each(|_| scene.lead(&elsewhere))?;
    let Phase::Idle(Idle::Apart { joint, .. }) = scene.teleop.report().phase else {
        anyhow::bail!("{:?}", scene.teleop.report())
    };
    ensure!(joint == "shoulder_lift", "{joint}");
    let (granted, words) = scene.takes(|scene| scene.lead(&elsewhere))?;
    ensure!(!granted && words.contains("held"), "{words}");
    ensure!(scene.stage.off(&AT) == 0.0 && scene.stage.arm.taken == 0, "{:?}", scene.stage.arm.at());
    // The leader is brought to where the arm is, the gripper excepted.
    let near = with(1, -1.15);
    (0..20).try_for_each(|_| scene.lead(&near))?;
    let (granted, words) = scene.takes(|scene| scene.lead(&near))?;
    ensure!(granted, "{words}");
    for _ in 0..200 {
        scene.lead(&elsewhere)?;
    }
    ensure!(scene.stage.command.driver == Intervention::HUMAN, "{:?}", scene.stage.said);
    ensure!(scene.stage.off(&elsewhere) < 0.005, "{:?}", scene.stage.arm.at());
    // Its cable is pulled: the arm stays, and does not come back to a leader that is elsewhere by then.
    for _ in 0..50 {
        scene.turn()?;
    }
    ensure!(scene.stage.command.driver == Intervention::HOLD, "{:?}", scene.stage.said);
    for _ in 0..100 {
        scene.lead(&AT)?;
    }
    ensure!(scene.stage.off(&elsewhere) < 0.005, "{:?}", scene.stage.arm.at());
    scene.stage.end()?;
    Ok(())
}

#[test]
fn a_gamepad_moves_the_joints_of_a_ur5e_without_a_description() -> anyhow::Result<()> {
    let mut scene = Scene::new(&settings("ur5e.yaml", &[])?, UR5E, Device::Joy(None))?;
    // After a fault, as while nothing was heard of the robot yet, the button has to be let go of first.
    (0..20).try_for_each(|_| scene.push(0.0, false))?;
    (0..20).try_for_each(|_| scene.push(0.0, true))?;
    let (granted, words) = scene.takes(|scene| scene.push(0.0, true))?;
    ensure!(granted, "{words}");
    for _ in 0..200 {
        scene.push(1.0, true)?;
    }
    let at = scene.stage.arm.at();
    ensure!(
        at[0] > AT[0] + 0.3 && scene.stage.off(&with(0, at[0])) < 1e-3,
        "the first joint and no other: {at:?}"
    );
    for _ in 0..100 {
        scene.push(1.0, false)?;
    }
    let rest = scene.stage.arm.at();
    for _ in 0..100 {
        scene.push(1.0, false)?;
    }
    ensure!(scene.stage.off(&rest) < 1e-3, "it went on from {rest:?} to {:?}", scene.stage.arm.at());
    scene.stage.end()?;
    Ok(())
}
