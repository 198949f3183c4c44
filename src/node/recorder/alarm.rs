//! What can go wrong with a topic, and the log of when it did and for how long.
//!
//! An alarm has a beginning and an end; the log that an episode takes along keeps both. Its length is bounded: a
//! topic that flaps for an hour fills up a few lines and then only counts.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Stamp;

/// The most entries of one topic's log; later ones are counted into the last of their kind.
const ENTRIES: usize = 64;

/// What goes wrong with a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// Nothing was ever received.
    Missing,
    /// Nothing was received for longer than it may be silent.
    Silent,
    /// Nothing was promised, but it came steadily and now stays away.
    Stopped,
    /// It comes at much less than its rate.
    Slow,
    /// The time stamps in its headers ran backwards.
    Backwards,
    /// Messages were lost between its publisher and the recorder.
    Lost,
    /// Messages were lost because the disk was too slow or refused them.
    Disk,
}

impl fmt::Display for Alarm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Missing => "missing",
            Self::Silent => "silent",
            Self::Stopped => "stopped",
            Self::Slow => "slow",
            Self::Backwards => "backwards",
            Self::Lost => "lost",
            Self::Disk => "lost at the disk",
        })
    }
}

/// One alarm as it is noted in a bag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noted {
    /// The topic.
    pub topic: String,
    /// What went wrong.
    pub alarm: Alarm,
    /// When it began, in seconds from the start of the episode.
    pub after_s: f64,
    /// When it was noticed and said.
    pub said_s: f64,
    /// For how long, in seconds.
    pub lasted_s: f64,
    /// How often, where several were counted into one.
    pub times: u64,
}

/// An alarm that began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Began(Alarm),
    Ended(Alarm, Duration),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    alarm: Alarm,
    from: Stamp,
    said: Stamp,
    /// How long the earlier ones lasted that were counted into this.
    earlier: Duration,
    /// When the last of them began.
    since: Stamp,
    until: Option<Stamp>,
    times: u64,
}

/// One topic's alarms.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Vec<Entry>);

impl Log {
    fn open(&mut self, alarm: Alarm) -> Option<&mut Entry> {
        self.0.iter_mut().rev().find(|entry| entry.alarm == alarm && entry.until.is_none())
    }

    /// An alarm that is noticed at `now` holds since `from`. Says whether that is news; what holds already is
    /// counted once more.
    pub(super) fn raise(&mut self, alarm: Alarm, from: Stamp, now: Stamp) -> bool {
        if let Some(entry) = self.open(alarm) {
            entry.times += 1;
            return false;
        }
        let full = self.0.len() >= ENTRIES;
        match self.0.iter_mut().rev().find(|entry| full && entry.alarm == alarm) {
            Some(entry) => {
                entry.earlier += entry.until.unwrap_or(from).since(entry.since);
                (entry.since, entry.until, entry.times) = (from, None, entry.times + 1);
            }
            None => {
                let earlier = Duration::ZERO;
                self.0.push(Entry { alarm, from, said: now, earlier, since: from, until: None, times: 1 });
            }
        }
        true
    }

    /// An alarm no longer holds; for how long it did, if it did.
    pub(super) fn clear(&mut self, alarm: Alarm, until: Stamp) -> Option<Duration> {
        let entry = self.open(alarm)?;
        entry.until = Some(until);
        Some(until.since(entry.since))
    }

    /// Which alarms hold.
    pub(super) fn holding(&self) -> impl Iterator<Item = Alarm> + '_ {
        self.0.iter().filter(|entry| entry.until.is_none()).map(|entry| entry.alarm)
    }

    pub(super) fn holds(&self, alarm: Alarm) -> bool {
        self.holding().any(|held| held == alarm)
    }

    /// Begins an episode at `start`: only what holds is taken along.
    pub(super) fn begin(&mut self, start: Stamp) {
        self.0.retain_mut(|entry| {
            (entry.from, entry.since, entry.said) = (start, start, start);
            (entry.earlier, entry.times) = (Duration::ZERO, 1);
            entry.until.is_none()
        });
    }

    /// The log as it is noted at `now` in the bag of an episode that began at `start`.
    pub(super) fn noted(&self, topic: &str, start: Stamp, now: Stamp) -> Vec<Noted> {
        let note = |entry: &Entry| Noted {
            topic: topic.to_owned(),
            alarm: entry.alarm,
            after_s: entry.from.since(start).as_secs_f64(),
            said_s: entry.said.since(start).as_secs_f64(),
            lasted_s: (entry.earlier + entry.until.unwrap_or(now).since(entry.since)).as_secs_f64(),
            times: entry.times,
        };
        self.0.iter().map(note).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_noted_with_its_beginning_and_its_length() {
        let mut log = Log::default();
        assert!(log.raise(Alarm::Silent, Stamp(3_000_000_000), Stamp(3_500_000_000)));
        assert!(!log.raise(Alarm::Silent, Stamp(4_000_000_000), Stamp(4_000_000_000)));
        assert_eq!(log.clear(Alarm::Silent, Stamp(5_000_000_000)), Some(Duration::from_secs(2)));
        assert_eq!(log.clear(Alarm::Silent, Stamp(5_000_000_000)), None);
        let noted = log.noted("/camera", Stamp(1_000_000_000), Stamp(9_000_000_000));
        let expected = Noted {
            topic: "/camera".to_owned(),
            alarm: Alarm::Silent,
            after_s: 2.0,
            said_s: 2.5,
            lasted_s: 2.0,
            times: 2,
        };
        assert_eq!(noted, [expected]);
    }

    #[test]
    fn a_topic_that_flaps_for_an_hour_fills_no_memory() {
        let mut log = Log::default();
        for second in 0..10_000 {
            log.raise(Alarm::Slow, Stamp(second), Stamp(second));
            log.clear(Alarm::Slow, Stamp(second + 1));
        }
        assert_eq!(log.0.len(), ENTRIES);
        assert_eq!(log.0.iter().map(|entry| entry.times).sum::<u64>(), 10_000);
    }

    #[test]
    fn alarms_that_are_counted_into_one_last_no_longer_than_they_held() {
        let mut log = Log::default();
        let second = |s: i64| Stamp(s * 1_000_000_000);
        let flaps = 100;
        for flap in 0..flaps {
            log.raise(Alarm::Slow, second(10 * flap), second(10 * flap));
            assert_eq!(log.clear(Alarm::Slow, second(10 * flap + 1)), Some(Duration::from_secs(1)));
        }
        let noted = log.noted("/t", second(0), second(10 * flaps));
        let lasted_s: f64 = noted.iter().map(|noted| noted.lasted_s).sum();
        assert_eq!(lasted_s, flaps as f64);
    }

    #[test]
    fn an_episode_takes_along_only_what_holds() {
        let mut log = Log::default();
        log.raise(Alarm::Slow, Stamp(1), Stamp(1));
        log.clear(Alarm::Slow, Stamp(2));
        log.raise(Alarm::Missing, Stamp(1), Stamp(1));
        log.begin(Stamp(10));
        let noted = log.noted("/t", Stamp(10), Stamp(11));
        assert_eq!(noted.iter().map(|note| note.alarm).collect::<Vec<_>>(), [Alarm::Missing]);
        assert_eq!(noted[0].after_s, 0.0);
    }
}
