//! What the threads of a runner share, and in which way each of them may wait for it.
//!
//! ```text
//!   listening ── Known ──try──► control ──Said──► speaking        control waits for nobody (in lockstep for the other two)
//!       │                         ▲   └──spent──┐
//!       └── Sight ──wait──► thinking ── Course ─┘                 thinking waits for what is seen
//!   services, keys ── Wishes ──► control
//! ```

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use super::known::Known;
use super::lock;
use super::pace::monotonic;
use crate::data::Observation;
use crate::msg::own::Intervention;
use crate::time::Stamp;

/// An instant of the machine's time that others may ask for; zero is never.
#[derive(Debug, Default)]
pub(super) struct Mark(AtomicU64);

impl Mark {
    pub(super) fn set(&self) {
        self.0.store(u64::try_from(monotonic().as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    pub(super) fn clear(&self) {
        self.0.store(0, Relaxed);
    }

    /// How long ago it was set at `now`; nothing where it is not.
    pub(super) fn age(&self, now: Duration) -> Option<Duration> {
        let at = self.0.load(Relaxed);
        (at > 0).then(|| now.saturating_sub(Duration::from_nanos(at)))
    }
}

/// Since when a robot is held and stands, by the hours that observations are stamped by.
#[derive(Debug)]
pub(super) struct Rest(AtomicI64);

impl Default for Rest {
    /// Nobody has moved it yet.
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Rest {
    /// Whether it stands, as it is `now`.
    pub(super) fn tell(&self, stands: bool, now: Stamp) {
        match (stands, self.0.load(Relaxed)) {
            (false, _) => self.0.store(i64::MAX, Relaxed),
            // It comes to rest, or time begins anew.
            (true, since) if since == i64::MAX || since > now.0 => self.0.store(now.0, Relaxed),
            (true, _) => {}
        }
    }

    /// Whether it has stood since `then`.
    pub(super) fn since(&self, then: Stamp) -> bool {
        self.0.load(Relaxed) <= then.0
    }
}

/// What an operator wants, until control takes it up.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    take: AtomicU8,
    resume: AtomicBool,
    hold: AtomicBool,
}

/// Something an operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// To drive, or no longer.
    Take(bool),
    /// That the policy goes on.
    Resume,
    /// That the robot is held.
    Hold,
}

impl Wishes {
    pub(super) fn utter(&self, wish: Wish) {
        match wish {
            Wish::Take(takes) => self.take.store(if takes { 1 } else { 2 }, Relaxed),
            Wish::Resume => self.resume.store(true, Relaxed),
            Wish::Hold => self.hold.store(true, Relaxed),
        }
    }

    pub(super) fn take(&self) -> Option<bool> {
        match self.take.swap(0, Relaxed) {
            0 => None,
            said => Some(said == 1),
        }
    }

    pub(super) fn resume(&self) -> bool {
        self.resume.swap(false, Relaxed)
    }

    pub(super) fn hold(&self) -> bool {
        self.hold.swap(false, Relaxed)
    }
}

/// What was seen, for whoever thinks about it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Since the last gap, the newest last.
    pub(super) history: Vec<Observation>,
    /// Counts up with every tick of the grid.
    pub(super) version: u64,
    /// The version that was thought about last.
    pub(super) considered: u64,
    /// Everything that is said at this instant was heard.
    pub(super) through: Stamp,
    /// What was missing at the last tick.
    pub(super) gap: Option<String>,
}

/// What was seen, and the news of it.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub(super) seen: Mutex<Seen>,
    pub(super) news: Condvar,
}

impl Sight {
    /// Waits until all that is said at `now` was heard and thought about, or `over` says that nobody thinks any more. Says whether it was.
    pub(super) fn through(&self, now: Stamp, patience: Duration, over: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + patience;
        let mut seen = lock(&self.seen);
        while seen.through != now || seen.considered < seen.version {
            let left = deadline.saturating_duration_since(Instant::now());
            // Where nobody thinks any more time may have gone on meanwhile.
            if left.is_zero() || (over() && seen.through >= now) {
                return false;
            }
            seen = wait(&self.news, seen, left.min(Duration::from_millis(20)));
        }
        true
    }
}

/// What `condvar` waits with.
pub(super) fn wait<'a, T>(
    condvar: &Condvar,
    guard: std::sync::MutexGuard<'a, T>,
    most: Duration,
) -> std::sync::MutexGuard<'a, T> {
    condvar.wait_timeout(guard, most).unwrap_or_else(std::sync::PoisonError::into_inner).0
}

/// What the threads share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) known: Mutex<Known>,
    pub(super) sight: Sight,
    pub(super) wishes: Wishes,
    /// The thinking thread's last sign of life.
    pub(super) alive: Mark,
    /// When the thought that is under way began.
    pub(super) thinking: Mark,
    /// There is no thinking thread any more.
    pub(super) dead: AtomicBool,
    /// Nothing shall be thought of.
    pub(super) pauses: AtomicBool,
    /// When somebody was last known to listen to the commands.
    pub(super) link: Mark,
    /// Every controller of the robot's was there once.
    pub(super) obeyed: AtomicBool,
    /// Who drives, as [`Intervention`] says it.
    pub(super) driver: AtomicU8,
    /// Since when the robot is held and stands.
    pub(super) rest: Rest,
    /// How many observations the policy sees.
    pub(super) history: AtomicUsize,
    /// The runner shall end: everybody but control and speaking may.
    pub(super) ends: AtomicBool,
    /// Control has ended.
    pub(super) still: AtomicBool,
    pub(super) counts: Counts,
}

/// What is counted, each by one thread.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Messages that did not read.
    pub(super) refused: AtomicU64,
    /// Messages of a second publisher where one may speak.
    pub(super) seconds: AtomicU64,
    /// Ticks of the grid at which a stream had nothing to say.
    pub(super) gaps: AtomicU64,
    /// Chunks that were taken in.
    pub(super) chunks: AtomicU64,
    /// Chunks older than one before them.
    pub(super) overtaken: AtomicU64,
    /// Actions that came too late.
    pub(super) late: AtomicU64,
    /// Thoughts without a chunk.
    pub(super) unthought: AtomicU64,
    /// Commands that found no room on their way.
    pub(super) crowded: AtomicU64,
    /// Commands that were outdated before the bus could take them, and not sent to the robot.
    pub(super) outdated: AtomicU64,
    /// Ticks that were left out.
    pub(super) missed: AtomicU64,
    /// Ticks in all.
    pub(super) ticks: AtomicU64,
    /// Policies that took the place of another.
    pub(super) reloads: AtomicU64,
    /// Messages that the bus did not take.
    pub(super) unsent: AtomicU64,
}

impl Shared {
    pub(super) fn new(joints: usize, streams: usize) -> Self {
        let (sight, wishes, alive, thinking, link, counts) = Default::default();
        let (dead, obeyed, pauses, ends, still, rest, history) = Default::default();
        let driver = AtomicU8::new(Intervention::HOLD);
        let known = Mutex::new(Known::new(joints, streams));
        Self {
            known,
            sight,
            wishes,
            alive,
            thinking,
            dead,
            pauses,
            link,
            obeyed,
            driver,
            rest,
            history,
            ends,
            still,
            counts,
        }
    }

    pub(super) fn ends(&self) -> bool {
        self.ends.load(Relaxed)
    }
}

pub(super) fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Relaxed);
}
