//! What the limits say of a command: whether it is what was wanted, and what kept it from that.
//!
//! A tick says it in three words that cost nothing; the sentence for people is made where somebody asks for it.

use super::Limits;

/// What a wanted command was in the way of, the least grave first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// The acceleration of a joint would have changed too fast.
    Jerk,
    /// A joint would have gained or lost speed too fast.
    Acceleration,
    /// A joint would have been too fast.
    Speed,
    /// A joint would have gone, or could not have been stopped before it went, beyond its limit.
    Position,
    /// The gripper holds something as strongly as it may.
    Gripper,
    /// The tip would have left its box, or could not have been stopped in it.
    Workspace,
    /// What was wanted is further away than anybody who means it would want it.
    Jump,
    /// What was wanted is no number.
    NoNumber,
    /// What was wanted has not one number for each joint.
    Length,
    /// Nobody has said yet where the robot is.
    Nowhere,
}

/// What became of a wanted command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limited {
    pub(super) by: Option<(Bound, usize)>,
}

impl Limited {
    pub(in crate::control) fn by(bound: Bound, joint: usize) -> Self {
        Self { by: Some((bound, joint)) }
    }

    /// Whether the command is another than the wanted one.
    pub fn changed(self) -> bool {
        self.by.is_some()
    }

    /// What kept it from that; the gravest where it was more than one.
    pub fn bound(self) -> Option<Bound> {
        self.by.map(|(bound, _)| bound)
    }

    /// The joint in question, by its number; `None` where it is about all of them.
    pub fn joint(self) -> Option<usize> {
        let of_one = |bound| !matches!(bound, Bound::Workspace | Bound::Length | Bound::Nowhere);
        self.by.and_then(|(bound, joint)| of_one(bound).then_some(joint))
    }

    /// Whether what was wanted is none that a robot may be brought nearer to: it is braked, and whoever drives must hold.
    pub fn is_fault(self) -> bool {
        self.by.is_some_and(|(bound, _)| bound >= Bound::Jump)
    }

    /// It in words, with the names of the joints of `limits`; empty where nothing was changed.
    pub fn words(self, limits: &Limits) -> String {
        let Some((bound, joint)) = self.by else { return String::new() };
        let name = limits.names.get(joint).map_or("a joint", String::as_str);
        match bound {
            Bound::Jerk => format!("{name} was to be moved with too much of a jerk"),
            Bound::Acceleration => format!("{name} was to gain or lose speed too fast"),
            Bound::Speed => format!("{name} is as fast as it may be"),
            Bound::Position => format!("{name} is at its limit"),
            Bound::Gripper => format!("{name} closes with as much force as it may"),
            Bound::Workspace => "the tip is at the edge of its workspace".to_owned(),
            Bound::Jump => format!("{name} was to be somewhere far away at once"),
            Bound::NoNumber => format!("what {name} was to do is no number"),
            Bound::Length => {
                format!("a command has not one number for each of {} joints", limits.names.len())
            }
            Bound::Nowhere => "nobody has said yet where the robot is".to_owned(),
        }
    }

    /// The graver of the two; the first where they are alike.
    pub(super) fn or(self, other: Self) -> Self {
        if other.bound() > self.bound() { other } else { self }
    }
}
