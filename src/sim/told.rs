//! What the arm was told at a tick, and who told it.
//!
//! A world with the same seed that is told the same goes the same way. So an attempt is kept as what was told in it: whoever has
//! that can have everything else again, with all that is to be seen, and record it as if it happened then.

use super::JOINTS;
use crate::msg::own::Intervention;

/// What was told at one tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Every joint, in the order of the world's.
    pub command: [f64; JOINTS],
    /// Who drove: one of [`Intervention`]'s constants.
    pub driver: u8,
    /// Whether the limits changed what he wanted.
    pub limited: bool,
    /// What was said of it, where something was; its stamp is that of whoever says it.
    pub said: Option<Intervention>,
}
