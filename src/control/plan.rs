//! A plan: actions at instants, and the way through them.
//!
//! When a plan is changed while a robot is on its way, the way changes only from that instant on: where the robot is, and how it
//! moves there, becomes a knot of its own. That is what keeps a join from being felt.

use std::time::Duration;

use super::interpolate::{Course, Interpolate, Motion};
use crate::arm::Chunk;
use crate::time::Stamp;

/// Where to be at an instant, and how to move there if that is not for the neighbours to say.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Knot {
    pub(super) due: Stamp,
    pub(super) values: Vec<f64>,
    pub(super) motion: Option<Motion>,
}

/// Knots in the order of time, no two at one instant; at least one.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    knots: Vec<Knot>,
    period: Duration,
}

impl Plan {
    /// All of `chunk`.
    pub(super) fn of(chunk: &Chunk) -> Self {
        let knot = |(due, row): (Stamp, &[f64])| Knot { due, values: row.to_vec(), motion: None };
        Self { knots: chunk.rows().map(knot).collect(), period: chunk.period() }
    }

    /// Where to be at `now`; `None` before the first knot and where the plan has run out.
    pub(super) fn course(&self, now: Stamp, interpolate: Interpolate) -> Option<Course> {
        let at = self.knots.partition_point(|knot| knot.due <= now).checked_sub(1)?;
        let next = self.knots.get(at + 1);
        // Up to the next action, if that belongs to the same plan; joined chunks need not lie on one grid.
        let joined = next.filter(|next| next.due <= self.knots[at].due + 2 * self.period);
        let end = joined.map_or(self.knots[at].due + self.period, |next| next.due);
        (now < end).then(|| match joined {
            Some(_) => interpolate.between(&self.knots, at, now),
            None => Interpolate::Hold.between(&self.knots, at, now),
        })
    }

    /// Whether anything of it is left at `now`.
    pub(super) fn is_over(&self, now: Stamp) -> bool {
        self.knots.last().is_none_or(|last| now >= last.due + self.period)
    }

    /// Puts what `chunk` says of the time after this plan behind it.
    pub(super) fn queue(&mut self, chunk: &Chunk, now: Stamp, interpolate: Interpolate) {
        let Some(course) = self.course(now, interpolate) else {
            *self = Self::of(chunk);
            return;
        };
        let end = self.knots.last().map_or(now, |last| last.due + self.period / 2);
        self.cut(now, course);
        let begins = end.max(now + self.period / 2);
        self.knots.extend(Self::of(chunk).knots.into_iter().filter(|knot| knot.due >= begins));
        self.period = chunk.period();
    }

    /// Puts what `chunk` says of the time from `now` on in the place of what was planned. An action due in less than half a period is
    /// left out, that of this very instant too: the way to it would be a jump. It counts only if nothing lies between actions.
    pub(super) fn replace(&mut self, chunk: &Chunk, now: Stamp, interpolate: Interpolate) {
        let Some(course) = self.course(now, interpolate) else {
            *self = Self::of(chunk);
            return;
        };
        let (slack, mut coming) = (chunk.period() / 2, Self::of(chunk).knots);
        let counts = interpolate == Interpolate::Hold;
        coming.retain(|knot| (counts && knot.due == now) || knot.due >= now + slack);
        let Some(first) = coming.first_mut() else { return };
        if first.due == now {
            // The action of this very instant counts; that it comes with a start from rest would be felt.
            first.motion = Some(course.motion);
            self.knots.clear();
        } else {
            let begins = first.due;
            self.knots.retain(|knot| knot.due + slack <= begins);
            self.cut(now, course);
        }
        self.knots.append(&mut coming);
        self.period = chunk.period();
    }

    /// Forgets what lies before `now`, and goes on from where the way is.
    fn cut(&mut self, now: Stamp, course: Course) {
        let Course { position, motion } = course;
        self.knots.retain(|knot| knot.due > now);
        self.knots.insert(0, Knot { due: now, values: position, motion: Some(motion) });
    }
}
