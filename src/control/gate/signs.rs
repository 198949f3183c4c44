//! What a gate is told at each tick.
//!
//! Buttons, services, sensors and thoughts come at rates of their own; here they are what is so at this instant. Each of these is
//! one word of a small set, so that every combination can be tried.

use super::mode::Reason;

/// What is seen at one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signs {
    /// How it stands with the dead-man button.
    pub button: Button,
    /// `~/take` was called since the last tick: whether the person drives.
    pub service: Option<bool>,
    /// The leader was moved by hand.
    pub moved: bool,
    /// Another device speaks in the place of the one that the person drove by.
    pub another: bool,
    /// How it stands with the person's command.
    pub expert: Expert,
    /// How it stands with the policy's plan.
    pub plan: Plan,
    /// The policy's doubt, which is not below zero; nothing where it said none.
    pub doubt: Option<f32>,
    /// What is wrong, the gravest first.
    pub fault: Option<Reason>,
    /// `~/resume` was called since the last tick: the operator wants the policy to go on.
    pub resume: bool,
    /// The policy may go on by itself as soon as it can; unlike the operator's word that overrules no doubt.
    pub released: bool,
    /// The operator wants the robot held.
    pub stop: bool,
}

/// How it stands with the dead-man button.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Button {
    /// Nothing was heard of it lately. To a person who held it that is not letting go: his device died.
    #[default]
    Unheard,
    /// It is not held.
    Free,
    /// It is.
    Held,
}

/// How it stands with the person's command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expert {
    /// There is none, or it is too old.
    #[default]
    Silent,
    /// It is fresh, and too far from the robot to begin with. Asked only of one who takes over.
    Disagrees,
    /// It is fresh and near enough.
    Ready,
}

/// How it stands with the policy's plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plan {
    /// There is no policy.
    #[default]
    NoPolicy,
    /// An action is due.
    Due,
    /// Nothing is due, or nothing was planned yet.
    Over,
    /// Nothing is due, because thinking takes longer than a plan lasts.
    Slow,
    /// Another policy is being taken in.
    Reload,
}

impl Plan {
    /// What is missing.
    pub(super) fn lack(self) -> Reason {
        match self {
            Self::NoPolicy => Reason::NoPolicy,
            Self::Slow => Reason::Slow,
            Self::Reload => Reason::Reload,
            Self::Due | Self::Over => Reason::PlanOver,
        }
    }
}

/// How it stands with the policy's doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It has been low for long enough, or nobody asks for it.
    Calm,
    /// It is neither.
    Unsure,
    /// It asks for a person.
    Over,
    /// It should be there and is not, or is no number: the fullest doubt there is, which nobody can overrule.
    Unknown,
}
