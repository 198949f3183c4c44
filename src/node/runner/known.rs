//! What listening knows of the robot and of the person.
//!
//! Of a fixed size, so that control copies it where the lock is free, and neither waits for it nor asks for memory.

use std::time::Duration;

use crate::control::gate::Button;
use crate::time::Stamp;

/// What was heard last, and when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    /// Of each joint, when its position was told.
    pub(super) told: Vec<Option<Stamp>>,
    pub(super) positions: Vec<f64>,
    /// Of the gripper; no number where it is not told.
    pub(super) effort: f64,
    /// Of each stream that the policy sees by, when its newest message counts as said.
    pub(super) streams: Vec<Option<Stamp>>,
    /// When the person's command came.
    pub(super) expert_at: Option<Stamp>,
    pub(super) expert: Vec<f64>,
    /// When the dead-man button was heard of, and whether it was held.
    pub(super) button: Option<(Stamp, bool)>,
    /// The leader was being moved by hand when it was heard of last: one that fell silent was not laid down.
    pub(super) moved: bool,
    /// How often another device took the place of one that a person drives by.
    pub(super) heirs: u64,
}

impl Known {
    pub(super) fn new(joints: usize, streams: usize) -> Self {
        Self {
            told: vec![None; joints],
            positions: vec![0.0; joints],
            effort: f64::NAN,
            streams: vec![None; streams],
            expert_at: None,
            expert: vec![0.0; joints],
            button: None,
            moved: false,
            heirs: 0,
        }
    }

    /// Takes over what `other` knows, without asking for memory.
    pub(super) fn copy(&mut self, other: &Self) {
        self.told.copy_from_slice(&other.told);
        self.positions.copy_from_slice(&other.positions);
        self.streams.copy_from_slice(&other.streams);
        self.expert.copy_from_slice(&other.expert);
        (self.effort, self.expert_at) = (other.effort, other.expert_at);
        (self.button, self.moved, self.heirs) = (other.button, other.moved, other.heirs);
    }

    /// Forgets everything, as when time begins anew.
    pub(super) fn forget(&mut self) {
        self.told.fill(None);
        self.streams.fill(None);
        (self.effort, self.expert_at, self.button, self.moved) = (f64::NAN, None, None, false);
    }

    /// Where the joints are, if all of them were ever told.
    pub(super) fn measured(&self) -> Option<&[f64]> {
        self.told.iter().all(Option::is_some).then_some(&self.positions)
    }

    /// The person's command, while it is no older than `most`.
    pub(super) fn expert(&self, now: Stamp, most: Duration) -> Option<&[f64]> {
        self.expert_at.filter(|at| now.since(*at) <= most).map(|_| &self.expert[..])
    }

    /// How it stands with the button, of which a word counts for `most`.
    pub(super) fn button(&self, now: Stamp, most: Duration) -> Button {
        match self.button.filter(|(at, _)| now.since(*at) <= most) {
            None => Button::Unheard,
            Some((_, true)) => Button::Held,
            Some((_, false)) => Button::Free,
        }
    }
}
