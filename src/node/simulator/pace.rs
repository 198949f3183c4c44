//! How time passes: as on the wall, as fast as it goes, or a command at a time.
//!
//! Real time is kept by absolute deadlines, so that a late tick makes the next one no later. A machine that cannot keep up
//! at all is not chased by a growing debt: after half a second the count begins anew, and that is told.

use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::node::Stop;
use crate::time::Stamp;

/// Beyond this a world that is behind the wall is let be, and says so.
const DEBT: Duration = Duration::from_millis(500);
/// How long a wait goes on before it is looked whether it still has a point.
const LOOK_UP: Duration = Duration::from_millis(20);

/// How time passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// A second of the world takes a second.
    #[default]
    Real,
    /// As fast as it goes.
    Fast,
    /// One tick for each command.
    Lockstep,
}

/// A word that is no pace.
#[derive(Debug, thiserror::Error)]
#[error("{word:?} is no rate; there are real, fast and lockstep")]
pub struct Unknown {
    word: String,
}

impl FromStr for Pace {
    type Err = Unknown;

    fn from_str(word: &str) -> Result<Self, Unknown> {
        match word {
            "real" => Ok(Self::Real),
            "fast" => Ok(Self::Fast),
            "lockstep" => Ok(Self::Lockstep),
            _ => Err(Unknown { word: word.to_owned() }),
        }
    }
}

/// Holds the world back until the wall has caught up.
#[derive(Debug)]
pub(super) struct Wall {
    /// An instant of the world and when on the wall it was.
    begun: Option<(Stamp, Instant)>,
    /// How many ticks were late by more than [`DEBT`].
    pub(super) late: u64,
}

impl Wall {
    pub(super) fn new() -> Self {
        Self { begun: None, late: 0 }
    }

    /// Waits until the wall has come to `now`, or until somebody wishes to stop.
    pub(super) fn wait(&mut self, now: Stamp, stop: &Stop) {
        let (begun, at) = *self.begun.get_or_insert_with(|| (now, Instant::now()));
        let due = at + now.since(begun);
        if due.elapsed() > DEBT {
            self.late += 1;
            self.begun = None;
            tracing::warn!("the world is slower than life here: half a second was lost");
            return;
        }
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() || stop.wished() {
                return;
            }
            std::thread::sleep(left.min(LOOK_UP));
        }
    }
}
