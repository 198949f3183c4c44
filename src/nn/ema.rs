//! Weights averaged over the last steps: what is kept and acts, while the weights themselves go on.
//!
//! The last steps of a descent wander around what they look for; their average is nearer (Polyak and Juditsky 1992). How far back it
//! reaches grows with the number of steps, so that the beginning is soon forgotten: of the average 1 − (1 + t)^−p is kept at step
//! t, up to a most (as Karras et al. 2024 in section 3.1 and diffusers' EMAModel do, the latter with p = ¾).

use tch::{TchError, Tensor};

use super::{Weights, fused};

/// Averages that follow weights.
#[derive(Debug)]
pub struct Ema {
    averages: Vec<Tensor>,
    weights: Vec<Tensor>,
    most: f64,
    power: f64,
}

impl Ema {
    /// The weights of `averages` are to follow those of `weights`, of a network of the same build, and begin as they are now.
    pub fn new(averages: &Weights, weights: &Weights, most: f64, power: f64) -> Result<Self, TchError> {
        let all = |of: &Weights| of.named().into_iter().map(|(_, tensor)| tensor).collect::<Vec<_>>();
        let ema = Self { averages: all(averages), weights: all(weights), most, power };
        assert_eq!(ema.averages.len(), ema.weights.len(), "networks of one build");
        fused::lerp(&ema.averages, &ema.weights, 1.0)?;
        Ok(ema)
    }

    /// The share of the average that is kept at `step`, counted from 1.
    pub fn kept(&self, step: u64) -> f64 {
        (1.0 - (1.0 + step as f64).powf(-self.power)).min(self.most)
    }

    /// Follows the weights after their `step`th step.
    pub fn follow(&self, step: u64) -> Result<(), TchError> {
        fused::lerp(&self.averages, &self.weights, 1.0 - self.kept(step))
    }
}
