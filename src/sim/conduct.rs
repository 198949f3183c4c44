//! How the expert goes about an attempt: at his best, carelessly, or not at the task at all.
//!
//! A learner meets all three: people who show how it is done, people who get there by way of mistakes, and recordings in which
//! nobody wanted anything in particular. Whatever he has in mind follows from the seed and the time alone, so that he too can be asked in
//! any state.

use nalgebra::Vector3;

use super::expert::Aim;
use super::play::Play;
use crate::noise::Noise;

/// How high above its aim a careless hand arrives, m, and how far beside it on average.
const TOO_HIGH: f64 = 0.06;
const BESIDE: f64 = 0.02;
/// For how long a mistake goes unnoticed, s.
const UNNOTICED: std::ops::Range<f64> = 1.2..2.4;

/// How the expert goes about an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// At his best.
    #[default]
    Careful,
    /// He goes to a place above the right one, stays there until he notices, and only then does it right.
    Careless,
    /// He moves about from place to place, whatever the task is.
    Playful,
}

/// What he has in mind in one attempt.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mind {
    /// The task.
    Task,
    /// The task, with a mistake.
    Slips(Slip),
    /// Nothing.
    Play(Play),
}

/// A mistake: by how much, and until when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slip {
    off: Vector3<f64>,
    until: f64,
}

impl Mind {
    /// What comes to the mind in an attempt.
    pub(super) fn draw(conduct: Conduct, noise: &mut Noise) -> Self {
        match conduct {
            Conduct::Careful => Self::Task,
            Conduct::Careless => {
                let off = Vector3::new(BESIDE * noise.normal(), BESIDE * noise.normal(), TOO_HIGH);
                Self::Slips(Slip { off, until: noise.within(UNNOTICED) })
            }
            Conduct::Playful => Self::Play(Play::draw(noise)),
        }
    }

    /// Where the tool is brought at `time`, in seconds since the reset; `task` says where the task wants it.
    pub(super) fn aim(&self, time: f64, task: impl FnOnce() -> Aim) -> Aim {
        match self {
            Self::Task => task(),
            Self::Play(play) => play.aim(time),
            Self::Slips(Slip { off, until }) => {
                let mut aim = task();
                if time < *until {
                    aim.tool.translation.vector += off;
                }
                aim
            }
        }
    }
}
