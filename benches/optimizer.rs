//! How long a step of the optimizer takes, in fused calls and in the operations that tch passes on.
//!
//! `cargo bench --bench optimizer`. Clipping, AdamW and the average of a small policy (48 tensors of a few thousand numbers, where
//! calls cost more than arithmetic) and of one with 4.6 million weights; both ways on equal gradients, taking turns in one run.

use std::time::{Duration, Instant};

use apprentice::nn::ema::Ema;
use apprentice::nn::{Weights, layers::Linear};
use apprentice::noise::Noise;
use apprentice::train::Config;
use apprentice::train::optimize::Optimizer;
use tch::{Device, Kind, Tensor};

/// Networks of so many square layers, of that width.
const SIZES: &[(&str, i64, i64)] = &[("48 small tensors", 24, 64), ("4.6 million weights", 18, 505)];
const STEPS: usize = 200;

fn network(layers: i64, width: i64) -> Weights {
    let weights = Weights::new(Device::Cpu, Kind::Float, Noise::new(1));
    for layer in 0..layers {
        drop(Linear::new(&weights.root().at(layer), width, width));
    }
    weights
}

/// Gives every weight a gradient, as a way back would.
fn pull(weights: &Weights) {
    let all: Vec<Tensor> =
        weights.named().into_iter().map(|(_, weight)| weight.square().sum(Kind::Float)).collect();
    Tensor::stack(&all, 0).sum(Kind::Float).backward();
}

/// The same in single operations: the usual loop over weights.
struct Plain {
    moments: Vec<(Tensor, Tensor)>,
    averages: Vec<Tensor>,
    step: i32,
}

impl Plain {
    fn new(weights: &Weights) -> Self {
        let zero =
            |(_, weight): (String, Tensor)| (weight.zeros_like().detach(), weight.zeros_like().detach());
        let averages = weights.named().into_iter().map(|(_, weight)| weight.detach().copy()).collect();
        Self { moments: weights.named().into_iter().map(zero).collect(), averages, step: 0 }
    }

    fn step(&mut self, weights: &Weights, config: &Config) {
        self.step += 1;
        let [beta1, beta2] = config.betas;
        let first_share = 1.0 - beta1.powi(self.step);
        let second_root = (1.0 - beta2.powi(self.step)).sqrt();
        let named = weights.named();
        let norms: Vec<Tensor> = named.iter().map(|(_, weight)| weight.grad().norm()).collect();
        let scale = (config.clip / (Tensor::stack(&norms, 0).norm() + 1e-6)).clamp_max(1.0);
        for (((_, mut weight), (first, second)), average) in
            named.into_iter().zip(&mut self.moments).zip(&mut self.averages)
        {
            let mut gradient = weight.grad();
            let _done = gradient.g_mul_(&scale);
            let _done = weight.g_mul_scalar_(1.0 - config.rate * config.decay);
            let _done = first.g_mul_scalar_(beta1).g_add_(&(&gradient * (1.0 - beta1)));
            let _done = second.g_mul_scalar_(beta2).g_add_(&(gradient.square() * (1.0 - beta2)));
            let root = second.sqrt() / second_root + config.epsilon;
            let _done = weight.g_sub_(&(&*first / root * (config.rate / first_share)));
            let _done = average.lerp_(&weight, 1e-3);
            let _done = gradient.zero_();
        }
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

fn main() -> anyhow::Result<()> {
    tch::set_num_threads(1);
    let config = Config { clip: 1.0, decay: 1e-6, ..Config::default() };
    println!("{:<20} {:>10} {:>10} {:>7}", "ms a step, p50", "plain", "fused", "ratio");
    for (name, layers, width) in SIZES {
        let (ours, twin, shadow) =
            (network(*layers, *width), network(*layers, *width), network(*layers, *width));
        let mut optimizer = Optimizer::new(&ours, &config);
        let ema = Ema::new(&shadow, &ours, 0.999, 0.75)?;
        let mut plain = Plain::new(&twin);
        let (mut fused_times, mut plain_times) = (Vec::new(), Vec::new());
        for step in 1..=STEPS {
            pull(&ours);
            pull(&twin);
            let begun = Instant::now();
            optimizer.step(step as u64, config.rate)?;
            ema.follow(step as u64)?;
            fused_times.push(begun.elapsed());
            let begun = Instant::now();
            tch::no_grad(|| plain.step(&twin, &config));
            plain_times.push(begun.elapsed());
        }
        let (plain, fused) = (median(plain_times), median(fused_times));
        println!("{name:<20} {plain:>10.3} {fused:>10.3} {:>7.2}", fused / plain);
    }
    Ok(())
}
