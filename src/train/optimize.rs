//! One step down: gradients are held to a norm, weights move as AdamW says, gradients are forgotten.
//!
//! Everything happens where the weights are and in a handful of calls, whatever their number; the norm comes back when it is asked
//! for, so that a GPU is not waited for. Decay is decoupled from the gradients (Loshchilov and Hutter 2019) and takes from
//! matrices only: a bias or a norm's factor has one dimension and nothing to overfit with.

use tch::{Kind, Tensor};

use super::state::Kept;
use super::{Config, Error};
use crate::nn::{Weights, fused};

/// AdamW over every weight of a network.
#[derive(Debug)]
pub struct Optimizer {
    names: Vec<String>,
    weights: Vec<Tensor>,
    first: Vec<Tensor>,
    second: Vec<Tensor>,
    /// So many of them decay; they stand in front.
    decayed: usize,
    step: Tensor,
    norm: Tensor,
    how: fused::AdamW,
}

impl Optimizer {
    /// For `weights`, before their first step.
    pub fn new(weights: &Weights, config: &Config) -> Self {
        let (decaying, others): (Vec<_>, Vec<_>) =
            weights.named().into_iter().partition(|(_, weight)| weight.dim() > 1);
        let decayed = decaying.len();
        let (names, weights): (Vec<_>, Vec<Tensor>) = decaying.into_iter().chain(others).unzip();
        let zeros = || tch::no_grad(|| weights.iter().map(Tensor::zeros_like).collect());
        let (first, second) = (zeros(), zeros());
        let place = weights.first().map_or(tch::Device::Cpu, Tensor::device);
        let how = fused::AdamW {
            rate: config.rate,
            beta1: config.betas[0],
            beta2: config.betas[1],
            epsilon: config.epsilon,
            decay: config.decay,
            limit: if config.clip > 0.0 { config.clip } else { f64::INFINITY },
        };
        let number = || Tensor::zeros([], (Kind::Float, place));
        Self { names, weights, first, second, decayed, step: number(), norm: number(), how }
    }

    /// Step number `step`, counted from 1, at `rate`, down the gradients that the weights have; forgets them.
    /// Where a gradient is no number nothing moves; [`Optimizer::norm`] tells.
    pub fn step(&mut self, step: u64, rate: f64) -> Result<(), Error> {
        let how = fused::AdamW { rate, ..self.how };
        // Exact up to 2²⁴ steps.
        let _filled = self.step.fill_(step as f64);
        let moments = (&self.first[..], &self.second[..]);
        fused::adamw(&self.weights, moments, self.decayed, &self.step, &self.norm, &how)?;
        Ok(fused::forget(&self.weights)?)
    }

    /// The norm of all gradients of the last step, before it was held to the limit.
    pub fn norm(&self) -> f64 {
        self.norm.double_value(&[])
    }

    /// The same as a copy where the weights are, without waiting for it.
    pub fn norm_there(&self) -> Tensor {
        self.norm.copy()
    }

    /// The weights and their moments, by name: what the next step follows from.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let mut state = Vec::with_capacity(3 * self.names.len());
        for (what, tensors) in [("weight", &self.weights), ("first", &self.first), ("second", &self.second)] {
            let named = self.names.iter().zip(tensors);
            state.extend(named.map(|(name, tensor)| (format!("{what}/{name}"), tensor.detach())));
        }
        state
    }

    /// Goes on from a state that was kept, with `before` in front of its names.
    pub fn restore(&self, kept: &Kept, before: &str) -> Result<(), Error> {
        self.state().into_iter().try_for_each(|(name, tensor)| kept.copy(&format!("{before}{name}"), &tensor))
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::nn::layers::Mlp;
    use crate::noise::Noise;

    /// A network of that kind and the gradients of something it gets wrong.
    struct Learner {
        weights: Weights,
        network: Mlp,
        noise: Noise,
    }

    impl Learner {
        fn new(kind: Kind) -> Self {
            let weights = Weights::new(Device::Cpu, kind, Noise::new(3));
            let network = Mlp::new(&weights.root(), &[6, 20, 3]);
            Self { weights, network, noise: Noise::new(4) }
        }

        fn err(&mut self, kind: Kind) {
            let drawn: Vec<f64> = (0..8 * 6).map(|_| self.noise.normal()).collect();
            let seen = Tensor::from_slice(&drawn).reshape([8, 6]).to_kind(kind);
            let wanted = seen.narrow(1, 0, 3).square() * 5.0;
            self.network.forward(&seen).mse_loss(&wanted, tch::Reduction::Mean).backward();
        }
    }

    /// AdamW as the paper writes it, weight by weight, with gradients scaled to a norm before.
    fn by_the_book(
        twin: &Learner,
        moments: &mut [(Tensor, Tensor)],
        config: &Config,
        step: i32,
        rate: f64,
    ) -> f64 {
        let named = twin.weights.named();
        let squares =
            named.iter().map(|(_, weight)| weight.grad().square().sum(Kind::Double).double_value(&[]));
        let norm = squares.sum::<f64>().sqrt();
        let [beta1, beta2] = config.betas;
        tch::no_grad(|| {
            for ((_, mut weight), (first, second)) in named.into_iter().zip(moments) {
                let gradient =
                    weight.grad() * if config.clip > 0.0 { (config.clip / norm).min(1.0) } else { 1.0 };
                *first = &*first * beta1 + &gradient * (1.0 - beta1);
                *second = &*second * beta2 + gradient.square() * (1.0 - beta2);
                let root = (&*second / (1.0 - beta2.powi(step))).sqrt() + config.epsilon;
                let decay = if weight.dim() > 1 { config.decay } else { 0.0 };
                let moved = &*first / (1.0 - beta1.powi(step)) / root + &weight * decay;
                let _moved = weight.g_sub_(&(moved * rate));
                weight.zero_grad();
            }
        });
        norm
    }

    fn largest_difference(one: &Learner, other: &Learner) -> f64 {
        let differences = one.weights.named().into_iter().zip(other.weights.named());
        differences.map(|((_, a), (_, b))| (a - b).abs().max().double_value(&[])).fold(0.0, f64::max)
    }

    #[test]
    fn a_step_is_the_papers() -> Result<(), Error> {
        // Both orders of operations differ in the last bit; the scale of the gradients is 32 bits wide either way.
        for (kind, clip, tolerance) in
            [(Kind::Double, 0.0, 1e-13), (Kind::Double, 0.5, 1e-7), (Kind::Float, 0.5, 1e-5)]
        {
            let config = Config { rate: 1e-2, decay: 0.1, clip, ..Config::default() };
            let (mut ours, mut twin) = (Learner::new(kind), Learner::new(kind));
            let mut optimizer = Optimizer::new(&ours.weights, &config);
            let zero =
                |(_, weight): (String, Tensor)| (weight.zeros_like().detach(), weight.zeros_like().detach());
            let mut moments: Vec<_> = twin.weights.named().into_iter().map(zero).collect();
            for step in 1..=20 {
                let rate = 1e-2 / f64::from(step);
                ours.err(kind);
                twin.err(kind);
                optimizer.step(step as u64, rate)?;
                let norm = by_the_book(&twin, &mut moments, &config, step, rate);
                assert!((optimizer.norm() - norm).abs() < 1e-4 * norm, "{} {norm}", optimizer.norm());
            }
            let off = largest_difference(&ours, &twin);
            assert!(off < tolerance, "{kind:?}, gradients held to {clip}: off by {off}");
            assert!(largest_difference(&ours, &Learner::new(kind)) > 1e-2, "nothing was learned");
        }
        Ok(())
    }

    #[test]
    fn where_a_gradient_is_no_number_nothing_moves() -> Result<(), Error> {
        let mut learner = Learner::new(Kind::Float);
        let mut optimizer = Optimizer::new(&learner.weights, &Config::default());
        learner.err(Kind::Float);
        let (_, weight) = learner.weights.named().remove(0);
        let _filled = weight.grad().get(0).get(0).fill_(f64::NAN);
        optimizer.step(1, 1.0)?;
        assert!(optimizer.norm().is_nan());
        assert_eq!(largest_difference(&learner, &Learner::new(Kind::Float)), 0.0);
        assert!(!weight.grad().defined(), "the gradients are forgotten all the same");
        Ok(())
    }

    #[test]
    fn gradients_of_several_batches_add_up() -> Result<(), Error> {
        let mut learner = Learner::new(Kind::Double);
        learner.err(Kind::Double);
        let (_, weight) = learner.weights.named().remove(0);
        let once = weight.grad().copy();
        learner.noise = Noise::new(4);
        learner.err(Kind::Double);
        assert!((weight.grad() - once * 2.0).abs().max().double_value(&[]) < 1e-12);
        Ok(())
    }
}
