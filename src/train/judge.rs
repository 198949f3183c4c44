//! How good a policy is on episodes that it does not learn from.
//!
//! Losses of different heads cannot be compared, so what the policy would do is compared with what was done, too: as the mean
//! distance of its actions, each in deviations of that action over the data, beside two answers that need no learning (always
//! the mean action; the last action again). Chance is the same at every look, so that only the policy differs.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::batches::Ready;
use super::chance::{Purpose, stream};
use super::{Error, Job};
use crate::data::Windows;
use crate::data::batch::Batch;
use crate::policy::Policy;

/// Batches whose actions are compared; to sample takes longer than to compute a loss.
const SAMPLED: usize = 2;
/// An action that deviates less than this never changes, and is not counted.
const CONSTANT: f64 = 1e-6;

/// What stands before the names of losses in lines of metrics.
const BEFORE: &str = "validation/";
/// What errors are called there: the policy's, of the mean action, of the last action again.
const ERRORS: [&str; 3] = ["validation/error", "validation/error_of_mean", "validation/error_of_last"];

/// How far off actions are, in deviations of each action over the data.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// The policy's.
    pub policy: f64,
    /// Of always taking the mean action.
    pub mean: f64,
    /// Of taking the last action again.
    pub last: f64,
}

/// What a look at held-out episodes found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// The loss, and what it is made of.
    pub losses: BTreeMap<String, f64>,
    /// How far off actions are.
    pub errors: Errors,
}

impl Judgement {
    /// The mean loss.
    pub fn loss(&self) -> f64 {
        self.losses.get("loss").copied().unwrap_or(f64::NAN)
    }

    /// By the names of lines of metrics.
    pub fn values(&self) -> BTreeMap<String, f64> {
        let losses = self.losses.iter().map(|(name, value)| (format!("{BEFORE}{name}"), *value));
        let Errors { policy, mean, last } = self.errors;
        losses
            .chain(ERRORS.into_iter().zip([policy, mean, last]).map(|(name, value)| (name.to_owned(), value)))
            .collect()
    }

    /// Back from a line of metrics, if it is of a look at held-out episodes.
    pub fn of_values(values: &BTreeMap<String, f64>) -> Option<Self> {
        let [policy, mean, last] = ERRORS.map(|name| values.get(name).copied());
        let errors = Errors { policy: policy?, mean: mean?, last: last? };
        let others = values.iter().filter(|(name, _)| !ERRORS.contains(&name.as_str()));
        let losses = others.filter_map(|(name, value)| Some((name.strip_prefix(BEFORE)?.to_owned(), *value)));
        Some(Self { losses: losses.collect(), errors })
    }
}

/// Looks at up to `most` batches of `windows`; the mean of `policies`.
pub(super) fn judge(
    policies: &[&Policy],
    windows: &Windows,
    job: &Job<'_>,
    most: usize,
) -> Result<Judgement, Error> {
    let seed = job.config.seed;
    let order = windows.order(stream(seed, Purpose::Validation, 0, 0).bits(), 0);
    let mut losses: BTreeMap<&'static str, (f64, f64)> = BTreeMap::new();
    let mut errors: Vec<(Errors, f64)> = Vec::new();
    let mut ready = Ready::default();
    for (number, numbers) in order.chunks(job.config.batch).take(most).enumerate() {
        let chance = |purpose| stream(seed, purpose, 0, number as u64 + 1);
        windows.gather(numbers, &mut chance(Purpose::Validation), &mut ready.gathered)?;
        let batch = Batch::of(&ready.gathered, job.device);
        let count = numbers.len() as f64;
        for policy in policies {
            let loss = policy.judge(&batch, &mut chance(Purpose::Loss))?;
            let whole = ("loss", loss.mean(&batch.weight));
            for (name, value) in std::iter::once(whole).chain(loss.parts(&batch.weight)) {
                let (sum, of) = losses.entry(name).or_default();
                *sum += count * value.double_value(&[]);
                *of += count;
            }
            if number < SAMPLED {
                let chunk = policy.sample(&batch, &mut chance(Purpose::Sample))?;
                errors.push((compare(&chunk, &batch, job), count));
            }
        }
    }
    let losses = losses.into_iter().map(|(name, (sum, of))| (name.to_owned(), sum / of)).collect();
    Ok(Judgement { losses, errors: mean(&errors) })
}

fn mean(errors: &[(Errors, f64)]) -> Errors {
    let of: f64 = errors.iter().map(|(_, count)| count).sum();
    let mean =
        |error: fn(&Errors) -> f64| errors.iter().map(|(one, count)| error(one) * count).sum::<f64>() / of;
    Errors { policy: mean(|one| one.policy), mean: mean(|one| one.mean), last: mean(|one| one.last) }
}

/// `chunk: [B, chunk, action]` in the robot's units, beside what was done.
fn compare(chunk: &Tensor, batch: &Batch, job: &Job<'_>) -> Errors {
    let spreads = &job.statistics.actions;
    let row = |value: &dyn Fn(f64, f64) -> f64| {
        let values: Vec<f64> = spreads.iter().map(|spread| value(spread.mean, spread.deviation)).collect();
        Tensor::from_slice(&values).to_kind(chunk.kind()).to_device(job.device)
    };
    let inverse = row(&|_, deviation| if deviation > CONSTANT { 1.0 / deviation } else { 0.0 });
    let counted = row(&|_, deviation| f64::from(deviation > CONSTANT));
    let real = batch.real.unsqueeze(-1) * &counted;
    let of = real.sum(Kind::Double).clamp_min(1.0);
    let off = |said: &Tensor| {
        let distance = (said - &batch.actions).abs() * &inverse * &real;
        (distance.sum(Kind::Double) / &of).double_value(&[])
    };
    let last = batch.past.select(1, -1).unsqueeze(1);
    Errors { policy: off(chunk), mean: off(&row(&|mean, _| mean)), last: off(&last) }
}
