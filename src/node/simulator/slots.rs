//! Which joint of a message is which of the simulated arm.
//!
//! Joints are told apart by name, never by their place in a message; a robot's file may name fewer than the arm has, and
//! in the order of its own controllers.

use super::Error;
use crate::sim::{JOINTS, NAMES};

/// One joint as a topic names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The name in the topic's messages.
    pub(super) name: String,
    /// Its place among [`NAMES`].
    pub(super) joint: usize,
}

/// The robot's `joints` as a topic names them whose messages leave out `prefix`. Joints of another prefix are not on it.
pub(super) fn slots(joints: &[String], prefix: &str) -> Result<Vec<Slot>, Error> {
    let named = joints.iter().filter_map(|full| Some((full, full.strip_prefix(prefix)?)));
    named
        .map(|(full, name)| {
            let known = NAMES.iter().position(|known| known == full || *known == name);
            let joint = known.ok_or_else(|| Error::Joint { name: full.clone(), known: &NAMES })?;
            Ok(Slot { name: name.to_owned(), joint })
        })
        .collect()
}

/// The values of `slots` among those of all joints.
pub(super) fn of_slots(slots: &[Slot], values: &[f64; JOINTS]) -> Vec<f64> {
    slots.iter().map(|slot| values[slot.joint]).collect()
}
