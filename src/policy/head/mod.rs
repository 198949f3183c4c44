//! How a policy says what to do: a head turns what was seen into a chunk of actions.
//!
//! Behaviour cloning maximizes the likelihood of what a person did. A head is a family of distributions to do that with: one that
//! has a single peak averages several good ways to act, the others can keep them apart.

use std::fmt;

use tch::Tensor;

use crate::nn::Encoding;
use crate::noise::Noise;

/// What a head is to learn: actions normalized to about [−1, 1], of which some are padding.
#[derive(Debug)]
pub struct Target<'a> {
    /// `[B, chunk, action]`.
    pub actions: &'a Tensor,
    /// `[B, chunk]`: 1 where the action is real, 0 where it pads the end of an episode.
    pub real: &'a Tensor,
    /// `[B]`, whole numbers: how many of the first actions are already promised and therefore given; `None` where none is.
    pub promised: Option<&'a Tensor>,
}

/// How far off a head was.
#[derive(Debug)]
pub struct Loss {
    /// `[B]`: for every sample of the batch, the mean over its real actions; what is trained on is their weighted mean.
    pub each: Tensor,
    /// What it is made of, as `[B]` each: told to whoever watches the training.
    pub parts: Vec<(&'static str, Tensor)>,
}

/// What a head is told of a chunk it has to go on from.
#[derive(Clone, Copy, Debug)]
pub struct Promised<'a> {
    /// `[B, steps, action]` with at least one step and fewer than a chunk has: they will be carried out whatever is sampled now.
    pub actions: &'a Tensor,
    /// How many of the steps are certain to have been carried out by
    /// the time the new chunk begins. The rest may still be changed and is to be kept up to its likelihood.
    pub frozen: i64,
}

/// How a head can go on from actions that are already promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuing {
    /// It was trained to, or is built so that it can.
    Yes,
    /// It cannot, for this reason.
    No(&'static str),
}

/// A family of distributions over chunks.
pub trait Head: fmt::Debug + Send {
    /// How far off it is, and the way back through `seen`.
    fn loss(&self, seen: &Encoding, target: &Target<'_>, noise: &mut Noise) -> Loss;

    /// One chunk for each row of `seen`: `[B, chunk, action]`.
    fn sample(&self, seen: &Encoding, promised: Option<Promised<'_>>, noise: &mut Noise) -> Tensor;

    /// Whether it heeds what is promised.
    fn continuing(&self) -> Continuing;
}
