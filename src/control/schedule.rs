//! Which action is due: chunks with absolute times, joined to one plan.
//!
//! Thinking takes time, and never the same. So nothing here counts ticks: an action is due at its instant, whoever asks and
//! whenever the chunk came. What came too late is dropped and counted, and a plan that has run out says so by giving nothing.
//!
//! ```text
//!                 observed   now: accepted
//!                    │          │
//!   old plan   ──●───●───●───●──┼·  ·  ·  ·       ● actions carried out   · replaced
//!   new chunk        ×   ×   ×  │ ○───○───○       × late: dropped, counted  ○ to come
//!                               └ where the robot is becomes a knot: the way goes on from there
//! ```

use std::sync::Arc;
use std::time::Duration;

use super::interpolate::Interpolate;
use super::join::{Ensemble, Join};
use super::plan::Plan;
use crate::arm::{Action, Chunk};
use crate::time::Stamp;

/// What became of what a schedule was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Chunks accepted.
    pub chunks: u64,
    /// Chunks that were older than one accepted before, and dropped.
    pub overtaken: u64,
    /// Actions that were due before their chunk came. They are dropped, but for the last of them where nothing else is in force.
    pub late: u64,
}

/// Chunks, and what they come to at any instant.
#[derive(Clone, Debug)]
pub struct Schedule {
    join: Join,
    interpolate: Interpolate,
    /// The newest chunk.
    newest: Option<Chunk>,
    /// One plan with the time of its observation, the oldest first; more than one only where they are averaged.
    plans: Vec<(Stamp, Plan)>,
    counts: Counts,
}

impl Schedule {
    /// Nothing to do yet.
    pub fn new(join: Join, interpolate: Interpolate) -> Self {
        Self { join, interpolate, newest: None, plans: Vec::new(), counts: Counts::default() }
    }

    /// Forgets every plan, as where an episode ends or time begins anew; what was counted stays.
    pub fn clear(&mut self) {
        self.newest = None;
        self.plans.clear();
    }

    /// What became of everything so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes in a chunk that is there at `now`.
    ///
    /// One for other joints than those before begins anew.
    pub fn accept(&mut self, chunk: Chunk, now: Stamp) {
        if self.newest.as_ref().is_some_and(|newest| newest.names() != chunk.names()) {
            self.clear();
        }
        if self.newest.as_ref().is_some_and(|newest| newest.observed() > chunk.observed()) {
            self.counts.overtaken += 1;
            return;
        }
        self.counts.chunks += 1;
        self.counts.late += chunk.rows().take_while(|(due, _)| *due < now).count() as u64;
        if chunk.due(chunk.steps()) <= now {
            return;
        }
        self.plans.retain(|(_, plan)| !plan.is_over(now));
        match self.join {
            Join::Ensemble(_) => self.add(&chunk),
            Join::Queue => self.change(&chunk, now, Plan::queue),
            Join::Replace(_) | Join::Continue(_) | Join::Bid(_) => self.change(&chunk, now, Plan::replace),
        }
        self.newest = Some(chunk);
    }

    fn add(&mut self, chunk: &Chunk) {
        self.plans.retain(|(observed, _)| *observed != chunk.observed());
        self.plans.push((chunk.observed(), Plan::of(chunk)));
    }

    fn change(&mut self, chunk: &Chunk, now: Stamp, how: fn(&mut Plan, &Chunk, Stamp, Interpolate)) {
        match self.plans.first_mut() {
            Some((observed, plan)) => {
                how(plan, chunk, now, self.interpolate);
                *observed = chunk.observed();
            }
            None => self.add(chunk),
        }
    }

    /// What is due at `now`; `None` where there is no plan for then.
    pub fn at(&self, now: Stamp) -> Option<Action> {
        let names = self.newest.as_ref()?.names();
        self.values(now).map(|values| Action { due: now, names: Arc::clone(names), values })
    }

    /// What is to be carried out from `now` on if nothing new comes, on the grid of the newest chunk.
    pub fn promised(&self, now: Stamp) -> Option<Chunk> {
        let newest = self.newest.as_ref()?;
        let first = on_grid(newest.first(), newest.period(), now);
        let mut values = Vec::new();
        let mut due = first;
        while let Some(row) = self.values(due) {
            values.extend(row);
            due = due + newest.period();
        }
        Chunk::new(newest.observed(), first, newest.period(), Arc::clone(newest.names()), values).ok()
    }

    /// Whether it is time to ask for the next chunk, where thinking is expected to take `thinking` and nothing is being thought of;
    /// see [`join`](super::join) for when that is. A plan that ran out asks whatever the join.
    pub fn asks(&self, now: Stamp, thinking: Duration) -> bool {
        let Some(newest) = &self.newest else { return true };
        let steps = newest.steps();
        if newest.first() + thinking >= newest.due(steps) {
            return self.values(now).is_none();
        }
        let in_time = now + thinking;
        match self.join {
            Join::Ensemble(_) => now > newest.observed(),
            _ if self.values(in_time).is_none() => true,
            _ => self.join.after(steps).is_some_and(|after| now >= newest.due(after)),
        }
    }

    /// Whether nothing has been due since `then`, so that a robot which nobody else moves stands still since.
    pub fn stands_since(&self, then: Stamp) -> bool {
        self.plans.iter().all(|(_, plan)| plan.is_over(then))
    }

    fn values(&self, now: Stamp) -> Option<Vec<f64>> {
        let Join::Ensemble(Ensemble { decay }) = self.join else {
            return Some(self.plans.first()?.1.course(now, self.interpolate)?.position);
        };
        let voices = self.plans.iter().filter_map(|(_, plan)| plan.course(now, self.interpolate));
        let mut mean: Option<(Vec<f64>, f64)> = None;
        for (age, course) in voices.enumerate() {
            let weight = (-decay * age as f64).exp();
            let Some((sum, total)) = &mut mean else {
                mean = Some((course.position.iter().map(|value| weight * value).collect(), weight));
                continue;
            };
            sum.iter_mut().zip(&course.position).for_each(|(sum, value)| *sum += weight * value);
            *total += weight;
        }
        mean.map(|(sum, total)| sum.into_iter().map(|sum| sum / total).collect())
    }
}

/// The first instant from `now` on that is a whole number of periods from `first`, before or after it.
fn on_grid(first: Stamp, period: Duration, now: Stamp) -> Stamp {
    let period = i64::try_from(period.as_nanos()).unwrap_or(i64::MAX);
    let off = now.0.saturating_sub(first.0).rem_euclid(period);
    Stamp(if off == 0 { now.0 } else { now.0.saturating_add(period - off) })
}
