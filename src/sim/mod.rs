//! The simulator: one arm on a table, tasks around it, and experts who can do them.
//!
//! Physics is MuJoCo's and the arm is the one of the package's own description, so that what is learned here has met
//! contact, inertia and servos that lag. It stands behind a feature of its own: MuJoCo is a library to be fetched, which recording on a robot
//! does not need. A world is one file and one line of [`worlds!`]; `tests/world_contract.rs` holds every one of them to the same list.

mod conduct;
mod disturb;
mod drag;
pub mod expert;
mod fork;
pub mod physics;
mod pick;
mod picking;
mod play;
mod push;
mod reach;
pub mod render;
mod simulation;
mod sort;
mod told;
mod world;

use std::time::Duration;

pub use conduct::Conduct;
pub use disturb::{Disturbance, Kind};
pub use render::{Picture, drawable};
pub use simulation::{Light, Simulation};
pub use told::Told;
pub use world::{Entry, Judgement, Seen, State, Thing, World};

/// How many joints are told where to be: six of the arm and one for the gripper.
pub const JOINTS: usize = 7;
/// Their names, in the order of every array of theirs.
pub const NAMES: [&str; JOINTS] =
    ["shoulder_pan", "shoulder_lift", "elbow", "wrist_pitch", "wrist_yaw", "wrist_roll", "gripper"];
/// The description of the arm.
pub const DESCRIPTION: &str = include_str!("../../urdf/sim_arm.urdf");
/// The cameras of every world.
pub const CAMERAS: [&str; 2] = ["front", "wrist"];

// What each stream of chance of an episode's seed is for.
const LAYING: u64 = 1;
const STYLING: u64 = 2;
const STARTING: u64 = 3;
const DISTURBING: u64 = 4;
const CONDUCTING: u64 = 5;
const PUSHING: u64 = 6;

/// Every world: its name, how long an attempt may take in seconds, and what is to be done.
macro_rules! worlds {
    ($($name:ident, $limit_s:literal, $about:literal;)*) => {
        /// Every world there is.
        pub const WORLDS: &[Entry] = &[$(Entry {
            name: stringify!($name),
            about: $about,
            scene: include_str!(concat!("../../scenes/", stringify!($name), ".xml")),
            limit: Duration::from_secs($limit_s),
            open: $name::open,
        }),*];
    };
}

worlds! {
    reach, 6, "bring the gripper to a pose in the air";
    fork, 8, "bring the gripper past a post: left and right are equally good, straight on collides";
    push, 30, "push a T-shaped block onto its outline with the closed fingers";
    pick, 15, "pick a cube from a random place and put it into a bin";
    sort, 14, "pick the cube or leave it, as a lamp said that has gone out";
}

/// The world of that name.
pub fn world(name: &str) -> Result<&'static Entry, Error> {
    WORLDS.iter().find(|entry| entry.name == name).ok_or_else(|| Error::World {
        name: name.to_owned(),
        known: WORLDS.iter().map(|entry| entry.name).collect(),
    })
}

/// The camera whose pictures come on that topic: the one that is named in it.
pub fn camera_of(topic: &str) -> Option<&'static str> {
    CAMERAS.into_iter().find(|camera| topic.split('/').any(|part| part == *camera))
}

/// What goes wrong in the simulator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// MuJoCo refused the model.
    #[error("the simulator refused the model: {why}")]
    Model {
        /// What it said.
        why: String,
    },
    /// It ran, but physics did not happen.
    #[error("a ball dropped for a second fell {fell_m} m where 4.9 m is right")]
    Physics {
        /// How far it fell.
        fell_m: f64,
    },
    /// Something the scene does not have.
    #[error("the scene has no {what} {name:?}")]
    Name {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A world nobody knows.
    #[error("{name:?} is no world; there are {}", known.join(", "))]
    World {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// A period of control that physics cannot keep.
    #[error("a period of {tick:?} is no whole number of steps of {step_s} s")]
    Tick {
        /// The period.
        tick: Duration,
        /// One step of physics, s.
        step_s: f64,
    },
    /// A state that is not this scene's.
    #[error("the state is not one of this scene: {why}")]
    State {
        /// What MuJoCo said.
        why: String,
    },
    /// A kind of disturbance nobody knows.
    #[error("{word:?} is no disturbance; there are sensor, action, latency and push")]
    Disturbance {
        /// What was asked for.
        word: String,
    },
    /// A disturbance of no size.
    #[error("a disturbance of {size} is none: it is a finite number of at least 0")]
    DisturbanceSize {
        /// What was asked for.
        size: f64,
    },
    /// The arm's description is not what the worlds are made for.
    #[error("the description of the arm")]
    Arm(#[from] crate::arm::Error),
    /// A picture nobody can draw.
    #[error("no picture of {width}x{height} pixels is drawn: they go from 1x1 to {}x{}", render::MOST[0], render::MOST[1])]
    Size {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// No cameras on this machine.
    #[error(
        "cameras need EGL, which did not work ({why}); on Debian and Ubuntu: sudo apt install libegl1 libgl1-mesa-dri. \
         Worlds without cameras run without it"
    )]
    Blind {
        /// What the drawing library said.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_ball_falls_as_far_as_it_should() -> Result<(), Error> {
        physics::check()
    }

    #[test]
    fn a_world_nobody_knows_is_refused_with_those_there_are() {
        let error = world("rech").expect_err("there is none").to_string();
        assert!(error.contains("\"rech\"") && error.contains("there are reach, fork"), "{error}");
    }
}
