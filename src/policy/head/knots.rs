//! Knots: the steps of a chunk that are thought of, between which it runs straight.
//!
//! A hand does not change its mind at every step of a chunk. A head that searches or that says number after number has a few times
//! less to do where only some steps are its own.

use tch::Tensor;

use super::{Promised, Target, given};
use crate::nn::chance;

/// The knots of chunks of one length.
#[derive(Debug)]
pub(super) struct Knots {
    /// The steps they are at, from the first of a chunk to its last.
    steps: Vec<i64>,
    chunk: i64,
    /// `[chunk, knots]`: a chunk from its knots.
    between: Tensor,
}

impl Knots {
    /// `count` of them, as many as there are steps at the most; numbers are as those of `like`.
    pub(super) fn new(chunk: i64, count: i64, like: &Tensor) -> Self {
        let steps = spread(chunk, count);
        let between = chance::given(&between(chunk, &steps), like).view([chunk, steps.len() as i64]);
        Self { steps, chunk, between }
    }

    /// How many there are.
    pub(super) fn count(&self) -> i64 {
        self.steps.len() as i64
    }

    /// The demonstrated actions there, `[B, knots, action]`; the last real one in place of padding.
    pub(super) fn shown(&self, target: &Target<'_>) -> Tensor {
        self.of(&given::held(target), self.steps.len())
    }

    /// Which of them count where `counted: [B, chunk]` says which steps do: `[B, knots]`.
    pub(super) fn counted(&self, counted: &Tensor) -> Tensor {
        self.of(counted, self.steps.len())
    }

    /// The promised actions at those that are frozen, `[B, frozen, action]`; nothing where none is.
    pub(super) fn frozen(&self, promised: Option<Promised<'_>>) -> Option<Tensor> {
        let Promised { actions, frozen, .. } = promised?;
        let count = self.steps.iter().take_while(|step| **step < frozen).count();
        (count > 0).then(|| self.of(actions, count))
    }

    /// The chunk: `[B, knots, action]` to `[B, chunk, action]`.
    pub(super) fn chunk(&self, knots: Tensor) -> Tensor {
        if self.count() == self.chunk { knots } else { self.between.matmul(&knots) }
    }

    fn of(&self, steps: &Tensor, count: usize) -> Tensor {
        steps.index_select(1, &Tensor::from_slice(&self.steps[..count]).to_device(steps.device()))
    }
}

/// Steps spread evenly from the first to the last.
fn spread(chunk: i64, count: i64) -> Vec<i64> {
    let count = count.min(chunk);
    (0..count)
        .map(|knot| if count == 1 { 0 } else { (knot * (chunk - 1) + (count - 1) / 2) / (count - 1) })
        .collect()
}

/// The weights of the knots in each step.
fn between(chunk: i64, knots: &[i64]) -> Vec<f64> {
    let weight = |step: i64, knot: usize| {
        let side = |other: Option<&i64>| {
            other.map_or(1.0, |other| 1.0 - (step - knots[knot]) as f64 / (other - knots[knot]) as f64)
        };
        let beside = if step >= knots[knot] {
            knots.get(knot + 1)
        } else {
            knot.checked_sub(1).map(|before| &knots[before])
        };
        side(beside).max(0.0)
    };
    (0..chunk).flat_map(|step| (0..knots.len()).map(move |knot| weight(step, knot))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_runs_straight_between_its_knots() {
        let knots = spread(5, 3);
        assert_eq!(knots, [0, 2, 4]);
        let rows = between(5, &knots);
        assert_eq!(rows, [1.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 1.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 1.0]);
        assert_eq!(spread(3, 9), [0, 1, 2], "no more than there are steps");
    }
}
