//! What a robot has seen lately, and what is to be thought about.
//!
//! Whoever tries a policy in many places asks it about all of them at once: a question waits, with what it is about, until those of the
//! others are there too.

use std::collections::VecDeque;

use crate::arm::Chunk;
use crate::data::Observation;
use crate::policy::{Promised, Question};
use crate::time::Stamp;

/// The newest observations of one robot.
#[derive(Debug)]
pub(super) struct Recent {
    seen: VecDeque<Observation>,
    most: usize,
}

impl Recent {
    /// Of which there are no more than `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { seen: VecDeque::with_capacity(most), most }
    }

    /// Adds the next one, and forgets the oldest where that is too many.
    pub(super) fn add(&mut self, observation: Observation) {
        if self.seen.len() == self.most {
            self.seen.pop_front();
        }
        self.seen.push_back(observation);
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.seen.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// What is to be thought about, where `plan` is carried out while nothing new comes, and that is certain before `until`.
    pub(super) fn wanted(&self, plan: Option<Chunk>, until: Stamp) -> Wanted {
        Wanted { seen: self.seen.iter().cloned().collect(), plan, until }
    }
}

/// What is to be thought about.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    seen: Vec<Observation>,
    /// What is carried out while nothing new comes, and until when that is certain.
    pub(super) plan: Option<Chunk>,
    until: Stamp,
}

impl Wanted {
    /// As a policy is asked.
    pub(super) fn question(&self) -> Question<'_> {
        let promised = |chunk| Promised { chunk, until: self.until, guidance: None };
        Question { seen: &self.seen, promised: self.plan.as_ref().map(promised) }
    }
}
