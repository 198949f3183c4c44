//! The simulator.
//!
//! It stands behind a feature of its own: MuJoCo is a library to be fetched, which recording on a robot does not need.

pub mod physics;
