//! The watchdog: what fell silent, died or lost its time, asked at every tick.
//!
//! Each of these is found by what is missing, so it cannot be left to whoever is missing: the control thread looks, at its own
//! rate. What is found is a reason to hold; how a hold ends is the gate's to say. Where several things are wrong the gravest is
//! said, and the clock is looked at first, because by a wrong clock nobody is late.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::gate::{Odd, Reason, milliseconds};
use crate::time::Stamp;

/// The section `control.watchdog`. How old a stream may be is said where the stream is, under `observe`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// So old may the measured position of a joint be.
    #[serde(deserialize_with = "above_zero")]
    pub joints_ms: f64,
    /// So long a person's command and his button stand for what he wants.
    #[serde(deserialize_with = "above_zero")]
    pub expert_ms: f64,
    /// So long may the thinking thread give no sign of life. It gives one when it begins and when it ends a thought.
    #[serde(deserialize_with = "above_zero")]
    pub thinking_ms: f64,
    /// So long may nobody listen to the commands.
    #[serde(deserialize_with = "above_zero")]
    pub link_ms: f64,
    /// So much may the clock go ahead at once, beyond the time that passed.
    #[serde(deserialize_with = "above_zero")]
    pub leap_ms: f64,
    /// So long may it stand.
    #[serde(deserialize_with = "above_zero")]
    pub stopped_ms: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            joints_ms: 100.0,
            expert_ms: 250.0,
            thinking_ms: 5000.0,
            link_ms: 500.0,
            leap_ms: 500.0,
            stopped_ms: 500.0,
        }
    }
}

fn above_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    match value > 0.0 && value.is_finite() {
        true => Ok(value),
        false => Err(D::Error::custom(format!("{value} is not above 0"))),
    }
}

/// How old everything is at one tick. `None` is something that was never heard of.
#[derive(Clone, Copy, Debug)]
pub struct Ages<'a> {
    /// The newest sample of each stream that the policy sees by, in the order of their bounds.
    pub streams: &'a [Option<Duration>],
    /// The measured position of each joint.
    pub joints: &'a [Option<Duration>],
    /// The last sign of life of the thinking thread; nothing where that has ended.
    pub thinking: Option<Duration>,
    /// When somebody was last known to listen to the commands; zero where the bus cannot tell.
    pub link: Option<Duration>,
}

/// Bounds on ages, and the clock as it was at the tick before.
#[derive(Clone, Debug)]
pub struct Watchdog {
    streams: Vec<Duration>,
    joints: Duration,
    thinking: Duration,
    link: Duration,
    leap: Duration,
    stopped: Duration,
    last: Option<Tick>,
}

#[derive(Clone, Copy, Debug)]
struct Tick {
    now: Stamp,
    monotonic: Duration,
    /// When the clock last moved, by the monotonic one.
    moved: Duration,
}

impl Watchdog {
    /// Watches streams, each with the age it may have.
    pub fn new(config: &Config, streams: Vec<Duration>) -> Self {
        Self {
            streams,
            joints: milliseconds(config.joints_ms),
            thinking: milliseconds(config.thinking_ms),
            link: milliseconds(config.link_ms),
            leap: milliseconds(config.leap_ms),
            stopped: milliseconds(config.stopped_ms),
            last: None,
        }
    }

    /// Forgets the clock, as where time is known to begin anew.
    pub fn restart(&mut self) {
        self.last = None;
    }

    /// What is wrong at this tick, the gravest first.
    ///
    /// `now` is the time the node lives by, which may be `/clock`'s; `monotonic` is that of the machine, from any beginning. A leap
    /// of the clock is said once, at the tick that sees it: the gate does not forget it. `policy` says whether one is there to be
    /// watched; without it neither its thread nor what it sees by is missed.
    pub fn look(&mut self, ages: &Ages<'_>, policy: bool, now: Stamp, monotonic: Duration) -> Option<Reason> {
        let late = |age: &Option<Duration>, bound: Duration| age.is_none_or(|age| age > bound);
        let clock = self.clock(now, monotonic).map(Reason::Clock);
        clock
            .or_else(|| late(&ages.link, self.link).then_some(Reason::Link))
            .or_else(|| ages.joints.iter().position(|age| late(age, self.joints)).map(Reason::Blind))
            .or_else(|| (policy && late(&ages.thinking, self.thinking)).then_some(Reason::Thinking))
            .or_else(|| if policy { self.silent(ages.streams) } else { None })
    }

    /// The first stream that is too old. A stream whose age is not even told is silent.
    fn silent(&self, ages: &[Option<Duration>]) -> Option<Reason> {
        let mut streams = self.streams.iter().enumerate();
        let silent = |(at, bound): (usize, &Duration)| {
            ages.get(at).copied().flatten().is_none_or(|age| age > *bound).then_some(at)
        };
        streams.find_map(silent).map(Reason::Stale)
    }

    fn clock(&mut self, now: Stamp, monotonic: Duration) -> Option<Odd> {
        let last = self.last.replace(Tick { now, monotonic, moved: monotonic })?;
        let passed = monotonic.saturating_sub(last.monotonic);
        if now < last.now {
            return Some(Odd::Back);
        }
        if now > last.now {
            return (now.since(last.now) > passed.saturating_add(self.leap)).then_some(Odd::Ahead);
        }
        self.last = Some(Tick { now, monotonic, moved: last.moved });
        (monotonic.saturating_sub(last.moved) > self.stopped).then_some(Odd::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Option<Duration> = Some(Duration::ZERO);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn dog() -> Watchdog {
        Watchdog::new(&Config::default(), vec![ms(50), ms(100)])
    }

    fn ages<'a>(streams: &'a [Option<Duration>], joints: &'a [Option<Duration>]) -> Ages<'a> {
        Ages { streams, joints, thinking: FRESH, link: FRESH }
    }

    #[test]
    fn each_silence_is_found_at_its_bound_and_the_gravest_is_said() {
        let look = |ages: &Ages<'_>| dog().look(ages, true, Stamp(0), Duration::ZERO);
        let (streams, joints) = ([Some(ms(50)), Some(ms(100))], [FRESH, Some(ms(100))]);
        assert_eq!(look(&ages(&streams, &joints)), None, "at its bound nothing is late");
        assert_eq!(look(&ages(&[Some(ms(50)), Some(ms(101))], &joints)), Some(Reason::Stale(1)));
        assert_eq!(look(&ages(&[None, Some(ms(500))], &joints)), Some(Reason::Stale(0)), "never heard of");
        assert_eq!(look(&ages(&[FRESH], &joints)), Some(Reason::Stale(1)), "not even told");
        let mut worse = Ages { thinking: Some(ms(5001)), ..ages(&[None, None], &joints) };
        assert_eq!(look(&worse), Some(Reason::Thinking));
        let blind = [FRESH, None];
        worse.joints = &blind;
        assert_eq!(look(&worse), Some(Reason::Blind(1)));
        worse.link = Some(ms(501));
        assert_eq!(look(&worse), Some(Reason::Link));
    }

    #[test]
    fn without_a_policy_only_the_robot_is_watched() {
        let mut dog = dog();
        let mut found =
            |joints: &[Option<Duration>]| dog.look(&ages(&[None, None], joints), false, Stamp(0), ms(0));
        assert_eq!(found(&[FRESH]), None);
        assert_eq!(found(&[None]), Some(Reason::Blind(0)));
    }

    #[test]
    fn a_clock_that_stops_or_leaps_is_found() {
        let mut dog = dog();
        let streams = [FRESH, FRESH];
        let mut at = |now: u64, monotonic: u64| {
            dog.look(&ages(&streams, &[]), true, Stamp(ms(now).as_nanos() as i64), ms(monotonic))
        };
        assert_eq!(at(1000, 0), None, "any beginning");
        assert_eq!(at(1004, 4), None);
        assert_eq!(at(1504, 4), None, "a simulation may be faster than time");
        assert_eq!(at(2005, 4), Some(Reason::Clock(Odd::Ahead)));
        assert_eq!(at(2005, 504), None, "it stands, but not for long");
        assert_eq!(at(2005, 505), Some(Reason::Clock(Odd::Stopped)));
        assert_eq!(at(2005, 900), Some(Reason::Clock(Odd::Stopped)), "as long as it stands");
        assert_eq!(at(2006, 904), None);
        assert_eq!(at(2005, 908), Some(Reason::Clock(Odd::Back)));
        assert_eq!(at(2009, 912), None, "said once");
        assert_eq!(at(99_009, 97_912), None, "the process slept, and the clock was right");
    }
}
