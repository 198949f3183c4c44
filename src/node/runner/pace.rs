//! When the next tick of control is: by the machine's own time, or by what `/clock` says.
//!
//! By the machine's time each tick has an absolute deadline, so that a late one makes the next no later; what was missed is not made
//! up for, because two commands at once are a jerk. By `/clock` a message that passes a period is a tick, and its stamp the tick's:
//! a simulator that waits for the `command` of its own stamp goes on at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::thread::{ClockId, clock_nanosleep_absolute};
use rustix::time::{Timespec, clock_gettime};

use crate::bus::typed::{self, read};
use crate::bus::{self, Bus, Inbox, Limit, Subscription};
use crate::msg;
use crate::time::{Clock, Stamp};
use crate::wire::{History, Qos};

/// The topic of simulated time.
pub(super) const CLOCK: &str = "/clock";
/// How long a wait for `/clock` goes on before it is looked whether it still has a point.
const LOOK_UP: Duration = Duration::from_millis(20);

/// By whose time a runner lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// The machine's.
    #[default]
    Wall,
    /// That of `/clock`.
    Clock,
    /// That of `/clock`, and at each of its ticks everything said then is heard and thought about before the command goes out: for
    /// simulators that wait. Nothing depends on how fast the machine is.
    Lockstep,
}

/// What time it is, for every thread of a runner.
#[derive(Clone)]
pub(super) struct Hours {
    clock: Arc<dyn Clock>,
    told: Option<Arc<AtomicI64>>,
}

impl Hours {
    pub(super) fn new(bus: &dyn Bus, pace: Pace) -> Self {
        let told = (pace != Pace::Wall).then(Arc::default);
        Self { clock: bus.clock(), told }
    }

    /// The time now: by `/clock` that of the newest message that was heard.
    pub(super) fn now(&self) -> Stamp {
        self.told.as_ref().map_or_else(|| self.clock.now(), |told| Stamp(told.load(Relaxed)))
    }

    /// `/clock` said so.
    pub(super) fn tell(&self, now: Stamp) {
        if let Some(told) = &self.told {
            told.store(now.0, Relaxed);
        }
    }
}

/// The machine's own time, from any beginning.
pub(super) fn monotonic() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(u64::try_from(tv_sec).unwrap_or(0), u32::try_from(tv_nsec).unwrap_or(0))
}

/// Hears `/clock` into an inbox.
pub(super) fn hear(bus: &dyn Bus, inbox: &Inbox) -> Result<Subscription, bus::Error> {
    let asked = Qos { history: History::KeepLast(10), ..Qos::sensor() };
    typed::subscribe::<msg::std::Clock>(bus, CLOCK, asked, inbox)
}

/// Why control was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// A tick is due.
    Tick(Stamp),
    /// `/clock` says once more what it said at the last tick: whoever waits did not hear the answer.
    Again,
    /// `/clock` stands.
    Idle,
    /// Nothing is due.
    Nothing,
}

/// Wakes control.
pub(super) struct Ticker {
    period: Duration,
    hours: Hours,
    clock: Option<(Inbox, Subscription)>,
    /// When the next tick is due, by the machine's time or by `/clock`.
    due: Option<Duration>,
    last: Option<Stamp>,
    /// How many ticks were left out because the one before them was late.
    pub(super) missed: u64,
}

impl Ticker {
    pub(super) fn open(
        bus: &dyn Bus,
        pace: Pace,
        hours: Hours,
        period: Duration,
    ) -> Result<Self, bus::Error> {
        let hear = || {
            let inbox = Inbox::new(Limit { samples: 64, bytes: 1 << 16 });
            let subscription = hear(bus, &inbox)?;
            Ok::<_, bus::Error>((inbox, subscription))
        };
        let clock = (pace != Pace::Wall).then(hear).transpose()?;
        Ok(Self { period, hours, clock, due: None, last: None, missed: 0 })
    }

    /// The time between two ticks.
    pub(super) fn period(&self) -> Duration {
        self.period
    }

    /// Waits for the next tick, or for something to do without one.
    pub(super) fn next(&mut self) -> Woken {
        match &self.clock {
            None => self.sleep(),
            Some((inbox, _)) => match inbox.wait(Instant::now() + LOOK_UP) {
                None => Woken::Idle,
                Some(sample) => match read::<msg::std::Clock>(&sample) {
                    Ok(said) => self.told(Stamp::from_parts(said.clock.sec, said.clock.nanosec)),
                    // Who listens to everything else counts it.
                    Err(_) => Woken::Nothing,
                },
            },
        }
    }

    fn sleep(&mut self) -> Woken {
        let now = monotonic();
        let mut due = self.due.map_or(now, |due| due + self.period);
        if due + self.period <= now {
            let late = (now - due).as_nanos() / self.period.as_nanos().max(1);
            let late = u32::try_from(late).unwrap_or(u32::MAX);
            self.missed += u64::from(late);
            due += self.period * late;
        }
        self.due = Some(due);
        let request = Timespec { tv_sec: due.as_secs() as i64, tv_nsec: i64::from(due.subsec_nanos()) };
        // A signal may end the wait early; the deadline stays the same.
        while clock_nanosleep_absolute(ClockId::Monotonic, &request) == Err(rustix::io::Errno::INTR) {}
        Woken::Tick(self.hours.now())
    }

    fn told(&mut self, now: Stamp) -> Woken {
        let at = Duration::from_nanos(u64::try_from(now.0).unwrap_or(0));
        match self.last {
            Some(last) if now == last => return Woken::Again,
            Some(last) if now > last && self.due.is_some_and(|due| at < due) => return Woken::Nothing,
            _ => {}
        }
        // One that comes late, and time that begins anew, begin a new row of ticks.
        let in_row = self.due.filter(|due| at >= *due && at < *due + self.period);
        self.due = Some(in_row.unwrap_or(at) + self.period);
        self.last = Some(now);
        Woken::Tick(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Node;
    use crate::bus::local::Hub;
    use crate::bus::typed::Publisher;

    #[test]
    fn a_message_that_passes_a_period_is_a_tick() -> Result<(), Box<dyn std::error::Error>> {
        let bus = Hub::default().join(Node::new("n", "")?);
        let hours = Hours::new(&bus, Pace::Clock);
        let mut ticker = Ticker::open(&bus, Pace::Clock, hours, Duration::from_millis(10))?;
        let mut clock = Publisher::<msg::std::Clock>::open(&bus, CLOCK, Qos::reliable(10))?;
        let mut at = |ms: i32| -> Result<Woken, Box<dyn std::error::Error>> {
            let nanosec = u32::try_from(ms)? * 1_000_000;
            clock.send(&msg::std::Clock { clock: msg::std::Time { sec: 5, nanosec } })?;
            Ok(ticker.next())
        };
        let stamp = |ms: u32| Stamp::from_parts(5, ms * 1_000_000);
        assert_eq!(at(100)?, Woken::Tick(stamp(100)));
        assert_eq!(at(105)?, Woken::Nothing);
        assert_eq!(at(112)?, Woken::Tick(stamp(112)), "it is a little late");
        assert_eq!(at(112)?, Woken::Again);
        assert_eq!(at(120)?, Woken::Tick(stamp(120)), "and makes the next no later");
        assert_eq!(at(200)?, Woken::Tick(stamp(200)));
        assert_eq!(at(205)?, Woken::Nothing, "a late one begins a new row");
        assert_eq!(at(50)?, Woken::Tick(stamp(50)), "time begins anew");
        assert_eq!(ticker.next(), Woken::Idle);
        Ok(())
    }

    #[test]
    fn by_the_machines_time_what_was_missed_is_not_made_up_for() -> Result<(), Box<dyn std::error::Error>> {
        let bus = Hub::default().join(Node::new("n", "")?);
        let hours = Hours::new(&bus, Pace::Wall);
        let mut ticker = Ticker::open(&bus, Pace::Wall, hours, Duration::from_millis(1))?;
        assert!(matches!(ticker.next(), Woken::Tick(_)));
        let begun = monotonic();
        // As if it had not been waited for since five periods.
        ticker.due = ticker.due.map(|due| due - Duration::from_micros(5500));
        ticker.next();
        assert!(ticker.missed >= 3, "{}", ticker.missed);
        ticker.next();
        assert!(monotonic() - begun >= Duration::from_micros(300));
        Ok(())
    }
}
