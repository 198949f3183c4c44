//! From recordings to what is learned from.
//!
//! No torch and no clock of its own: what a policy sees is made here, by the same code from a bag and on the robot.

pub mod errors;
pub mod observe;
