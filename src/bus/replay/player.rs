//! The thread that plays a bag.
//!
//! It never drops: where an inbox is full it waits, says so to whoever steps it, and time waits with it.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::super::complaint::Complaint;
use super::super::local::Mouth;
use super::super::lock;
use super::{Pace, Stage};
use crate::bag::Reader;
use crate::time::Stamp;
use crate::wire::Sample;

/// The thread that plays.
pub(super) struct Player {
    pub(super) stage: Arc<Stage>,
    pub(super) pace: Pace,
    pub(super) start: Stamp,
    pub(super) mouths: HashMap<(String, String), Mouth>,
}

impl Player {
    pub(super) fn play(self, mut bag: Box<dyn Reader>) {
        let mut state = lock(&self.stage.state);
        while !state.ready && !self.stage.is_gone() {
            state = self.stage.wait(state);
        }
        drop(state);
        if let Pace::Times(times) = self.pace {
            self.stage.clock.run(self.start, times);
        }
        let mut unread = Complaint::default();
        for sample in bag.samples(&[]) {
            match sample {
                Ok(sample) => self.deliver(&sample),
                Err(error) => {
                    self.stage.damaged.fetch_add(1, Relaxed);
                    if let Some(times) = unread.raise(Instant::now()) {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, times, "a message of the bag was not played");
                    }
                }
            }
            if self.stage.is_gone() {
                break;
            }
        }
        lock(&self.stage.state).ended = true;
        self.stage.changed.notify_all();
    }

    fn deliver(&self, sample: &Sample) {
        self.wait_for(sample.received);
        if self.stage.is_gone() {
            return;
        }
        self.stage.clock.tell(sample.received);
        let key = (sample.topic.name.clone(), sample.topic.type_name.clone());
        let Some(mouth) = self.mouths.get(&key) else {
            // A topic that the bag's own list does not have.
            self.stage.damaged.fetch_add(1, Relaxed);
            return;
        };
        let full = || {
            lock(&self.stage.state).full = true;
            self.stage.changed.notify_all();
        };
        mouth.pass(sample, |door, sample| door.deliver_patiently(sample, &self.stage.gone, &full));
    }

    fn wait_for(&self, due: Stamp) {
        let mut state = lock(&self.stage.state);
        state.next = Some(due);
        self.stage.changed.notify_all();
        match self.pace {
            Pace::Free => {}
            Pace::Stepped => {
                while state.allowed.is_none_or(|allowed| due > allowed) && !self.stage.is_gone() {
                    state = self.stage.wait(state);
                }
            }
            Pace::Times(_) => {
                let instant = self.stage.clock.run_to(due);
                while !self.stage.is_gone() {
                    let left = instant.map(|at| at.saturating_duration_since(Instant::now()));
                    let Some(left) = left.filter(|left| !left.is_zero()) else { break };
                    let waited = self.stage.changed.wait_timeout(state, left);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }
}
