//! A batch of windows on the host: flat rows of numbers and bytes that are filled again and again.
//!
//! No tensors, so that gathering is tested and timed without libtorch; whoever has a device copies each row there in one piece.

use super::{Layout, Observation, Shape};

/// A batch of windows. B windows, H observations of history, K actions of the chunk, S numbers of state, A of an action, G of a goal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered {
    /// B: how many windows.
    pub count: usize,
    /// H and K.
    pub shape: Shape,
    /// Width, height and channels of each camera's pictures.
    pub sizes: Vec<[usize; 3]>,
    /// `[B, H, S]`
    pub state: Vec<f32>,
    /// `[B, H, A]`
    pub past: Vec<f32>,
    /// For each camera `[B, H, height, width, channels]`; empty where only places were gathered.
    pub frames: Vec<Vec<u8>>,
    /// For each camera `[B, H]`: which of the data set's pictures of that camera; empty where pictures come from a robot.
    pub places: Vec<Vec<i64>>,
    /// `[B, G]`
    pub goal: Vec<f32>,
    /// `[B, K, A]`
    pub actions: Vec<f32>,
    /// `[B, K]`: 1 where the action is real, 0 where it pads the end of an episode.
    pub real: Vec<f32>,
    /// `[B]`: how much a window counts.
    pub weight: Vec<f32>,
}

impl Gathered {
    /// Empties it for `count` windows of `shape`, keeping its memory.
    pub(super) fn begin(&mut self, layout: &Layout, shape: Shape, count: usize) {
        (self.count, self.shape) = (count, shape);
        let size = |camera: &super::Camera| {
            [camera.size[0] as usize, camera.size[1] as usize, camera.channels as usize]
        };
        self.sizes = layout.cameras.iter().map(size).collect();
        self.frames.resize_with(layout.cameras.len(), Vec::new);
        self.places.resize_with(layout.cameras.len(), Vec::new);
        self.frames.iter_mut().for_each(Vec::clear);
        self.places.iter_mut().for_each(Vec::clear);
        for row in [
            &mut self.state,
            &mut self.past,
            &mut self.goal,
            &mut self.actions,
            &mut self.real,
            &mut self.weight,
        ] {
            row.clear();
        }
    }

    /// The one window that a robot is in: its last `history` observations, the newest last, and nothing of what follows. Where
    /// there are fewer the first of them is repeated, as at the beginning of an episode; without any there is no window.
    pub fn seen(layout: &Layout, history: usize, observations: &[Observation]) -> Self {
        let mut seen = Self::default();
        let Some(newest) = observations.last() else { return seen };
        seen.begin(layout, Shape { history, chunk: 0 }, 1);
        let missing = history.saturating_sub(observations.len());
        let rest = &observations[observations.len().saturating_sub(history)..];
        for observation in std::iter::repeat_n(&observations[0], missing).chain(rest) {
            seen.state.extend_from_slice(&observation.state);
            seen.past.extend_from_slice(&observation.past);
            for (row, frame) in seen.frames.iter_mut().zip(&observation.frames) {
                row.extend_from_slice(&frame.pixels);
            }
        }
        seen.goal.extend_from_slice(&newest.goal);
        seen.weight.push(1.0);
        seen
    }
}
