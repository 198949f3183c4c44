//! A plan as control follows it: where to be at each of its ticks, worked out beforehand.
//!
//! A schedule joins, averages and interpolates, and asks for memory on the way. Control may not, so thinking asks the schedule once
//! for every tick to come and hands over the answers, which nobody changes any more.

use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use crate::control::{Interpolate, Schedule};
use crate::time::Stamp;

/// No plan is worked out further than this: who does not think anew in so long does not come back.
pub(super) const LONGEST: usize = 4096;

/// The way of courses to control, and of those that were followed back, for others to take apart.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) to: SyncSender<Box<Course>>,
    pub(super) back: Receiver<Box<Course>>,
}

impl Way {
    /// Hands a course on. Control takes one at every tick; where it does not, there is nobody to follow it.
    pub(super) fn post(&self, course: Course) {
        if self.to.try_send(Box::new(course)).is_err() {
            tracing::debug!("a plan found no room on its way");
        }
    }

    /// Takes apart what was followed.
    pub(super) fn clear(&self) {
        while self.back.try_recv().is_ok() {}
    }
}

/// Where to be at each tick to come.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Course {
    pub(super) first: Stamp,
    pub(super) period: Duration,
    pub(super) joints: usize,
    /// Row after row.
    pub(super) rows: Vec<f64>,
    /// Whether a row stands until the next, instead of leading to it.
    pub(super) stands: bool,
    /// How it stands with who thinks.
    pub(super) state: State,
    /// How doubtful the policy was when it thought of this.
    pub(super) doubt: Option<f32>,
    /// The doubt from which the policy asks for a person.
    pub(super) threshold: Option<f32>,
    /// How long a chunk lasts.
    pub(super) lasts: Duration,
}

/// How it stands with who thinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// It thinks in time.
    #[default]
    Well,
    /// It thinks for longer than a chunk lasts.
    Slow,
    /// It wants what is no number.
    Broken,
    /// It does not see all it has to.
    Blind,
}

impl Course {
    /// What `schedule` says of the ticks from `now` on.
    pub(super) fn of(
        schedule: &Schedule,
        interpolate: Interpolate,
        joints: usize,
        now: Stamp,
        period: Duration,
    ) -> Self {
        let mut course = Self::nothing(joints, now, period);
        course.stands = interpolate == Interpolate::Hold;
        let mut due = now;
        while course.rows.len() < LONGEST * joints {
            let Some(action) = schedule.at(due) else { break };
            course.rows.extend_from_slice(&action.values);
            due = due + period;
        }
        course
    }

    /// No plan.
    pub(super) fn nothing(joints: usize, now: Stamp, period: Duration) -> Self {
        let (state, doubt, threshold, lasts) = Default::default();
        Self { first: now, period, joints, rows: Vec::new(), stands: false, state, doubt, threshold, lasts }
    }

    /// How many ticks it is worked out for.
    pub(super) fn ticks(&self) -> usize {
        self.rows.len() / self.joints.max(1)
    }

    /// Puts into `out` where to be at `now`. Says whether there is such a place.
    pub(super) fn at(&self, now: Stamp, out: &mut [f64]) -> bool {
        let ticks = self.ticks();
        // Time goes on while thinking hands over: a tick just before the first one is that one's.
        if ticks == 0 || out.len() != self.joints || now + self.period < self.first {
            return false;
        }
        let (passed, period) = (now.since(self.first).as_nanos(), self.period.as_nanos().max(1));
        let Ok(tick) = usize::try_from(passed / period) else { return false };
        if tick >= ticks {
            return false;
        }
        let share = (passed % period) as f64 / period as f64;
        let row = |tick: usize| &self.rows[tick * self.joints..][..self.joints];
        out.copy_from_slice(row(tick));
        if share > 0.0 && !self.stands && tick + 1 < ticks {
            let next = row(tick + 1);
            out.iter_mut().zip(next).for_each(|(from, to)| *from += share * (to - *from));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::arm::Chunk;
    use crate::control::Join;

    const MS: i64 = 1_000_000;

    fn schedule(interpolate: Interpolate) -> Schedule {
        let names: Arc<[String]> = vec!["a".to_owned()].into();
        let period = Duration::from_millis(40);
        let chunk = Chunk::new(Stamp(0), Stamp(0), period, names, vec![0.0, 4.0, 6.0]).expect("it is one");
        let mut schedule = Schedule::new(Join::Queue, interpolate);
        schedule.accept(chunk, Stamp(0));
        schedule
    }

    #[test]
    fn a_course_says_what_its_schedule_says_and_ends_where_it_ends() {
        for interpolate in [Interpolate::Linear, Interpolate::Hold] {
            let schedule = schedule(interpolate);
            let course = Course::of(&schedule, interpolate, 1, Stamp(0), Duration::from_millis(10));
            let mut out = [f64::NAN];
            for ms in 0..120 {
                assert!(course.at(Stamp(ms * MS), &mut out), "{ms}");
                let said = schedule.at(Stamp(ms * MS)).expect("it is under way").values[0];
                assert!((out[0] - said).abs() < 1e-12, "{interpolate:?} at {ms} ms: {} for {said}", out[0]);
            }
            assert!(!course.at(Stamp(120 * MS), &mut out) && schedule.at(Stamp(120 * MS)).is_none());
            assert!(course.at(Stamp(-9 * MS), &mut out) && !course.at(Stamp(-11 * MS), &mut out));
        }
    }

    #[test]
    fn who_has_no_plan_says_so() {
        let course = Course::nothing(1, Stamp(0), Duration::from_millis(10));
        assert!(!course.at(Stamp(0), &mut [0.0]));
    }
}
