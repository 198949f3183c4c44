//! A clock that tells what it was told last.
//!
//! `/clock` tells it in a simulation, and a test that owns its time.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::complaint::Complaint;
use super::typed::{self, read};
use super::{Bus, Error, Inbox, Limit, Subscription};
use crate::msg;
use crate::time::{Clock, Stamp};
use crate::wire::Qos;

/// How often the thread that follows `/clock` looks whether anybody still asks for the time.
const LOOK_UP: Duration = Duration::from_millis(500);

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

/// The time of `/clock`: zero until it says something, as everywhere in ROS 2.
#[derive(Debug)]
struct SimClock {
    told: ToldClock,
    _subscription: Subscription,
}

impl Clock for SimClock {
    fn now(&self) -> Stamp {
        self.told.now()
    }
}

/// Follows `/clock` as long as anybody holds the clock.
pub(super) fn follow(bus: &dyn Bus) -> Result<Arc<dyn Clock>, Error> {
    let inbox = Inbox::new(Limit { samples: 1, bytes: 1024 });
    let asked = Qos { history: crate::wire::History::KeepLast(1), ..Qos::sensor() };
    let subscription = typed::subscribe::<msg::std::Clock>(bus, "/clock", asked, &inbox)?;
    let clock = Arc::new(SimClock { told: ToldClock::default(), _subscription: subscription });
    let followed = Arc::downgrade(&clock);
    thread::Builder::new()
        .name("bus clock".to_owned())
        .spawn(move || tell(&followed, &inbox))
        .map_err(|error| Error::Open { bus: "/clock", source: error.into() })?;
    Ok(clock)
}

fn tell(followed: &Weak<SimClock>, inbox: &Inbox) {
    let mut misunderstood = Complaint::default();
    while followed.strong_count() > 0 {
        let Some(sample) = inbox.wait(Instant::now() + LOOK_UP) else { continue };
        let Some(clock) = followed.upgrade() else { return };
        match read::<msg::std::Clock>(&sample) {
            Ok(said) => clock.told.tell(Stamp::from_parts(said.clock.sec, said.clock.nanosec)),
            Err(error) => {
                if let Some(times) = misunderstood.raise(Instant::now()) {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, times, "/clock was not understood");
                }
            }
        }
    }
}
