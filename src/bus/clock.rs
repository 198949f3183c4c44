//! A clock that tells what it was told last.
//!
//! `/clock` tells it in a simulation, the bag in a replay, and a test that owns its time.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use crate::time::{Clock, Stamp};

/// A clock that stands until somebody moves it.
#[derive(Debug, Default)]
pub struct ToldClock(AtomicI64);

impl ToldClock {
    /// A clock that says `start`.
    pub fn new(start: Stamp) -> Self {
        Self(AtomicI64::new(start.0))
    }

    /// From now on it is `now`, be it earlier or later than before.
    pub fn tell(&self, now: Stamp) {
        self.0.store(now.0, Relaxed);
    }
}

impl Clock for ToldClock {
    fn now(&self) -> Stamp {
        Stamp(self.0.load(Relaxed))
    }
}
