//! One policy that learns, and the average of it that will act.
//!
//! The average is a policy of its own: it is judged and saved as it stands, and the one that learns is never disturbed. An
//! ensemble is several of these.

use tch::{Kind, Tensor};

use super::chance::{Purpose, stream};
use super::optimize::Optimizer;
use super::state::Kept;
use super::{Config, Error, Job, Precision};
use crate::data::batch::Batch;
use crate::nn::ema::Ema;
use crate::nn::{Weights, fused};
use crate::noise::Noise;
use crate::policy::{Ensemble, Policy};

/// A policy that learns.
#[derive(Debug)]
pub(super) struct Member {
    learner: Policy,
    /// The average of its weights over the last steps.
    pub(super) average: Policy,
    ema: Ema,
    optimizer: Optimizer,
    bfloat16: bool,
    /// What was measured since the last step, summed.
    measured: Vec<(&'static str, Tensor)>,
}

/// What a step measured, still where it was computed: to fetch it is to wait for the device.
#[derive(Debug)]
pub(super) struct Measured {
    names: Vec<&'static str>,
    values: Tensor,
}

impl Measured {
    /// Waits for it. The loss comes first, the norm of the gradients second, then the parts of the loss.
    pub(super) fn read(&self) -> Result<Vec<(&'static str, f64)>, Error> {
        let values = Vec::<f64>::try_from(&self.values)?;
        Ok(self.names.iter().copied().zip(values).collect())
    }
}

impl Member {
    /// The `number`th of an ensemble, before its first step.
    pub(super) fn new(job: &Job<'_>, number: usize) -> Result<Self, Error> {
        let config = job.config;
        let make = || {
            let noise = stream(config.seed, Purpose::Weights, number, 0);
            let weights = Weights::new(job.device, Kind::Float, noise);
            Policy::create(job.spec, job.statistics, weights)
        };
        let (learner, average) = (make()?, make()?);
        let optimizer = Optimizer::new(learner.weights(), config);
        let ema = Ema::new(average.weights(), learner.weights(), config.ema, config.ema_power)?;
        let bfloat16 = computes_in_bfloat16(config, job.device);
        Ok(Self { learner, average, ema, optimizer, bfloat16, measured: Vec::new() })
    }

    /// Begins with what the `number`th policy of an ensemble has learned, before the first step.
    pub(super) fn begin_from(&self, from: &Ensemble, number: usize) -> Result<(), Error> {
        let learned = from.members().nth(number).ok_or(Error::Beginning {
            why: format!("it has {} members, {number} is not one of them", from.members().count()),
        })?;
        for policy in [&self.learner, &self.average] {
            policy
                .weights()
                .load(&learned.weights().named())
                .map_err(|source| Error::Beginning { why: source.to_string() })?;
        }
        Ok(())
    }

    /// Learns from a batch, one of `of` before the next step.
    pub(super) fn learn(&mut self, batch: &Batch, noise: &mut Noise, of: u64) -> Result<(), Error> {
        let loss = match self.bfloat16 {
            true => fused::in_bfloat16(self.learner.device(), || self.learner.loss(batch, noise))??,
            false => self.learner.loss(batch, noise)?,
        };
        let share = 1.0 / of as f64;
        let total = loss.mean(&batch.weight) * share;
        total.f_backward()?;
        let parts = loss.parts(&batch.weight).into_iter().map(|(name, part)| (name, part.detach() * share));
        let one: Vec<_> = std::iter::once(("loss", total.detach())).chain(parts).collect();
        if self.measured.is_empty() {
            self.measured = one;
        } else {
            for ((_, sum), (_, more)) in self.measured.iter_mut().zip(one) {
                *sum = &*sum + more;
            }
        }
        Ok(())
    }

    /// Step number `step` down what was learned since the last.
    pub(super) fn step(&mut self, step: u64, rate: f64) -> Result<Measured, Error> {
        self.optimizer.step(step, rate)?;
        self.ema.follow(step)?;
        let mut measured = std::mem::take(&mut self.measured);
        measured.insert(1.min(measured.len()), ("norm", self.optimizer.norm_there()));
        let (names, values): (Vec<_>, Vec<_>) =
            measured.into_iter().map(|(name, value)| (name, value.to_kind(Kind::Double))).unzip();
        Ok(Measured { names, values: Tensor::f_stack(&values, 0)? })
    }

    /// What the next step follows from, with `before` in front of the names.
    pub(super) fn state(&self, before: &str) -> Vec<(String, Tensor)> {
        let average = self.average.weights().named().into_iter();
        let average = average.map(|(name, tensor)| (format!("{before}average/{name}"), tensor.detach()));
        let learner = self.optimizer.state().into_iter();
        learner.map(|(name, tensor)| (format!("{before}{name}"), tensor)).chain(average).collect()
    }

    /// Goes on from a state that was kept.
    pub(super) fn restore(&self, kept: &Kept, before: &str) -> Result<(), Error> {
        self.state(before).into_iter().try_for_each(|(name, tensor)| kept.copy(&name, &tensor))
    }
}

fn computes_in_bfloat16(config: &Config, device: tch::Device) -> bool {
    match config.precision {
        Precision::Auto => matches!(device, tch::Device::Cuda(_)),
        Precision::Float => false,
        Precision::Bfloat16 => true,
    }
}
