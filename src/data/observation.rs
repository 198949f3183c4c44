//! What a robot knows at one instant.
//!
//! The same value comes from a bag and from the running robot; nothing in it says which, and a test holds the two byte-equal.

use std::sync::Arc;

use super::Frame;
use crate::time::Stamp;

/// What a robot knows at one instant, in the order of its [`Layout`](super::Layout).
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The tick.
    pub stamp: Stamp,
    /// The numbers of all streams.
    pub state: Vec<f32>,
    /// A picture of each camera.
    pub frames: Vec<Arc<Frame>>,
    /// What is to be reached; empty where nothing is, or where nobody said it yet.
    pub goal: Vec<f32>,
    /// The action carried out at the tick before. An observer knows only what it measures, and gives the measured positions
    /// (nothing where they are not measured); whoever knows what was carried out puts it in their place.
    pub past: Vec<f32>,
}
