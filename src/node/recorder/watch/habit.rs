//! What a topic does by itself: whether it came steadily, and whether it has broken with that.
//!
//! Most topics are recorded without anybody having said how fast they come, and one of them that dies must not go
//! unseen. But what is sent when something happens (a button, a goal, a stick being moved) stays away by its nature.
//! So only what came like clockwork for a good while is missed, and it is missed late; a rate is never judged.

use std::time::Duration;

use crate::time::Stamp;

/// For so long it must have come steadily.
const STEADY: Duration = Duration::from_secs(10);
/// No slower than this: of what comes more rarely too little is known after that time.
const SLOWEST: Duration = Duration::from_secs(1);
/// A gap of so many periods, and more than a hiccup, is not steady.
const UNSTEADY: u32 = 3;
const HICCUP: Duration = Duration::from_millis(250);
/// It has stopped when it stays away for so many periods, and for so long.
const PERIODS: u32 = 20;
const SHORTEST: Duration = Duration::from_secs(2);

/// The steady run of messages that a topic is in.
#[derive(Clone, Debug, Default)]
pub(super) struct Habit {
    /// Its first message and its last.
    run: Option<(Stamp, Stamp)>,
    /// Messages after its first.
    messages: u32,
}

impl Habit {
    /// Takes note of a message.
    pub(super) fn see(&mut self, now: Stamp) {
        let goes_on = self.run.is_some_and(|(_, last)| {
            let gap = now.since(last);
            gap <= HICCUP || gap <= self.period().map_or(SLOWEST, |period| UNSTEADY * period)
        });
        match &mut self.run {
            Some((_, last)) if goes_on => {
                *last = now;
                self.messages = self.messages.saturating_add(1);
            }
            _ => *self = Self { run: Some((now, now)), messages: 0 },
        }
    }

    /// Whether it came steadily and at `now` stays away.
    pub(super) fn is_broken(&self, now: Stamp) -> bool {
        let Some((first, last)) = self.run else { return false };
        let is_habit = |period: &Duration| last.since(first) >= STEADY && *period <= SLOWEST;
        self.period()
            .filter(is_habit)
            .is_some_and(|period| now.since(last) > (PERIODS * period).max(SHORTEST))
    }

    /// Messages a second of the run.
    pub(super) fn rate_hz(&self) -> Option<f64> {
        self.period().filter(|period| !period.is_zero()).map(|period| 1.0 / period.as_secs_f64())
    }

    fn period(&self) -> Option<Duration> {
        let (first, last) = self.run?;
        last.since(first).checked_div(self.messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Stamp {
        Stamp(0) + Duration::from_millis(ms)
    }

    /// After messages came at those times, how many milliseconds later it is said to have stopped, ten minutes at most.
    fn stops_after(times_ms: impl IntoIterator<Item = u64>) -> Option<u64> {
        let (mut habit, mut last) = (Habit::default(), 0);
        for ms in times_ms {
            assert!(!habit.is_broken(at(ms)), "it was said too early, at {ms} ms");
            habit.see(at(ms));
            last = ms;
        }
        (0..600_000).step_by(100).find(|after| habit.is_broken(at(last + after)))
    }

    #[test]
    fn what_came_like_clockwork_has_stopped_after_twenty_periods_and_two_seconds() {
        assert_eq!(stops_after((0..1_000).map(|number| 33 * number)), Some(2_100));
        assert_eq!(stops_after((0..30).map(|number| 500 * number)), Some(10_100));
        let jittery = |number: u64| 33 * number + if number.is_multiple_of(2) { 30 } else { 0 };
        assert_eq!(stops_after((0..1_000).map(jittery)), Some(2_100));
    }

    #[test]
    fn what_is_sent_when_something_happens_never_stops() {
        // A button; a heartbeat every two seconds; a stick that is moved for five seconds, again and again.
        let bursts = (0..600).map(|number| 20 * number + 30_000 * (number / 250));
        assert_eq!(stops_after([0, 9_000, 9_050, 60_000]), None);
        assert_eq!(stops_after((0..100).map(|number| 2_000 * number)), None);
        assert_eq!(stops_after(bursts), None);
        assert_eq!(stops_after([]), None);
        assert_eq!(stops_after([7]), None);
    }

    #[test]
    fn one_instant_for_many_messages_divides_by_nothing() {
        assert_eq!(stops_after([5; 100]), None);
    }
}
