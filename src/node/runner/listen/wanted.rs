//! Which topics a runner listens to, or each half of one that is two processes.
//!
//! A topic may be good for several things, and is subscribed to once.

use super::super::Half;
use super::super::robot::Robot;
use super::super::tell::COMMAND;
use crate::msg::Message;
use crate::msg::own::{Command, Plan};
use crate::msg::sensor::{JointState, Joy};

/// The topic of plans, relative, so that a namespace may stand in front.
pub(in super::super) const PLAN: &str = "plan";
/// The topic of goals, relative as well.
const GOAL: &str = "goal";

/// What a topic is good for; it may be so for several things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Stream(usize),
    Positions(usize),
    Expert,
    Joy,
    /// Where a person's leader is.
    Leader(usize),
    Goal(usize),
    Clock,
    /// What another process thought of.
    Plan,
    /// What another process sent to the robot.
    Left,
}

/// Every topic that is good for something, its type, and what for.
pub(super) fn wanted(robot: &Robot, goal: Option<&str>, half: Half) -> Vec<(String, String, Use)> {
    let mut wanted = Vec::new();
    if half != Half::Driving {
        seen(robot, goal, &mut wanted);
    }
    if half == Half::Thinking {
        wanted.push((COMMAND.to_owned(), Command::TYPE.to_owned(), Use::Left));
    } else {
        driven(robot, &mut wanted);
    }
    if half == Half::Driving {
        wanted.push((PLAN.to_owned(), Plan::TYPE.to_owned(), Use::Plan));
    }
    wanted
}

/// What a policy sees by.
fn seen(robot: &Robot, goal: Option<&str>, wanted: &mut Vec<(String, String, Use)>) {
    for (number, name) in robot.layout.streams().enumerate() {
        let Some(stream) = robot.observe.streams.get(name) else { continue };
        let type_name = stream.type_name.to_string();
        wanted.push((stream.topic.to_string(), type_name.clone(), Use::Stream(number)));
        if goal == Some(name) {
            wanted.push((GOAL.to_owned(), type_name, Use::Goal(number)));
        }
    }
}

/// What it takes to drive: where the robot is, and what a person wants.
fn driven(robot: &Robot, wanted: &mut Vec<(String, String, Use)>) {
    for (number, told) in robot.told.iter().enumerate() {
        wanted.push((told.topic.to_string(), JointState::TYPE.to_owned(), Use::Positions(number)));
    }
    let gate = &robot.control.gate;
    wanted.push((gate.expert.clone(), Command::TYPE.to_owned(), Use::Expert));
    if gate.human.button.is_some() {
        wanted.push((gate.human.joy.clone(), Joy::TYPE.to_owned(), Use::Joy));
    }
    if gate.human.leader.is_some() {
        for (number, told) in robot.leader.iter().enumerate() {
            wanted.push((told.topic.to_string(), JointState::TYPE.to_owned(), Use::Leader(number)));
        }
    }
}
