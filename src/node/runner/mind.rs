//! Who thinks: a policy as a function, so that the runner needs no libtorch and a test can put anything in its place.
//!
//! A policy keeps nothing between two thoughts, so a function of what was seen and what is promised is all there is to it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::arm::Chunk;
use crate::data::Observation;
use crate::time::Stamp;

/// Why no chunk came of a thought.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unthought {
    /// The policy wants what is no number.
    #[error("what it wants is no number: {0}")]
    NoNumber(String),
    /// It would not, or could not.
    #[error("{0}")]
    Refused(String),
}

/// What the robot will do until a new chunk takes over.
#[derive(Clone, Copy, Debug)]
pub struct Promise<'a> {
    /// The plan.
    pub chunk: &'a Chunk,
    /// What is due before this instant will have been carried out when the new chunk comes.
    pub until: Stamp,
}

/// What came of a thought.
#[derive(Clone, Debug, PartialEq)]
pub struct Thought {
    /// What to do.
    pub chunk: Chunk,
    /// How doubtful the policy is of it; nothing where it does not say.
    pub doubt: Option<f32>,
}

/// Thinks of what to do after these observations, the newest last.
pub type Think =
    Box<dyn FnMut(&[Observation], Option<Promise<'_>>) -> Result<Thought, Unthought> + Send + 'static>;

/// A policy that thinks for a runner.
pub struct Mind {
    /// What it is called: the folder it was read from.
    pub name: String,
    /// How many observations it sees.
    pub history: usize,
    /// How long its chunks last.
    pub lasts: Duration,
    /// The doubt from which it asks for a person, where it says any.
    pub threshold: Option<f32>,
    /// What it does.
    pub think: Think,
}

impl fmt::Debug for Mind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Mind")
            .field("name", &self.name)
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}

/// Reads a policy from a folder, refuses it in words where it is none for this robot, and lets it think a few times so that its first
/// thought in earnest takes no longer than any other.
pub type Load = Box<dyn FnMut(&Path) -> Result<Mind, Unthought> + Send + 'static>;
