//! Time as a bag has it: that of the sample delivered last or, at a pace, what has passed since the start, but never past
//! the next sample, so that it waits with a player that waits.
//!
//! Were it the wall's, whatever is measured in a bag (an age, a silence) would depend on how fast the bag is played, and two
//! replays would differ.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::bus::lock;
use crate::time::{Clock, Stamp};

/// Longer than any bag is played.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The clock of a bag that is played.
pub(super) struct BagClock {
    told: AtomicI64,
    running: Mutex<Option<Running>>,
}

/// Time that runs at a pace.
#[derive(Clone, Copy)]
struct Running {
    from: Stamp,
    since: Instant,
    times: f64,
    next: Stamp,
}

impl BagClock {
    pub(super) fn new(start: Stamp) -> Self {
        Self { told: AtomicI64::new(start.0), running: Mutex::default() }
    }

    /// From now on it is not before `stamp`.
    pub(super) fn tell(&self, stamp: Stamp) {
        self.told.fetch_max(stamp.0, Relaxed);
    }

    /// Has time run from `from`, that many seconds in one of ours.
    pub(super) fn run(&self, from: Stamp, times: f64) {
        *lock(&self.running) = Some(Running { from, since: Instant::now(), times, next: from });
    }

    /// Lets running time go on to `due`, and says when it will be there; `None` where it does not run.
    pub(super) fn run_to(&self, due: Stamp) -> Option<Instant> {
        let mut running = lock(&self.running);
        let running = running.as_mut()?;
        running.next = running.next.max(due);
        let away = due.since(running.from).as_secs_f64() / running.times;
        // A pace of nothing, or of something that is no pace, never gets there.
        let away = Duration::try_from_secs_f64(away).unwrap_or(Duration::MAX);
        Some(running.since.checked_add(away).unwrap_or_else(|| running.since + FOREVER))
    }
}

impl Clock for BagClock {
    fn now(&self) -> Stamp {
        let told = Stamp(self.told.load(Relaxed));
        lock(&self.running).map_or(told, |running| running.now().max(told))
    }
}

impl Running {
    fn now(&self) -> Stamp {
        let passed = Duration::try_from_secs_f64(self.since.elapsed().as_secs_f64() * self.times);
        (self.from + passed.unwrap_or_default()).min(self.next)
    }
}
