//! From the robot's file and its description to the limits of each joint, or to words on what is missing.
//!
//! Everything that can be wrong with limits is found here, before anything moves, and all joints that lack the same are named at
//! once: a robot's file is written by hand, and who must start anew for every joint stops reading errors.

use super::config::{Config, Each, Gripper, Most, Range, Room};
use super::joint::Joint;
use super::workspace::Workspace;
use super::{Error, Grip, Limits};
use crate::arm::{Chain, Description};

/// Where nothing is known, a robot that is at full speed after this time harms neither itself nor a task.
const TO_FULL_SPEED: f64 = 0.25;
/// The same of full acceleration.
const TO_FULL_ACCELERATION: f64 = 0.1;

pub(super) fn limits(
    config: &Config,
    description: Option<&Description>,
    joints: &[String],
) -> Result<Limits, Error> {
    let told = |joint: &String| description.and_then(|arm| arm.joint(joint).ok());
    let position = |joint: &String| {
        let said = config.position.as_ref().and_then(|each| each.of(joint)).map(|Range(range)| range);
        said.or_else(|| told(joint)?.limit.map(|limit| [limit.lower, limit.upper]))
    };
    let speed = |joint: &String| {
        let said = of(config.speed.as_ref(), joint);
        said.or_else(|| told(joint)?.limit.map(|limit| limit.speed))
            .filter(|speed| *speed > 0.0 && speed.is_finite())
    };
    let positions = all("position", joints, position, |_| None)?;
    let speeds = all("speed", joints, speed, |_| None)?;
    let proposed = |joint: &String| speed(joint).map(|speed| speed / TO_FULL_SPEED);
    let acceleration = |joint: &String| of(config.acceleration.as_ref(), joint);
    let accelerations = all("acceleration", joints, acceleration, proposed)?;
    let proposed = |joint: &String| acceleration(joint).map(|most| most / TO_FULL_ACCELERATION);
    let jerks = all("jerk", joints, |joint| of(config.jerk.as_ref(), joint), proposed)?;

    let limit = |(number, joint): (usize, &String)| {
        let jump = of(config.jump.as_ref(), joint).unwrap_or(f64::INFINITY);
        Joint::new(positions[number], speeds[number], accelerations[number], jerks[number], jump)
    };
    let workspace = config.workspace.as_ref().map(|room| workspace(room, description, joints, &positions));
    let grip = config.gripper.as_ref().map(|gripper| grip(gripper, joints));
    Ok(Limits {
        names: joints.to_vec(),
        joints: joints.iter().enumerate().map(limit).collect(),
        leads: joints.iter().map(|joint| of(config.lead.as_ref(), joint).unwrap_or(f64::INFINITY)).collect(),
        workspace: workspace.transpose()?,
        grip: grip.transpose()?,
    })
}

fn of(each: Option<&Each<Most>>, joint: &str) -> Option<f64> {
    each.and_then(|each| each.of(joint)).map(|Most(most)| most)
}

/// What is known of every joint, or all of those of which nothing is, with what may be said of them.
fn all<T>(
    what: &'static str,
    joints: &[String],
    known: impl Fn(&String) -> Option<T>,
    proposed: impl Fn(&String) -> Option<f64>,
) -> Result<Vec<T>, Error> {
    let missing: Vec<&String> = joints.iter().filter(|joint| known(joint).is_none()).collect();
    if missing.is_empty() {
        return Ok(joints.iter().filter_map(known).collect());
    }
    let proposals: Vec<String> = missing
        .iter()
        .filter_map(|joint| proposed(joint).map(|value| format!("{joint}: {}", rounded(value))))
        .collect();
    let names = missing.iter().map(|joint| joint.as_str()).collect::<Vec<_>>().join(", ");
    Err(match proposals.is_empty() {
        true => Error::Missing { what, joints: names },
        false => Error::Unsaid { what, joints: names, proposal: proposals.join(", ") },
    })
}

/// Two digits that mean something.
fn rounded(value: f64) -> f64 {
    let scale = 10_f64.powf(1.0 - value.log10().floor());
    (value * scale).round() / scale
}

fn workspace(
    room: &Room,
    description: Option<&Description>,
    joints: &[String],
    positions: &[[f64; 2]],
) -> Result<Workspace, Error> {
    let description = description.ok_or(Error::NoDescription)?;
    let chain = Chain::between(description, &room.base, &room.tip)?;
    let place = |name: &str| joints.iter().position(|joint| joint == name);
    let places = chain.coordinates().iter().map(|coordinate| {
        place(&coordinate.name).ok_or_else(|| Error::NotDriven {
            what: "the workspace",
            joint: coordinate.name.clone(),
            joints: joints.join(", "),
        })
    });
    let places: Vec<usize> = places.collect::<Result<_, _>>()?;
    let ranges: Vec<[f64; 2]> = places.iter().map(|place| positions[*place]).collect();
    let [least, most] = room.corners.0;
    Ok(Workspace { reaches: chain.reaches(&ranges), chain, joints: places, least, most })
}

fn grip(gripper: &Gripper, joints: &[String]) -> Result<Grip, Error> {
    let joint = joints.iter().position(|joint| *joint == gripper.joint);
    let joint = joint.ok_or_else(|| Error::NotDriven {
        what: "the gripper",
        joint: gripper.joint.clone(),
        joints: joints.join(", "),
    })?;
    Ok(Grip { joint, effort: gripper.effort.0 })
}
