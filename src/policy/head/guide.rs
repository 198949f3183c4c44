//! Guidance: has a sampler keep to what is promised without having been trained to.
//!
//! Real-time chunking (Black, Galliker and Levine 2025, equations 2 to 5, after Song et al. 2023): at every step the chunk that would
//! come out is compared with what is promised, and the difference is sent back through the network to the noisy chunk.
//! Steps that will have been carried out count in full, later ones less and less. The paper has it for flows; a diffusion
//! model is a flow in other variables (their scale is worked out in `diffusion`).

use std::f64::consts::E;

use tch::Tensor;

use super::Promised;
use crate::nn::chance;

/// What a sampler is drawn to.
#[derive(Debug)]
pub(super) struct Guide {
    /// `[B, chunk, action]`.
    wanted: Tensor,
    /// `[chunk, 1]`.
    weights: Tensor,
    most: f64,
}

impl Guide {
    /// Towards `promised`, at most `most` times the error; `known` says that the network is given the frozen steps anyhow.
    pub(super) fn new(promised: Promised<'_>, chunk: i64, most: f64, known: bool) -> Self {
        let steps = promised.actions.size()[1];
        let mut weights = weights(chunk, steps, promised.frozen);
        if known {
            weights
                .iter_mut()
                .take(usize::try_from(promised.frozen).unwrap_or(0))
                .for_each(|weight| *weight = 0.0);
        }
        let weights = chance::given(&weights, promised.actions).unsqueeze(1);
        Self { wanted: promised.actions.constant_pad_nd([0, 0, 0, chunk - steps]), weights, most }
    }

    /// The chunk that `estimate` sees coming from `noisy`, and the way the noisy one has to go for it to come as promised.
    pub(super) fn pull(&self, noisy: &Tensor, estimate: impl FnOnce(&Tensor) -> Tensor) -> (Tensor, Tensor) {
        tch::with_grad(|| {
            let noisy = noisy.detach().set_requires_grad(true);
            let coming = estimate(&noisy);
            let wrong = (&self.wanted - coming.detach()) * &self.weights;
            let agreement = (&coming * wrong).sum(coming.kind());
            let mut way = Tensor::run_backward(&[agreement], &[&noisy], false, false);
            // One gradient for the one tensor asked about.
            (coming.detach(), way.swap_remove(0))
        })
    }

    /// How strongly to pull where `noise` and `signal` are the shares of both in the noisy chunk.
    pub(super) fn strength(&self, signal: f64, noise: f64) -> f64 {
        // (1 − τ) / (τ · r²) with r² = (1 − τ)² / (τ² + (1 − τ)²), which is infinite at the start.
        ((signal * signal + noise * noise) / (signal * noise)).min(self.most)
    }
}

/// The soft mask (equation 5): 1 for what is `frozen`, falling exponentially over what else of the `steps` is promised.
fn weights(chunk: i64, steps: i64, frozen: i64) -> Vec<f64> {
    let weight = |step: i64| {
        if step < frozen {
            1.0
        } else if step < steps {
            let left = (steps - step) as f64 / (steps - frozen + 1) as f64;
            left * (left.exp() - 1.0) / (E - 1.0)
        } else {
            0.0
        }
    };
    (0..chunk).map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_count_in_full_then_less_then_not_at_all() {
        let weights = weights(8, 6, 2);
        assert_eq!(weights[..2], [1.0, 1.0]);
        assert!(weights[1..6].windows(2).all(|pair| pair[1] < pair[0] && pair[1] > 0.0), "{weights:?}");
        assert_eq!(weights[6..], [0.0, 0.0]);
    }
}
