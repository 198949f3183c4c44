//! Where the robot's joints are, by what its topics told last, and for how long that is true.
//!
//! A joint that nobody told about, or told about too long ago, makes the whole robot blind: a command that begins or goes
//! on from a guess may leap.

use super::robot::Robot;
use crate::msg::sensor::JointState;
use crate::time::Stamp;

/// Where the robot's joints are.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// Of each joint when it was told, until when that is true, and its position.
    told: Vec<Option<(Stamp, Stamp)>>,
    positions: Vec<f64>,
}

impl Measured {
    /// Of a robot that nothing was heard of.
    pub(super) fn new(robot: &Robot) -> Self {
        Self { told: vec![None; robot.joints.len()], positions: vec![0.0; robot.joints.len()] }
    }

    /// Takes in a message on the robot's topic of that number. Says what is wrong with one that is refused.
    pub(super) fn see(
        &mut self,
        robot: &Robot,
        topic: usize,
        state: &JointState,
        received: Stamp,
    ) -> Option<String> {
        let told = &robot.told[topic];
        if state.position.len() != state.name.len() {
            let (names, positions) = (state.name.len(), state.position.len());
            return Some(format!("it names {names} joints and has {positions} positions"));
        }
        let until = received + std::time::Duration::from_secs_f64(told.max_age_ms / 1e3);
        let mut found = Vec::new();
        for (joint, known) in robot.joints.iter().enumerate() {
            let Some(name) = known.name.strip_prefix(&told.prefix) else { continue };
            let Some(at) = state.name.iter().position(|other| other == name) else { continue };
            let position = state.position[at];
            if !position.is_finite() {
                return Some(format!("the position of {name:?} is {position}"));
            }
            found.push((joint, position));
        }
        if found.is_empty() {
            let wanted: Vec<&str> = robot.joints.iter().map(|joint| joint.name.as_str()).collect();
            let (wanted, named) = (wanted.join(", "), state.name.join(", "));
            return Some(format!("none of the joints {wanted} is in it, which has {named}"));
        }
        for (joint, position) in found {
            self.told[joint] = Some((received, until));
            self.positions[joint] = position;
        }
        None
    }

    /// Where all joints are, or the first of which that is not known at `now`.
    pub(super) fn at(&self, now: Stamp) -> Result<&[f64], usize> {
        // What was told after `now` was told before time was set back: it is of another life.
        let is_true =
            |told: &Option<(Stamp, Stamp)>| told.is_some_and(|(at, until)| at <= now && now <= until);
        match self.told.iter().position(|told| !is_true(told)) {
            Some(blind) => Err(blind),
            None => Ok(&self.positions),
        }
    }
}
