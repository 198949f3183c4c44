//! The command that left last, and what holds the next one to limits.
//!
//! A robot has limits always. A world where nothing can break may have none: then a command leaves as it is, if it is one.

use std::time::Duration;

use crate::control::limits::{Bound, Going, Limited, Limits};

/// What holds commands to limits: a robot's, or none in a world where nothing can break.
#[derive(Clone, Debug)]
pub(super) enum Held {
    To(Box<Limits>, Going),
    Free { command: Vec<f64>, begun: bool },
}

impl Held {
    pub(super) fn new(limits: Option<Limits>, joints: usize) -> Self {
        match limits {
            Some(limits) => {
                let going = Going::new(&limits);
                Self::To(Box::new(limits), going)
            }
            None => Self::Free { command: vec![0.0; joints], begun: false },
        }
    }

    pub(super) fn limits(&self) -> Option<&Limits> {
        match self {
            Self::To(limits, _) => Some(limits),
            Self::Free { .. } => None,
        }
    }

    pub(super) fn rests(&self) -> bool {
        match self {
            Self::To(_, going) => going.rests(),
            Self::Free { .. } => true,
        }
    }

    pub(super) fn feel(&mut self, effort: Option<f64>) {
        if let (Self::To(_, going), Some(effort)) = (self, effort) {
            going.feel(effort);
        }
    }

    pub(super) fn command(&self) -> Option<&[f64]> {
        match self {
            Self::To(_, going) => going.position(),
            Self::Free { command, begun } => begun.then_some(command),
        }
    }

    /// The joint that does not come along with its commands.
    pub(super) fn behind(&self, measured: &[f64]) -> Option<usize> {
        match self {
            Self::To(limits, going) => limits.behind(going, measured),
            Self::Free { .. } => None,
        }
    }

    /// Where it may be left if it does not come along.
    pub(super) fn leave(&self, measured: &[f64], place: &mut [f64]) {
        if let Self::To(limits, going) = self {
            limits.leave(going, measured, place);
        }
    }

    /// Whether that joint is a gripper.
    pub(super) fn grips(&self, joint: usize) -> bool {
        self.limits().is_some_and(|limits| limits.grips(joint))
    }

    pub(super) fn begin(&mut self, measured: &[f64]) -> bool {
        match self {
            Self::To(_, going) => going.begin(measured),
            Self::Free { command, begun } => {
                if measured.len() != command.len() || measured.iter().any(|position| !position.is_finite()) {
                    return false;
                }
                command.copy_from_slice(measured);
                *begun = true;
                true
            }
        }
    }

    pub(super) fn apply(&mut self, wanted: &[f64], period: Duration) -> Limited {
        match self {
            Self::To(limits, going) => limits.apply(going, wanted, period),
            Self::Free { command, .. } if wanted.len() != command.len() => Limited::by(Bound::Length, 0),
            Self::Free { command, .. } => match wanted.iter().position(|wanted| !wanted.is_finite()) {
                Some(joint) => Limited::by(Bound::NoNumber, joint),
                None => {
                    command.copy_from_slice(wanted);
                    Limited::default()
                }
            },
        }
    }

    pub(super) fn brake(&mut self, period: Duration) -> Limited {
        match self {
            Self::To(limits, going) => limits.brake(going, period),
            Self::Free { .. } => Limited::default(),
        }
    }
}
