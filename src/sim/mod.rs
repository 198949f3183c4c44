//! The simulator.

pub mod physics;
