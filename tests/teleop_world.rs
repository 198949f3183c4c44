//! Teleoperation and the simulator as a person has them: a stick in the hand, an arm that follows, a target in the air.
//!
//! Nothing stands in for anything but the person, who is scripted: he sees where the tool and the target are, and knows of
//! the arm only what his stick does.
#![cfg(feature = "sim")]

#[path = "support/driving.rs"]
mod driving;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/simulating.rs"]
mod simulating;

use std::sync::Arc;

use apprentice::arm::Chain;
use apprentice::bus::Node;
use apprentice::bus::typed::{self, Publisher};
use apprentice::msg::Message;
use apprentice::msg::geometry::PoseStamped;
use apprentice::msg::sensor::{JointState, Joy};
use apprentice::msg::std::Float64MultiArray;
use apprentice::node::simulator::{Options, Pace};
use apprentice::node::teleop::{Device, Teleop};
use apprentice::node::{Context, Stop};
use apprentice::spec::Name;
use apprentice::wire::Qos;
use driving::{DEAD_MAN, TURBO, robot, settings};
use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion};
use simulating::{Stage, options};

/// How many targets are reached one after the other.
const TARGETS: u32 = 5;
/// The stick is fully deflected beyond this distance, m, and turned about this angle, rad.
const FULL: (f64, f64) = (0.04, 0.4);

/// What a person does with the gamepad who sees the tool at `tool` and wants it at `target`.
fn stick(tool: &Isometry3<f64>, target: &Isometry3<f64>) -> Joy {
    let way = target.translation.vector - tool.translation.vector;
    let turn = (target.rotation * tool.rotation.inverse()).scaled_axis();
    let share = |off: f64, full: f64| (off / full).clamp(-1.0, 1.0) as f32;
    // The D-pad knows only all and nothing.
    let pressed = |off: f64| if off.abs() > 0.05 { off.signum() as f32 } else { 0.0 };
    let mut joy = Joy { axes: vec![0.0; 8], buttons: vec![0; 11], ..Joy::default() };
    for (axis, row) in [(1, 0), (0, 1), (4, 2)] {
        joy.axes[axis] = share(way[row], FULL.0);
    }
    joy.axes[6] = pressed(turn.x);
    joy.axes[7] = -pressed(turn.y);
    joy.axes[3] = share(turn.z, FULL.1);
    joy.buttons[DEAD_MAN] = 1;
    joy.buttons[TURBO] = i32::from(way.norm() > 0.08);
    joy
}

fn tool(chain: &Chain, state: &JointState) -> Isometry3<f64> {
    let joints: Vec<f64> = chain
        .coordinates()
        .iter()
        .filter_map(|joint| state.name.iter().position(|name| *name == joint.name))
        .map(|place| state.position[place])
        .collect();
    chain.pose(&joints)
}

fn pose(told: &PoseStamped) -> Isometry3<f64> {
    let (at, turned) = (&told.pose.position, &told.pose.orientation);
    let turned = Quaternion::new(turned.w, turned.x, turned.y, turned.z);
    Isometry3::from_parts(Translation3::new(at.x, at.y, at.z), UnitQuaternion::from_quaternion(turned))
}

#[test]
fn a_person_with_a_gamepad_solves_reach() -> anyhow::Result<()> {
    let world = Options {
        commands: Some(Name::parse("expert/command")?),
        episodes: Some(TARGETS),
        ..options("reach", Pace::Fast, Float64MultiArray::TYPE)?
    };
    let topics = [("/joint_states", JointState::TYPE), ("/target_pose", PoseStamped::TYPE)];
    let mut stage = Stage::start(world, &topics, 1)?;
    let settings = settings(&[]);
    let robot = robot(&settings)?;
    let chain = robot.arm.as_ref().expect("the file names the arm").chain.clone();
    let context = Context::new(Arc::new(stage.hub.join(Node::new("teleop", "")?)), Stop::default());
    let act = settings.act.as_ref().expect("it is commanded");
    let mut teleop = Teleop::open(&context, robot, act, settings.teleop.clone(), Device::Joy(None), false)?;
    let mut gamepad: Publisher<Joy> = Publisher::open(&stage.person, "/joy", Qos::reliable(1))?;
    let mut target = None;
    while let Ok(sample) = stage.next() {
        match sample.topic.type_name.as_str() {
            PoseStamped::TYPE => target = Some(pose(&typed::read(&sample)?)),
            _ => {
                let state: JointState = typed::read(&sample)?;
                if let Some(target) = &target {
                    gamepad.send(&stick(&tool(&chain, &state), target))?;
                }
                teleop.turn()?;
            }
        }
    }
    let attempts = stage.join()?;
    assert_eq!(attempts.len(), TARGETS as usize);
    assert!(attempts.iter().all(|attempt| attempt.success), "{attempts:?}");
    assert_eq!(teleop.report().refused, 0);
    Ok(())
}
