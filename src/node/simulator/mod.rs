//! The simulator: a world behind the topics of a robot, so that no other node can tell the difference.
//!
//! Everything happens on one thread, tick by tick, so that the same seed and the same commands give the same bytes whoever
//! listens and however fast the machine is. Time is the world's own: it begins at a fixed instant, goes on by one period of
//! control a tick and never runs backwards, not even at a reset, because nodes that live by `/clock` could not bear it.
//!
//! ```text
//!   tick at t    /clock t · joints, things, pictures, ~/result stamped t · a command · physics until t + one period
//!   real         waits for the wall to reach t           the newest command that came
//!   fast         waits for nobody but a full inbox       the newest command that came
//!   lockstep     waits for `command` stamped t           that command, or, where it is bad, none
//! ```

mod asked;
mod collect;
mod ear;
mod others;
mod pace;
mod path;
mod person;
mod report;
mod retell;
mod slide;
mod slots;
mod voice;
mod work;

use std::path::PathBuf;
use std::time::Duration;

pub use collect::{Collected, SEED, WORLD, collect, retell};
pub use pace::Pace;
pub use retell::Script;
pub use slide::slide;
pub use work::{Attempt, run};

use super::recorder;
use crate::arm::Dart;
use crate::data::observe::Observe;
use crate::spec::{Act, Name};
use crate::time::Stamp;
use crate::{bag, bus, sim};

/// When every simulation begins: not zero, which in ROS means that there is no time.
pub const BEGINNING: Stamp = Stamp::from_parts(1000, 0);

/// What is simulated, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The world's name.
    pub world: String,
    /// The seed of the first attempt; those that follow count up.
    pub seed: u64,
    /// How time passes.
    pub pace: Pace,
    /// The robot's joints, in the order of its messages.
    pub joints: Vec<String>,
    /// What is published: the joint states and cameras that are observed.
    pub observe: Observe,
    /// Where commands come from, and how often.
    pub act: Act,
    /// The one topic of `apprentice/Command` that is obeyed; unsaid, `command` in lockstep and the topics of `act` otherwise.
    pub commands: Option<Name>,
    /// The cameras that are drawn; all that are observed where unsaid.
    pub cameras: Option<Vec<String>>,
    /// Width and height of every picture; what the robot's file says a policy sees where unsaid.
    pub size: Option<[u32; 2]>,
    /// Whether pictures are also sent as JPEG.
    pub jpeg: bool,
    /// What goes wrong.
    pub disturbance: sim::Disturbance,
    /// Whether the world's own expert drives.
    pub expert: bool,
    /// How the expert goes about it.
    pub conduct: sim::Conduct,
    /// Whether the expert drives by hand: the arm is limp, and he drags it.
    pub teach: bool,
    /// How long the expert goes on after what he was to do is done: who learns from him learns to stay there too.
    pub linger: Duration,
    /// The noise between what the expert means and what is executed.
    pub dart: Option<Dart>,
    /// Whether the next attempt begins when one is over, instead of waiting for `~/reset`.
    pub auto_reset: bool,
    /// The simulation ends after so many attempts.
    pub episodes: Option<u32>,
}

/// What goes wrong with a simulator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The world refused.
    #[error("the world {world:?} refused")]
    World {
        /// Its name.
        world: String,
        /// Why.
        source: Box<sim::Error>,
    },
    /// The bus refused.
    #[error("the bus refused")]
    Bus(#[source] Box<bus::Error>),
    /// The recorder of a collection ended with an error.
    #[error("the recorder ended")]
    Recorder(#[source] Box<recorder::Error>),
    /// The recorder of a collection would not do what it was asked.
    #[error("the recorder did not {what}: {why}")]
    Refused {
        /// What it was asked.
        what: &'static str,
        /// What it said.
        why: String,
    },
    /// A slide that could not be written.
    #[error("the slide {path:?} could not be written")]
    Slide {
        /// Which.
        path: PathBuf,
        /// Why.
        source: image::ImageError,
    },
    /// An attempt that went another way when it was told again.
    #[error(
        "the attempt of seed {seed} did not end as it did the first time: another world, or other settings"
    )]
    Otherwise {
        /// The seed.
        seed: u64,
    },
    /// A bag that could not be labelled.
    #[error("the bag refused")]
    Bag(#[from] bag::Error),
    /// Noise that does not fit the arm.
    #[error("the noise for demonstrations")]
    Dart(#[from] crate::arm::Error),
    /// A joint that the simulated arm does not have.
    #[error("the robot's file names the joint {name:?}; the simulated arm has {known:?}")]
    Joint {
        /// As it was written.
        name: String,
        /// What there is.
        known: &'static [&'static str],
    },
    /// A rate that does not fit into the period of control.
    #[error(
        "{topic:?} has {rate_hz} messages a second, of which {control_hz} ticks a second are no whole multiple"
    )]
    Rate {
        /// The topic.
        topic: String,
        /// What the robot's file promises.
        rate_hz: f64,
        /// Ticks a second.
        control_hz: f64,
    },
    /// A topic whose pictures come from no camera of the worlds.
    #[error("{topic:?} is no camera of the simulator: its first part is one of {known:?}")]
    Camera {
        /// The topic.
        topic: String,
        /// What there is.
        known: &'static [&'static str],
    },
    /// A picture that could not be compressed.
    #[error("a picture could not be made a JPEG")]
    Jpeg(#[source] image::ImageError),
    /// Topics that nobody subscribed to in time.
    #[error("the recorder did not subscribe to {topics:?} within {wait_s} s")]
    Unheard {
        /// Their names.
        topics: Vec<String>,
        /// How long we waited.
        wait_s: u64,
    },
    /// A thread that could not be started, or that panicked.
    #[error("the recorder's thread {what}")]
    Thread {
        /// What happened to it.
        what: &'static str,
    },
}

impl From<bus::Error> for Error {
    fn from(error: bus::Error) -> Self {
        Self::Bus(Box::new(error))
    }
}

impl Options {
    /// The period of control.
    pub fn tick(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.act.rate_hz)
    }

    /// One of how many ticks a topic of that rate speaks at; every one where no rate is promised.
    fn one_of(&self, topic: &str, rate_hz: Option<f64>) -> Result<u64, Error> {
        let (rate_hz, control_hz) = (rate_hz.unwrap_or(self.act.rate_hz), self.act.rate_hz);
        let ticks = control_hz / rate_hz;
        let whole = ticks.round();
        if whole < 1.0 || (ticks - whole).abs() > 1e-6 {
            return Err(Error::Rate { topic: topic.to_owned(), rate_hz, control_hz });
        }
        Ok(whole as u64)
    }

    /// Says of an error of the world's which world it was.
    fn refused(&self) -> impl Fn(sim::Error) -> Error {
        let world = self.world.clone();
        move |source| Error::World { world: world.clone(), source: Box::new(source) }
    }
}
