//! Who drives, and every reason for nobody to.
//!
//! A robot that stands has to say why, or the person beside it guesses. So a hold cannot be entered without a reason, each
//! reason has words for the operator and a cause for programs, and how a hold ends follows from how grave its reason is.

use std::fmt;

use crate::msg::own::Intervention;

/// Who drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The policy.
    Policy,
    /// A person.
    Human,
    /// Nobody: the robot brakes within its limits and stays.
    Hold(Reason),
}

/// Why the robot is held. Streams and joints are numbers into the [`Names`] of whoever watches them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nobody released it yet.
    Start,
    /// There is no policy.
    NoPolicy,
    /// The plan is carried out and there is no new one.
    PlanOver,
    /// Thinking takes longer than a plan lasts: the robot stands while it plans.
    Slow,
    /// Another policy takes the place of this one.
    Reload,
    /// A stream that the policy sees by fell silent.
    Stale(usize),
    /// Where a joint is is not known.
    Blind(usize),
    /// The policy wants something that is no number.
    NoNumber,
    /// The policy wants to be somewhere else at once.
    Jump,
    /// The thread that thinks is dead.
    Thinking,
    /// Nobody listens to the commands any more.
    Link,
    /// A joint does not come along with its commands.
    Behind(usize),
    /// How strongly a joint presses is not known, and a limit bounds it.
    Unfelt(usize),
    /// The clock cannot be trusted.
    Clock(Odd),
    /// A joint is where it may not be.
    Limit(usize),
    /// The policy doubts too much.
    Doubt,
    /// The person's device fell silent while he drove, or another speaks in its place.
    ExpertGone,
    /// A person takes over, and his device has not said anything yet.
    Awaited,
    /// A person takes over with a leader that is too far from the robot.
    Disagrees,
    /// The operator asked for it.
    Stopped,
    /// The person gave back, and somebody has to let the policy go on.
    Returned,
}

/// What is wrong with a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Odd {
    /// It stands.
    Stopped,
    /// It went backwards.
    Back,
    /// It leapt ahead.
    Ahead,
}

/// One reason of each kind, for tables and tests.
pub const REASONS: [Reason; 23] = [
    Reason::Start,
    Reason::NoPolicy,
    Reason::PlanOver,
    Reason::Slow,
    Reason::Reload,
    Reason::Stale(0),
    Reason::Blind(0),
    Reason::NoNumber,
    Reason::Jump,
    Reason::Thinking,
    Reason::Link,
    Reason::Behind(0),
    Reason::Unfelt(0),
    Reason::Clock(Odd::Stopped),
    Reason::Clock(Odd::Back),
    Reason::Clock(Odd::Ahead),
    Reason::Limit(0),
    Reason::Doubt,
    Reason::ExpertGone,
    Reason::Awaited,
    Reason::Disagrees,
    Reason::Stopped,
    Reason::Returned,
];

/// What the numbers in a [`Reason`] stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The streams that are watched, in the watchdog's order.
    pub streams: Vec<String>,
    /// The robot's joints.
    pub joints: Vec<String>,
}

impl Mode {
    /// As [`Intervention`] says it.
    pub fn driver(self) -> u8 {
        match self {
            Self::Policy => Intervention::POLICY,
            Self::Human => Intervention::HUMAN,
            Self::Hold(_) => Intervention::HOLD,
        }
    }
}

impl Reason {
    /// How much it takes to end a hold for this reason, and which of two reasons stays: the graver, but for one that passes by itself.
    ///
    /// 0 ends by itself with the next plan; 1 may, after a short gap; 2 ends with what began it (doubt falls, the person lets go or
    /// his device comes); 3 needs somebody's word; 4 is a fault of the policy and needs it too; 5 is one of the robot, with which not
    /// even a person can drive.
    pub fn gravity(self) -> u8 {
        match self {
            Self::PlanOver | Self::Slow | Self::Reload => 0,
            Self::Stale(_) => 1,
            Self::Doubt | Self::Awaited | Self::Disagrees => 2,
            Self::Start | Self::NoPolicy | Self::ExpertGone | Self::Stopped | Self::Returned => 3,
            Self::NoNumber | Self::Jump | Self::Thinking | Self::Limit(_) => 4,
            Self::Blind(_) | Self::Link | Self::Behind(_) | Self::Unfelt(_) | Self::Clock(_) => 5,
        }
    }

    /// Whether nobody can drive, not even a person.
    pub fn binds_all(self) -> bool {
        self.gravity() == 5
    }

    /// The constant of [`Intervention`] for it.
    pub fn cause(self) -> u8 {
        match self {
            Self::NoPolicy | Self::PlanOver | Self::Slow => Intervention::CAUSE_NO_PLAN,
            Self::Stale(_) => Intervention::CAUSE_STALE,
            Self::Limit(_) => Intervention::CAUSE_LIMIT,
            Self::Doubt => Intervention::CAUSE_DOUBT,
            Self::Blind(_) | Self::Link | Self::Behind(_) | Self::Unfelt(_) => Intervention::CAUSE_FAULT,
            Self::NoNumber | Self::Jump | Self::Thinking => Intervention::CAUSE_FAULT,
            Self::Clock(_) => Intervention::CAUSE_CLOCK,
            Self::ExpertGone | Self::Awaited | Self::Disagrees => Intervention::CAUSE_EXPERT,
            Self::Start | Self::Reload | Self::Stopped | Self::Returned => Intervention::CAUSE_OPERATOR,
        }
    }

    /// Its name, for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::NoPolicy => "no policy",
            Self::PlanOver => "plan over",
            Self::Slow => "slow",
            Self::Reload => "reload",
            Self::Stale(_) => "stale",
            Self::Blind(_) => "blind",
            Self::NoNumber => "no number",
            Self::Jump => "jump",
            Self::Thinking => "thinking",
            Self::Link => "link",
            Self::Behind(_) => "behind",
            Self::Unfelt(_) => "unfelt",
            Self::Clock(_) => "clock",
            Self::Limit(_) => "limit",
            Self::Doubt => "doubt",
            Self::ExpertGone => "expert gone",
            Self::Awaited => "awaited",
            Self::Disagrees => "disagrees",
            Self::Stopped => "stopped",
            Self::Returned => "returned",
        }
    }

    /// What the operator reads. Nothing is allocated until it is written somewhere.
    pub fn words(self, names: &Names) -> impl fmt::Display + '_ {
        Words { reason: self, names }
    }
}

struct Words<'a> {
    reason: Reason,
    names: &'a Names,
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |names: &[String], at: usize| names.get(at).cloned().unwrap_or_else(|| format!("#{at}"));
        let text = match self.reason {
            Reason::Stale(at) => {
                return write!(out, "{:?} fell silent", named(&self.names.streams, at));
            }
            Reason::Blind(at) => {
                return write!(out, "where the joint {:?} is is not known", named(&self.names.joints, at));
            }
            Reason::Behind(at) => {
                let joint = named(&self.names.joints, at);
                return write!(
                    out,
                    "the joint {joint:?} does not come along: its controller is inactive, or something stops the robot"
                );
            }
            Reason::Unfelt(at) => {
                let joint = named(&self.names.joints, at);
                return write!(
                    out,
                    "nothing tells how strongly the joint {joint:?} presses, which `control.limits.gripper` bounds"
                );
            }
            Reason::Limit(at) => {
                return write!(out, "the joint {:?} is where it may not be", named(&self.names.joints, at));
            }
            Reason::Start => "nobody has let it go on yet: ~/resume",
            Reason::NoPolicy => "there is no policy",
            Reason::PlanOver => "the plan is carried out and there is no new one",
            Reason::Slow => "thinking takes longer than a plan lasts: pausing to plan",
            Reason::Reload => "another policy is being taken in",
            Reason::NoNumber => "the policy wants something that is no number",
            Reason::Jump => "the policy wants to leap",
            Reason::Thinking => "nobody thinks any more: of the policy there is no sign of life",
            Reason::Link => "nobody listens to the commands any more",
            Reason::Clock(Odd::Stopped) => "the clock stands",
            Reason::Clock(Odd::Back) => "the clock went backwards",
            Reason::Clock(Odd::Ahead) => "the clock leapt ahead",
            Reason::Doubt => "the policy is in doubt and asks for a person",
            Reason::ExpertGone => {
                "the device of the person who drives fell silent, gave way to another or wants what cannot be: let go and \
                take over anew"
            }
            Reason::Awaited => "a person takes over; waiting for the first word of the device",
            Reason::Disagrees => "a person takes over; the leader is too far from the robot: bring it there",
            Reason::Stopped => "the operator asked for it: ~/resume lets it go on",
            Reason::Returned => "the person gave back: ~/resume lets the policy go on",
        };
        out.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_words_of_its_own_and_a_cause() {
        let names = Names { streams: vec!["front".to_owned()], joints: vec!["elbow".to_owned()] };
        let words: BTreeSet<String> = REASONS.iter().map(|reason| reason.words(&names).to_string()).collect();
        assert_eq!(words.len(), REASONS.len());
        assert!(REASONS.iter().all(|reason| reason.cause() != Intervention::CAUSE_NONE));
        assert!(
            words.contains("\"front\" fell silent") && words.iter().any(|said| said.contains("\"elbow\""))
        );
        assert_eq!(Reason::Stale(7).words(&names).to_string(), "\"#7\" fell silent");
    }
}
