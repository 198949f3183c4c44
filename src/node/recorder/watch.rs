//! Watches one topic: its rate, its silences, its time stamps, each against what the robot's file expects.
//!
//! ```text
//!   arrivals   |  |  |  |  |  |           |  |  |  |
//!                            └─ silence ─┘
//!                              longer than the limit: Silent, from the last arrival to the next
//!                                         └ settling ┘ then the rate is judged again
//! ```
//!
//! Judged by the bus's clock and the times of receipt, so that a test and a replay see what a robot sees. Where
//! nothing is expected no rate is judged, only shown: one learned from a camera that was broken from the start
//! would call the fault normal. But that a topic stays away after it came steadily is said; see [`habit`].

mod habit;
mod stamp;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::alarm::{Alarm, Change, Log, Noted};
use crate::spec::Expect;
use crate::time::Stamp;
use crate::wire::{Gid, Sample};
use habit::Habit;

pub(super) use stamp::begins_with_header;

/// A rate is judged over so many expected messages and no less than [`SHORTEST`]: at 30 Hz a camera at half rate
/// is caught after about half a second, and one frame too few is no alarm.
const JUDGED: f64 = 8.0;
const SHORTEST: Duration = Duration::from_millis(800);
/// Below this share of its rate a topic is slow, above the other it no longer is.
const SLOW: f64 = 0.75;
const WELL: f64 = 0.85;
/// Without a longest age, so many periods and no less than [`HICCUP`] are silence.
const PERIODS: f64 = 3.0;
const HICCUP: Duration = Duration::from_millis(250);
/// A topic not heard at all is missed after this.
const PATIENCE: Duration = Duration::from_millis(900);
/// What happens at an instant (a stamp that ran backwards, a loss) is shown for so long.
const SHOWN: Duration = Duration::from_secs(2);
/// The most arrivals remembered; a faster topic is shown over a shorter time.
const REMEMBERED: usize = 8192;
/// One topic, watched.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    rate_hz: Option<f64>,
    limit: Option<Duration>,
    /// What it does by itself, where nothing is promised.
    habit: Option<Habit>,
    optional: bool,
    stamped: bool,
    since: Stamp,
    arrivals: VecDeque<Stamp>,
    /// From when on arrivals count towards the rate: the first one, or the first after a silence.
    settled: Stamp,
    last: Option<Stamp>,
    last_stamps: HashMap<Option<Gid>, Stamp>,
    longest_gap: Duration,
    shown_until: HashMap<Alarm, Stamp>,
    log: Log,
    changes: Vec<Change>,
}

impl Watch {
    /// Watches a topic from `now` on, against `expect`.
    pub(super) fn new(expect: Option<&Expect>, now: Stamp) -> Self {
        let rate_hz = expect.and_then(|expect| expect.rate_hz).filter(|rate| *rate > 0.0);
        let of_rate = rate_hz.map(|rate| Duration::from_secs_f64(PERIODS / rate).max(HICCUP));
        let limit = expect.and_then(|expect| expect.max_age).or(of_rate);
        Self {
            rate_hz,
            limit,
            habit: limit.is_none().then(Habit::default),
            optional: expect.is_none_or(|expect| expect.optional),
            stamped: false,
            since: now,
            arrivals: VecDeque::new(),
            settled: now,
            last: None,
            last_stamps: HashMap::new(),
            longest_gap: Duration::ZERO,
            shown_until: HashMap::new(),
            log: Log::default(),
            changes: Vec::new(),
        }
    }

    /// Whether its messages begin with a header, now that its type is known.
    pub(super) fn know(&mut self, stamped: bool) {
        self.stamped = stamped;
    }

    /// Begins an episode at `now`.
    pub(super) fn begin(&mut self, now: Stamp) {
        self.since = now;
        self.longest_gap = Duration::ZERO;
        // What happened at an instant is still shown, but it happened before.
        for (alarm, _) in std::mem::take(&mut self.shown_until) {
            self.end(alarm, now);
        }
        self.log.begin(now);
    }

    /// Takes note of a message.
    pub(super) fn see(&mut self, sample: &Sample) {
        let now = sample.received;
        let gap = self.last.map(|last| now.since(last)).unwrap_or_default();
        self.longest_gap = self.longest_gap.max(gap);
        if self.last.is_none() {
            self.settled = now;
            self.end(Alarm::Missing, now);
        }
        if self.limit.is_some_and(|limit| gap > limit) {
            self.begin_alarm(Alarm::Silent, self.last.unwrap_or(now), now);
            self.end(Alarm::Silent, now);
            self.arrivals.clear();
            self.settled = now;
        }
        self.last = Some(now);
        if let Some(habit) = &mut self.habit {
            habit.see(now);
            self.end(Alarm::Stopped, now);
        }
        if self.arrivals.len() == REMEMBERED {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(now);
        if self.stamped {
            self.see_stamp(sample);
        }
    }

    fn see_stamp(&mut self, sample: &Sample) {
        let Some(stamp) = stamp::leading(&sample.cdr) else { return };
        let last = self.last_stamps.entry(sample.publisher).or_insert(stamp);
        if stamp < *last {
            self.show(Alarm::Backwards, sample.received);
        } else {
            *last = stamp;
            return;
        }
        // A clock that was set back stays so: what follows is measured against the new time.
        self.last_stamps.insert(sample.publisher, stamp);
    }

    /// Raises an alarm that happens at an instant; it holds for a while, so that it can be seen.
    pub(super) fn show(&mut self, alarm: Alarm, now: Stamp) {
        self.shown_until.insert(alarm, now + SHOWN);
        self.begin_alarm(alarm, now, now);
    }

    /// Judges the topic as it stands at `now`; everything that arrived before was seen.
    pub(super) fn check(&mut self, now: Stamp) -> Vec<Change> {
        while self.arrivals.front().is_some_and(|first| now.since(*first) > self.window()) {
            self.arrivals.pop_front();
        }
        match self.last {
            None if !self.optional
                && now.since(self.since) > self.limit.unwrap_or_default().max(PATIENCE) =>
            {
                self.hold(Alarm::Missing, self.since, now);
            }
            Some(last) if self.limit.is_some_and(|limit| now.since(last) > limit) => {
                self.hold(Alarm::Silent, last, now);
                self.end(Alarm::Slow, now);
            }
            Some(last) if self.habit.as_ref().is_some_and(|habit| habit.is_broken(now)) => {
                self.hold(Alarm::Stopped, last, now);
            }
            _ => self.judge_rate(now),
        }
        let over: Vec<Alarm> =
            self.shown_until.iter().filter(|(_, until)| now > **until).map(|(alarm, _)| *alarm).collect();
        for alarm in over {
            self.shown_until.remove(&alarm);
            self.end(alarm, now);
        }
        std::mem::take(&mut self.changes)
    }

    fn judge_rate(&mut self, now: Stamp) {
        let Some(expected) = self.rate_hz else { return };
        if self.last.is_none() || now.since(self.settled) < self.window() {
            return;
        }
        let rate = self.arrivals.len() as f64 / self.window().as_secs_f64();
        if rate < SLOW * expected {
            self.hold(Alarm::Slow, now, now);
        } else if rate > WELL * expected {
            self.end(Alarm::Slow, now);
        }
    }

    fn window(&self) -> Duration {
        let judged = self.rate_hz.map(|rate| Duration::from_secs_f64((JUDGED / rate).min(3600.0)));
        judged.map_or(Duration::from_secs(1), |judged| judged.max(SHORTEST))
    }

    /// Messages a second lately.
    pub(super) fn rate_hz(&self, now: Stamp) -> f64 {
        let window = self.window();
        let recent = self.arrivals.iter().rev().take_while(|at| now.since(**at) <= window).count();
        let over = if recent == REMEMBERED {
            self.arrivals.front().map_or(window, |first| now.since(*first))
        } else {
            window.min(now.since(self.settled)).max(SHORTEST / 2)
        };
        recent as f64 / over.as_secs_f64()
    }

    /// How long ago the last message came.
    pub(super) fn age(&self, now: Stamp) -> Option<Duration> {
        self.last.map(|last| now.since(last))
    }

    /// The longest silence of this episode, the present one included.
    pub(super) fn longest_gap(&self, now: Stamp) -> Duration {
        self.longest_gap.max(self.age(now).unwrap_or_default().min(now.since(self.since)))
    }

    /// Messages a second that were promised.
    pub(super) fn expected_hz(&self) -> Option<f64> {
        self.rate_hz
    }

    /// Messages a second that it came at by itself before it stopped.
    pub(super) fn habit_hz(&self) -> Option<f64> {
        self.habit.as_ref().and_then(Habit::rate_hz)
    }

    /// Whether an episode is whole without this topic, or it has been heard.
    pub(super) fn content(&self) -> bool {
        self.optional || self.last.is_some()
    }

    /// The alarms that hold, in words; empty where all is well.
    pub(super) fn words(&self) -> String {
        let words: Vec<String> = self.log.holding().map(|alarm| alarm.to_string()).collect();
        words.join(", ")
    }

    /// The episode's alarms, as they are noted in its bag.
    pub(super) fn noted(&self, topic: &str, start: Stamp, now: Stamp) -> Vec<Noted> {
        self.log.noted(topic, start, now)
    }

    fn hold(&mut self, alarm: Alarm, from: Stamp, now: Stamp) {
        if !self.log.holds(alarm) {
            self.begin_alarm(alarm, from, now);
        }
    }

    fn begin_alarm(&mut self, alarm: Alarm, from: Stamp, now: Stamp) {
        if self.log.raise(alarm, from, now) {
            self.changes.push(Change::Began(alarm));
        }
    }

    fn end(&mut self, alarm: Alarm, now: Stamp) {
        if let Some(lasted) = self.log.clear(alarm, now) {
            self.changes.push(Change::Ended(alarm, lasted));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::wire::Topic;

    fn camera(rate_hz: f64) -> Watch {
        let expect = Expect { rate_hz: Some(rate_hz), ..Expect::any("/camera") };
        let mut watch = Watch::new(Some(&expect), Stamp(0));
        watch.know(true);
        watch
    }

    fn frame(at_ms: i64, stamped_ms: i64) -> Sample {
        let (seconds, nanoseconds) = Stamp(stamped_ms * 1_000_000).parts();
        let cdr = [&[0, 1, 0, 0], &seconds.to_le_bytes()[..], &nanoseconds.to_le_bytes()[..]].concat();
        Sample {
            topic: Arc::new(Topic::new("/camera", "sensor_msgs/msg/Image")),
            received: Stamp(at_ms * 1_000_000),
            sent: None,
            publisher: None,
            sequence: None,
            cdr: Bytes::from(cdr),
        }
    }

    /// Feeds frames every `period_ms` in `span_ms`, checking every 100 ms; all changes with their times.
    fn feed(watch: &mut Watch, span_ms: std::ops::Range<i64>, period_ms: i64) -> Vec<(i64, Change)> {
        let mut changes = Vec::new();
        for ms in span_ms {
            if period_ms > 0 && ms % period_ms == 0 {
                watch.see(&frame(ms, ms));
            }
            if ms % 100 == 0 {
                changes.extend(watch.check(Stamp(ms * 1_000_000)).into_iter().map(|change| (ms, change)));
            }
        }
        changes
    }

    #[test]
    fn a_camera_at_its_rate_raises_nothing() {
        assert_eq!(feed(&mut camera(30.0), 0..20_000, 33), []);
    }

    #[test]
    fn a_camera_that_stops_is_silent_within_a_second_until_it_is_back() {
        let mut watch = camera(30.0);
        let mut changes = feed(&mut watch, 0..5_000, 33);
        changes.extend(feed(&mut watch, 5_000..7_000, 0));
        changes.extend(feed(&mut watch, 7_000..12_000, 33));
        let [(began, Change::Began(Alarm::Silent)), (_, Change::Ended(Alarm::Silent, lasted))] = changes[..]
        else {
            panic!("{changes:?}")
        };
        assert!((5_000..5_600).contains(&began), "{began}");
        assert!((1_950..2_100).contains(&lasted.as_millis()), "{lasted:?}");
    }

    #[test]
    fn a_camera_at_half_rate_is_slow_within_a_second() {
        let mut watch = camera(30.0);
        assert_eq!(feed(&mut watch, 0..5_000, 33), []);
        let changes = feed(&mut watch, 5_000..9_000, 66);
        let [(began, Change::Began(Alarm::Slow))] = changes[..] else { panic!("{changes:?}") };
        assert!((5_000..6_000).contains(&began), "{began}");
        assert!((watch.rate_hz(Stamp(9_000_000_000)) - 15.0).abs() < 2.0);
    }

    #[test]
    fn stamps_that_run_backwards_are_an_alarm_for_each_publisher_alone() {
        let mut watch = camera(30.0);
        watch.see(&frame(0, 1_000));
        let mut other = frame(1, 500);
        other.publisher = Some(Gid([1; 16]));
        watch.see(&other);
        assert_eq!(watch.check(Stamp(2_000_000)), []);
        watch.see(&frame(33, 900));
        assert_eq!(watch.check(Stamp(34_000_000)), [Change::Began(Alarm::Backwards)]);
        assert_eq!(watch.words(), "backwards");
    }

    #[test]
    fn what_happened_at_an_instant_before_an_episode_is_not_noted_in_it() {
        let mut watch = camera(30.0);
        watch.see(&frame(0, 0));
        watch.show(Alarm::Lost, Stamp(0));
        assert_eq!(watch.check(Stamp(1)), [Change::Began(Alarm::Lost)]);
        let start = Stamp(500_000_000);
        watch.begin(start);
        assert_eq!(watch.noted("/camera", start, Stamp(600_000_000)), []);
        assert!(watch.words().is_empty());
        watch.show(Alarm::Lost, Stamp(700_000_000));
        let noted = watch.noted("/camera", start, Stamp(900_000_000));
        assert!(matches!(&noted[..], [lost] if lost.alarm == Alarm::Lost && lost.times == 1), "{noted:?}");
    }

    #[test]
    fn a_topic_that_was_never_heard_is_missing_unless_it_is_optional() {
        let mut watch = Watch::new(Some(&Expect::any("/t")), Stamp(0));
        assert!(!watch.content());
        assert_eq!(watch.check(Stamp(950_000_000)), [Change::Began(Alarm::Missing)]);
        let optional = Expect { optional: true, ..Expect::any("/t") };
        let mut watch = Watch::new(Some(&optional), Stamp(0));
        assert_eq!(watch.check(Stamp(9_000_000_000)), []);
        assert!(watch.content());
    }

    #[test]
    fn a_topic_of_which_nothing_is_expected_has_stopped_when_it_breaks_its_own_habit() {
        let mut watch = Watch::new(None, Stamp(0));
        let mut changes = feed(&mut watch, 0..15_000, 10);
        changes.extend(feed(&mut watch, 15_000..21_000, 0));
        assert_eq!(changes, [(17_000, Change::Began(Alarm::Stopped))]);
        assert_eq!((watch.words().as_str(), watch.habit_hz()), ("stopped", Some(100.0)));
        assert_eq!(watch.longest_gap(Stamp(21_000_000_000)).as_millis(), 6_010);
        let back = feed(&mut watch, 21_000..21_200, 10);
        assert!(
            matches!(back[..], [(_, Change::Ended(Alarm::Stopped, lasted))] if lasted.as_millis() == 6_010),
            "{back:?}"
        );
        // It comes again, but for too short a time to have a habit.
        assert_eq!(feed(&mut watch, 21_200..60_000, 0), []);
    }
}
