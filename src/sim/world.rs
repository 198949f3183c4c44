//! What a world is: a task around the arm, with its random starts, what can be known of it, and how it is judged.
//!
//! A world holds what it placed and nothing of what happened since: everything else is read from [`State`], so that its
//! expert can be asked in any state, also one that the expert would never have come to.

use std::fmt;
use std::time::Duration;

use super::expert::{Aim, Style};
use super::physics::{Physics, Pose};
use super::{Error, JOINTS};
use crate::noise::Noise;

/// The state of the arm and its world at one instant, as it is and not as it is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Seconds since the reset.
    pub time: f64,
    /// Where each joint is, in the order of [`super::NAMES`].
    pub joints: [f64; JOINTS],
    /// How fast each joint moves.
    pub speeds: [f64; JOINTS],
    /// The torque or force of each joint.
    pub efforts: [f64; JOINTS],
    /// The last command.
    pub targets: [f64; JOINTS],
    /// The tool between the fingertips, in the frame of the arm's base.
    pub tool: Pose,
    /// What can be known besides the joints: what else there is, in the order of the world's own [`World::things`], and the tool, last.
    pub things: Vec<Thing>,
}

impl State {
    /// The pose of the thing of that name, which the world has.
    pub fn pose(&self, name: &str) -> Option<&Pose> {
        self.things.iter().find(|thing| thing.name == name).and_then(|thing| match &thing.seen {
            Seen::Pose(pose) => Some(pose),
            Seen::Numbers(_) => None,
        })
    }
}

/// The name of the tool among the things.
pub(super) const TOOL: &str = "tool";

/// Something besides the joints that can be known without a camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    /// Its name, which is that of its topic too.
    pub name: &'static str,
    /// What is known.
    pub seen: Seen,
}

impl Thing {
    /// The topic on which a simulated robot tells it.
    pub fn topic(&self) -> String {
        match self.seen {
            Seen::Pose(_) => format!("/{}_pose", self.name),
            Seen::Numbers(_) => format!("/{}", self.name),
        }
    }
}

/// What is known of a thing.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Where it is, in the frame of the arm's base.
    Pose(Pose),
    /// Numbers.
    Numbers(Vec<f64>),
}

/// How an episode stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Whether the task is done.
    pub success: bool,
    /// How well, from 0 to 1.
    pub score: f64,
    /// Whether nothing that is still done would change that.
    pub settled: bool,
}

/// A task around the arm.
pub trait World: fmt::Debug + Send {
    /// Lays everything out for a new episode.
    fn reset(&mut self, physics: &mut Physics, noise: &mut Noise);

    /// What happens by itself after each tick; nothing in most worlds.
    fn tick(&mut self, physics: &mut Physics) {
        let _none = physics;
    }

    /// What can be known besides the arm, always the same things in the same order.
    fn things(&self, physics: &Physics) -> Vec<Thing>;

    /// Where an expert in that style would bring the tool next.
    fn aim(&self, state: &State, style: &Style) -> Aim;

    /// How the episode stands.
    fn judge(&self, physics: &Physics, state: &State) -> Judgement;

    /// What a push of that many newtons is applied to, besides the arm itself.
    fn pushed(&self) -> Option<super::physics::Body> {
        None
    }
}

/// A world that can be opened by its name.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What is to be done in it.
    pub about: &'static str,
    /// The scene around the arm, in MJCF.
    pub scene: &'static str,
    /// How long an attempt may take.
    pub limit: Duration,
    /// Looks up its bodies.
    pub open: fn(&Physics) -> Result<Box<dyn World>, Error>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}
