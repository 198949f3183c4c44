//! How far and how fast a command may go: to its joint's limits, at its speed, and not far ahead of the robot itself.
//!
//! These are the description's limits and no more; acceleration, jerk and the workspace are the business of whoever lets
//! commands through to the robot.

use super::robot::Robot;

/// What kept a command from what was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// The arm cannot move its tip that way from here.
    Singular,
    /// That joint is at a limit of its position.
    Position(usize),
    /// That joint is as fast as it may be.
    Speed(usize),
    /// That joint of the robot does not come along.
    Behind(usize),
}

impl Limited {
    /// It in words, with the names of `robot`'s joints.
    pub fn words(self, robot: &Robot) -> String {
        let name = |joint: usize| robot.joints[joint].name.as_str();
        match self {
            Self::Singular => "the arm cannot move that way from here".to_owned(),
            Self::Position(joint) => format!("{} is at its limit", name(joint)),
            Self::Speed(joint) => format!("{} is as fast as it may be", name(joint)),
            Self::Behind(joint) => format!("{} of the robot does not come along", name(joint)),
        }
    }
}

/// The limits of every joint.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    joints: Vec<Limit>,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    lower: f64,
    upper: f64,
    speed: f64,
    /// How far a command may be ahead of the robot; a gripper's may be anywhere, or it could not press.
    lead: f64,
}

impl Limits {
    /// The limits of `robot`, with commands ahead of it by what a joint does in `lead` seconds at its greatest speed.
    pub(super) fn new(robot: &Robot, lead: f64) -> Self {
        let limit = |(number, joint): (usize, &super::robot::Joint)| Limit {
            lower: joint.lower,
            upper: joint.upper,
            speed: joint.speed,
            lead: if robot.gripper == Some(number) { f64::INFINITY } else { joint.speed * lead },
        };
        Self { joints: robot.joints.iter().enumerate().map(limit).collect() }
    }

    /// Brings `command` as near to `target` as it may come in `dt` seconds with the robot at `measured`.
    ///
    /// A command that lies beyond a limit, because the robot does, comes back and never goes further out.
    pub(super) fn bring(
        &self,
        command: &mut [f64],
        target: &[f64],
        measured: &[f64],
        dt: f64,
        limited: &mut Vec<Limited>,
    ) {
        for (joint, limit) in self.joints.iter().enumerate() {
            let from = command[joint];
            let inside = target[joint].clamp(limit.lower.min(from), limit.upper.max(from));
            let near = inside.clamp(measured[joint] - limit.lead, measured[joint] + limit.lead);
            let to = near.clamp(from - limit.speed * dt, from + limit.speed * dt);
            command[joint] = to;
            let tells = |a: f64, b: f64| (a - b).abs() > 1e-9;
            let reason = if tells(inside, target[joint]) {
                Some(Limited::Position(joint))
            } else if tells(near, inside) {
                Some(Limited::Behind(joint))
            } else if tells(to, near) {
                Some(Limited::Speed(joint))
            } else {
                None
            };
            limited.extend(reason.filter(|reason| !limited.contains(reason)));
        }
    }
}
