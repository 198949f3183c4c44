//! The labels of a recording: what was done at each tick that was observed.
//!
//! A tick without an action has no place in an episode, except where the policy drove and nothing of it is learned: it stays as
//! what was seen before a correction, and counts nothing.

use std::time::Duration;

use super::Scene;
use super::pass::Pass;
use crate::data::actions::{Labels, Origin, Unlabelled};
use crate::data::store::{Stretch, Take};
use crate::data::summary::Dropped;
use crate::time::Stamp;

/// No latency is so long: who stamped it lived by another clock.
const OTHER_CLOCK: Duration = Duration::from_secs(3600);

/// Joins what was seen and what was done.
pub(super) fn label(scene: &Scene<'_>, pass: Pass<'_>) -> Result<Take, Dropped> {
    let Pass { take: mut seen, numbers, timelines, left, drivers, apart, .. } = pass;
    if seen.stamps.is_empty() {
        return Err(nothing(&seen, apart));
    }
    // Before the first word it was whoever that word says, so it takes all of them.
    seen.drivers = seen.stamps.iter().map(|tick| drivers.at(*tick)).collect();
    let period = i64::try_from(scene.after(1).as_nanos()).unwrap_or(i64::MAX);
    let ahead = |origin: &Origin| if matches!(origin, Origin::Next(..)) { period } else { 0 };
    let parts =
        timelines.iter().zip(&scene.origins).map(|(timeline, origin)| (timeline, ahead(origin))).collect();
    let teacher = Labels { parts, actions: &scene.config.actions };
    let gone = Labels { parts: vec![(&left, 0)], actions: &scene.config.actions };
    let mut joined = Joined {
        width: scene.layout.width(),
        goal: scene.layout.goal.len(),
        measured: scene.layout.measured(),
        take: Take {
            places: vec![Vec::new(); seen.places.len()],
            account: seen.account.clone(),
            ..Take::default()
        },
        seen,
        last: None,
    };
    for (row, number) in numbers.into_iter().enumerate() {
        let (tick, driver) = (joined.seen.stamps[row], joined.seen.drivers[row]);
        let mut action = Vec::with_capacity(scene.layout.actions.len());
        // A recording without a word on who drove is the teacher's.
        let own = drivers.is_known() && scene.config.interventions.wants_what_left(driver);
        let found = if own { gone.at(tick, &mut action) } else { teacher.at(tick, &mut action) };
        match found {
            Ok(()) => joined.add(row, number, action, true, &gone),
            Err(_) if own => {
                if let Some(standing) = joined.standing(row) {
                    joined.add(row, number, standing, false, &gone);
                }
            }
            Err(why) => joined.take.account.idle[place(why)] += 1,
        }
    }
    match joined.take.stamps.is_empty() {
        false => Ok(joined.take),
        true => {
            let [before, after, between] = joined.take.account.idle;
            let why = format!(
                "{before} ticks lie before the first, {after} after the last and {between} in between"
            );
            Err(Dropped::NoAction { why })
        }
    }
}

/// Why a recording has no tick, as far as it says.
fn nothing(seen: &Take, apart: Duration) -> Dropped {
    let most =
        seen.account.heard.iter().max_by_key(|(_, heard)| (heard.gaps, heard.bad.values().sum::<u64>()));
    let mut why = most.map_or_else(String::new, |(name, heard)| {
        let refused = heard.bad.iter().max_by_key(|(_, times)| **times);
        let refused = refused.map(|(why, times)| format!(" ({times} of its messages: {why})"));
        format!("{name:?} has nothing to say at {} ticks{}", heard.gaps, refused.unwrap_or_default())
    });
    if apart > OTHER_CLOCK {
        let hours = apart.as_secs() / 3600;
        why += &format!(
            "; stamps are of another clock, {hours} hours from receipt: beside a simulator, record by its time"
        );
    }
    Dropped::NoTick { why }
}

fn place(why: Unlabelled) -> usize {
    match why {
        Unlabelled::Before => 0,
        Unlabelled::After => 1,
        Unlabelled::Gap => 2,
    }
}

/// Ticks that were seen and those that have an action as well.
struct Joined {
    width: usize,
    goal: usize,
    measured: Option<Vec<usize>>,
    seen: Take,
    take: Take,
    /// The number and the instant of the tick added last.
    last: Option<(u64, Stamp)>,
}

impl Joined {
    /// Where the joints are at a tick, where that is measured.
    fn standing(&self, row: usize) -> Option<Vec<f32>> {
        let state = &self.seen.state[row * self.width..][..self.width];
        Some(self.measured.as_ref()?.iter().map(|place| state[*place]).collect())
    }

    fn add(&mut self, row: usize, number: u64, action: Vec<f32>, labelled: bool, gone: &Labels<'_>) {
        let begins = self.last.is_none_or(|(last, _)| last + 1 != number);
        let past = match self.last.filter(|_| !begins) {
            None => self.standing(row).unwrap_or_else(|| action.clone()),
            Some((_, before)) => self.carried_out(before, gone),
        };
        let (seen, take) = (&self.seen, &mut self.take);
        if begins {
            take.stretches.push(Stretch { first: take.stamps.len(), ticks: 0 });
        }
        if let Some(stretch) = take.stretches.last_mut() {
            stretch.ticks += 1;
        }
        for (kept, places) in take.places.iter_mut().zip(&seen.places) {
            kept.push(places[row]);
        }
        match row.checked_sub(seen.unaimed) {
            Some(aimed) => take.goals.extend_from_slice(&seen.goals[aimed * self.goal..][..self.goal]),
            None => take.unaimed += 1,
        }
        take.stamps.push(seen.stamps[row]);
        take.state.extend_from_slice(&seen.state[row * self.width..][..self.width]);
        take.past.extend(past);
        take.actions.extend(action);
        take.drivers.push(seen.drivers[row]);
        take.labelled.push(labelled);
        self.last = Some((number, seen.stamps[row]));
    }

    /// What really left at a tick, as far as it was recorded; otherwise its label.
    fn carried_out(&self, before: Stamp, gone: &Labels<'_>) -> Vec<f32> {
        let mut past = Vec::new();
        match gone.at(before, &mut past) {
            Ok(()) => past,
            Err(_) => {
                let width = self.take.actions.len() / self.take.stamps.len().max(1);
                self.take.actions[self.take.actions.len() - width..].to_vec()
            }
        }
    }
}
