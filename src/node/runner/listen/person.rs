//! What is heard of a person: what he wants, his dead-man button, and whether he moves his leader.
//!
//! Whoever speaks in the place of a device that fell silent does not drive in its place: control is told that there was a change, be
//! it as short as it may, and lets nobody drive by it who does not take over anew. Of a leader only one is listened to as well.

use std::time::Duration;

use super::super::robot::{Robot, Told};
use super::Listener;
use crate::bus::typed::read;
use crate::control::gate::config;
use crate::control::gate::leader::Motion;
use crate::control::gate::source::{Admission, Only};
use crate::msg::own::Command;
use crate::msg::sensor::{JointState, Joy};
use crate::node::report;
use crate::wire::Sample;

/// A leader, moving which is an act.
#[derive(Debug)]
pub(super) struct Leader {
    /// Where it tells its joints; where it does not, what a person wants is taken for where his leader is.
    told: Vec<Told>,
    tellers: Vec<Only>,
    positions: Vec<f64>,
    motion: Motion,
}

impl Leader {
    /// Nothing is known yet; who tells it may be another after `silence`.
    pub(super) fn new(config: &config::Leader, robot: &Robot, silence: Duration) -> Self {
        let joints = robot.joints.len();
        Self {
            told: robot.leader.clone(),
            tellers: vec![Only::new(silence); robot.leader.len()],
            positions: vec![f64::NAN; joints],
            motion: Motion::new(config, joints),
        }
    }

    pub(super) fn forget(&mut self) {
        self.tellers.iter_mut().for_each(Only::forget);
        self.positions.fill(f64::NAN);
        self.motion.forget();
    }
}

impl Listener {
    /// What a person wants.
    pub(super) fn expert(&mut self, sample: &Sample) -> Option<String> {
        let admitted = self.expert.admit(sample.publisher, sample.received);
        if !self.admits(admitted, &sample.topic.name) {
            return None;
        }
        let Command { names, values, .. } = match read(sample) {
            Ok(command) => command,
            Err(error) => return Some(report(&error)),
        };
        if names.len() != values.len() {
            return Some(format!("it names {} joints and has {} values", names.len(), values.len()));
        }
        let place = |joint: &String| names.iter().position(|name| name == joint);
        if let Some(missing) = self.joints.iter().find(|joint| place(joint).is_none()) {
            return Some(format!("the joint {missing:?} is not in it, which has {}", names.join(", ")));
        }
        for (value, at) in self.known.expert.iter_mut().zip(self.joints.iter().filter_map(place)) {
            *value = values[at];
        }
        self.known.expert_at = Some(sample.received);
        if let Some(leader) = self.leader.as_mut().filter(|leader| leader.told.is_empty()) {
            self.known.moved = leader.motion.look(&self.known.expert, sample.received);
        }
        None
    }

    /// His buttons.
    pub(super) fn joy(&mut self, sample: &Sample) -> Option<String> {
        let admitted = self.joy.admit(sample.publisher, sample.received);
        // Whom the button did not let drive is not disturbed by another one's.
        let held = self.known.button.is_some_and(|(_, held)| held);
        let admitted = if held || admitted.refuses() { admitted } else { Admission::Owner };
        if !self.admits(admitted, &sample.topic.name) {
            return None;
        }
        let button = self.button?;
        let joy: Joy = match read(sample) {
            Ok(joy) => joy,
            Err(error) => return Some(report(&error)),
        };
        let Some(state) = joy.buttons.get(button) else {
            return Some(format!("the button {button} is missing of {}", joy.buttons.len()));
        };
        self.known.button = Some((sample.received, *state != 0));
        None
    }

    /// Where his leader is.
    pub(super) fn leader(&mut self, told: usize, sample: &Sample) -> Option<String> {
        let leader = self.leader.as_mut()?;
        let admitted = leader.tellers[told].admit(sample.publisher, sample.received);
        if self.refuses(admitted, &sample.topic.name) {
            return None;
        }
        let state: JointState = match read(sample) {
            Ok(state) => state,
            Err(error) => return Some(report(&error)),
        };
        let leader = self.leader.as_mut()?;
        for (joint, name) in &leader.told[told].joints {
            let at = state.name.iter().position(|other| other == name);
            let Some(position) = at.and_then(|at| state.position.get(at)) else {
                let named = state.name.join(", ");
                return Some(format!(
                    "the position of the leader's {name:?} is not in it, which has {named}"
                ));
            };
            leader.positions[*joint] = *position;
        }
        self.known.moved = leader.motion.look(&leader.positions, sample.received);
        None
    }

    /// Whether a message of a person's device counts.
    fn admits(&mut self, admitted: Admission, topic: &str) -> bool {
        if self.refuses(admitted, topic) {
            return false;
        }
        if let Some(words) = admitted.words(topic) {
            self.known.heirs += 1;
            tracing::warn!("{words}; whoever drives by it has to take over anew");
        }
        true
    }
}
