//! What is seen on the policy's grid, tick by tick, by the very steps in which an importer reads a recording.
//!
//! The grid begins when every stream has spoken. A tick is looked at when nothing more can belong to it: when time has passed it, or,
//! where time stands until somebody answers, when every stream has said what it owes. A tick at which a stream has nothing to say
//! is a gap, and what was seen before it is forgotten, as an episode ends there when one learns.
//!
//! ```text
//!   messages ──► decoder ──► observer ──► at each tick of the grid ──► history ──► thinking
//!   commands that left ──► the action of the tick before ──┘
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::lock;
use super::robot::Robot;
use crate::data::actions::Actions;
use crate::data::observe::{Align, Decoder, Observer, Unread};
use crate::data::{Layout, Observation};
use crate::time::Stamp;
use crate::wire::Sample;

/// A grid that is further behind than this, as after the machine slept, is not caught up with: an observer keeps no longer.
const BEHIND: Duration = Duration::from_millis(200);
/// How many commands that left are remembered: at any rate more than lie between two ticks of a grid.
const LEFT: usize = 512;

/// What left for the robot, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Left(Arc<Mutex<Rows>>);

/// Rows of numbers, each with its instant, the oldest first.
type Rows = VecDeque<(Stamp, Vec<f64>)>;

impl Left {
    /// That left at that instant.
    pub(super) fn note(&self, at: Stamp, values: &[f64]) {
        let mut left = lock(&self.0);
        while left.back().is_some_and(|(last, _)| *last >= at) {
            left.pop_back();
        }
        let mut row =
            if left.len() < LEFT { None } else { left.pop_front() }.map_or_else(Vec::new, |(_, row)| row);
        row.clear();
        row.extend_from_slice(values);
        left.push_back((at, row));
    }

    pub(super) fn forget(&self) {
        lock(&self.0).clear();
    }

    /// What was in force at `instant`, as an importer finds it in a recording.
    fn at(&self, instant: Stamp, actions: &Actions) -> Option<Vec<f32>> {
        let offset = (actions.offset_ms * 1e6).round() as i64;
        let instant = Stamp(instant.0.saturating_add(offset));
        let limit = Duration::from_secs_f64(actions.max_age_ms / 1e3);
        let left = lock(&self.0);
        let after = left.partition_point(|(at, _)| *at <= instant);
        let (from, row) = left.get(after.checked_sub(1)?)?;
        if instant.since(*from) > limit {
            return None;
        }
        let later = left.get(after);
        Some(match later.filter(|(at, _)| actions.align == Align::Linear && at.since(*from) <= limit) {
            Some((to, later)) => {
                let share = instant.since(*from).as_nanos() as f64 / to.since(*from).as_nanos() as f64;
                row.iter().zip(later).map(|(from, to)| (from + share * (to - from)) as f32).collect()
            }
            None => row.iter().map(|value| *value as f32).collect(),
        })
    }
}

/// A stream, as far as it keeps its promise.
#[derive(Clone, Copy, Debug)]
struct Word {
    /// The time between two messages.
    period: Duration,
    /// When the newest message counts as said.
    newest: Option<Stamp>,
    /// It had spoken when it was last waited for.
    punctual: bool,
}

/// What is seen on the grid.
#[derive(Debug)]
pub(super) struct Eyes {
    layout: Layout,
    decoder: Decoder,
    observer: Observer,
    actions: Actions,
    left: Left,
    words: Vec<Word>,
    /// When the grid begins, and the number of the next tick.
    first: Option<Stamp>,
    next: u64,
    /// The number and the instant of the tick that was seen last.
    seen: Option<(u64, Stamp)>,
    /// What was seen since the last gap, the newest last.
    pub(super) history: VecDeque<Observation>,
    /// The last tick of the grid was a gap, for this reason.
    pub(super) gap: Option<String>,
    pub(super) gaps: u64,
    aimed: bool,
}

impl Eyes {
    pub(super) fn new(robot: &Robot, left: Left) -> Self {
        let (layout, observe) = (&robot.layout, &robot.observe);
        let word = |name: &str| {
            let promised = observe.streams.get(name).and_then(|stream| stream.rate_hz);
            let period = Duration::from_secs_f64(1.0 / promised.unwrap_or(robot.rate_hz));
            Word { period, newest: None, punctual: true }
        };
        Self {
            words: layout.streams().map(word).collect(),
            decoder: Decoder::new(layout, observe),
            observer: Observer::new(layout, observe),
            actions: robot.actions.clone(),
            layout: layout.clone(),
            left,
            first: None,
            next: 0,
            seen: None,
            history: VecDeque::new(),
            gap: None,
            gaps: 0,
            aimed: false,
        }
    }

    /// Hears a message of the stream of that number; when it counts as said.
    pub(super) fn see(&mut self, stream: usize, sample: &Sample) -> Result<Stamp, Unread> {
        let (stamps, reading) = self.decoder.read(stream, sample)?;
        let stamps = stamps.believed()?;
        self.observer.see(stream, stamps, reading);
        let word = &mut self.words[stream];
        word.newest = word.newest.max(Some(stamps.own));
        if self.first.is_none() && self.observer.has_heard_all(sample.received) {
            self.first = Some(sample.received);
        }
        Ok(stamps.own)
    }

    /// The streams that have to speak before the grid begins.
    pub(super) fn unheard(&self) -> Vec<&str> {
        let silent = |(name, word): (_, &Word)| word.newest.is_none().then_some(name);
        self.layout.streams().zip(&self.words).filter_map(silent).filter(|_| self.first.is_none()).collect()
    }

    /// Hears what is to be reached, told as the stream of that number.
    pub(super) fn aim(&mut self, stream: usize, sample: &Sample) -> Result<(), Unread> {
        let (_, reading) = self.decoder.read(stream, sample)?;
        self.observer.aim(&reading);
        self.aimed = true;
        Ok(())
    }

    /// Whether somebody said what is to be reached.
    pub(super) fn aimed(&self) -> bool {
        self.aimed || self.layout.goal.is_empty()
    }

    /// Whether every stream that keeps its promise has said what it owes at `now`.
    pub(super) fn complete(&mut self, now: Stamp) -> bool {
        for word in &mut self.words {
            word.punctual |= word.has_spoken(now);
        }
        self.words.iter().all(|word| !word.punctual || word.has_spoken(now))
    }

    /// They were waited for at `now` in vain: those that are late are not waited for again before they keep their promise.
    pub(super) fn give_up(&mut self, now: Stamp) {
        for word in &mut self.words {
            word.punctual &= word.has_spoken(now);
        }
    }

    /// Looks at every tick that lies before `now`, and at one that is `now` if nothing more belongs to it. Says whether there was one.
    pub(super) fn look(&mut self, now: Stamp, complete: bool, history: usize) -> bool {
        let Some(first) = self.first else { return false };
        let mut looked = false;
        loop {
            let tick = first + self.after(self.next);
            if tick > now || (tick == now && !complete) {
                return looked;
            }
            if tick + BEHIND < now {
                let skipped = (now - BEHIND).since(tick).as_secs_f64() * self.layout.rate_hz;
                self.next += skipped.ceil().max(1.0) as u64;
                self.lose("the grid was left behind".to_owned());
                continue;
            }
            self.observe(tick, history);
            self.next += 1;
            looked = true;
        }
    }

    /// How long it is from `now` to the next tick.
    pub(super) fn until_next(&self, now: Stamp) -> Option<Duration> {
        self.first.map(|first| (first + self.after(self.next)).since(now))
    }

    /// Forgets everything, as when time begins anew.
    pub(super) fn forget(&mut self) {
        self.observer.forget();
        self.left.forget();
        self.history.clear();
        self.words.iter_mut().for_each(|word| word.newest = None);
        (self.first, self.next, self.seen, self.gap, self.aimed) = (None, 0, None, None, false);
    }

    /// How long after the first tick of the grid another one is; no error adds up.
    fn after(&self, ticks: u64) -> Duration {
        Duration::from_nanos((ticks as f64 * 1e9 / self.layout.rate_hz).round() as u64)
    }

    fn observe(&mut self, tick: Stamp, history: usize) {
        let mut seen = match self.observer.at(tick) {
            Ok(seen) => seen,
            Err(gap) => return self.lose(gap.to_string()),
        };
        let before = self.seen.filter(|(number, _)| number + 1 == self.next);
        if let Some(past) = before.and_then(|(_, before)| self.left.at(before, &self.actions)) {
            seen.past = past;
        }
        self.seen = Some((self.next, tick));
        self.gap = None;
        while self.history.len() >= history.max(1) {
            self.history.pop_front();
        }
        self.history.push_back(seen);
    }

    fn lose(&mut self, why: String) {
        self.gaps += 1;
        self.history.clear();
        self.gap = Some(why);
    }
}

impl Word {
    fn has_spoken(&self, now: Stamp) -> bool {
        self.newest.is_some_and(|newest| newest + self.period > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn what_left_is_found_as_an_importer_finds_it() {
        let (left, actions) = (Left::default(), Actions::default());
        let at = |ms: i64| left.at(Stamp(ms * MS), &actions);
        assert_eq!(at(0), None);
        for (ms, value) in [(0, 0.0), (10, 1.0), (20, 3.0)] {
            left.note(Stamp(ms * MS), &[value]);
        }
        assert_eq!((at(10), at(15), at(20)), (Some(vec![1.0]), Some(vec![2.0]), Some(vec![3.0])));
        assert_eq!((at(220), at(221), at(-1)), (Some(vec![3.0]), None, None));
        left.note(Stamp(10 * MS), &[7.0]);
        assert_eq!(at(20), Some(vec![7.0]), "time began anew there");
    }
}
