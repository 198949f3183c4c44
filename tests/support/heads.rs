//! What the tests of heads share: small shapes, a head and its weights, samples to learn, and a plain way to learn them.
//!
//! A head is told by what it does after training, so each of these tests has to train; none of them is about how that is done.

use apprentice::nn::{Encoding, Weights};
use apprentice::noise::Noise;
use apprentice::policy::head::{Config, Head, Shape, Target};
use tch::{Device, Kind, Tensor};

pub(crate) const CHUNK: i64 = 6;
pub(crate) const ACTION: i64 = 2;

pub(crate) fn shape() -> Shape {
    Shape { chunk: CHUNK, action: ACTION, width: 16, tokens: 3, quantiles: Vec::new() }
}

pub(crate) struct Made {
    pub(crate) weights: Weights,
    pub(crate) head: Box<dyn Head>,
}

pub(crate) fn made(config: &Config, seed: u64) -> Made {
    let weights = Weights::new(Device::Cpu, Kind::Float, Noise::new(seed));
    let head = config.build(&shape(), &weights.root());
    Made { weights, head }
}

pub(crate) struct Batch {
    pub(crate) seen: Encoding,
    pub(crate) actions: Tensor,
    pub(crate) real: Tensor,
}

/// The loss of each sample; a head that learns prefixes is given them in some.
pub(crate) fn loss(config: &Config, head: &dyn Head, batch: &Batch, seed: u64) -> Tensor {
    let rows = batch.real.size()[0];
    let counts: Vec<i64> = (0..rows).map(|row| if row % 3 == 2 { 2 } else { 0 }).collect();
    let counts = Tensor::from_slice(&counts);
    let promised = config.prefixes().then_some(&counts);
    let target = Target { actions: &batch.actions, real: &batch.real, promised };
    head.loss(&batch.seen, &target, &mut Noise::new(seed)).each
}

/// Adam (Kingma and Ba 2015) over plain tensors.
pub(crate) fn train(config: &Config, made: &Made, batch: &Batch, steps: i32) {
    let named = made.weights.named();
    let mut moments: Vec<_> =
        named.iter().map(|(_, weight)| (weight.zeros_like(), weight.zeros_like())).collect();
    for step in 1..=steps {
        let loss = loss(config, &*made.head, batch, step as u64).mean(Kind::Float);
        let weights: Vec<&Tensor> = named.iter().map(|(_, weight)| weight).collect();
        let slopes = Tensor::run_backward(&[loss], &weights, false, false);
        let rate = 3e-3 * f64::min(1.0, 2.0 * f64::from(steps - step) / f64::from(steps));
        tch::no_grad(|| {
            for ((weight, slope), (first, second)) in weights.iter().zip(&slopes).zip(&mut moments) {
                *first = &*first * 0.9 + slope * 0.1;
                *second = &*second * 0.99 + slope.square() * 0.01;
                let (one, two) = (1.0 - 0.9_f64.powi(step), 1.0 - 0.99_f64.powi(step));
                let down = &*first / one / ((&*second / two).sqrt() + 1e-8) * rate;
                let _moved = weight.shallow_clone().subtract_(&down);
            }
        });
    }
}
