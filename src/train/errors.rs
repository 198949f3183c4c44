//! How far a policy is from its teacher in recorded demonstrations: what it would have commanded, less what he did, tick by tick.
//!
//! The policy thinks anew at every tick, and nothing of it is carried out: the teacher goes on driving. So this is the error of a single
//! step from where he was, as Laskey et al. 2017 measure it, and neither what such errors add up to nor how far a plan of some ticks ago
//! is from what he decided since.

use std::collections::VecDeque;

use super::Error;
use super::chance::{Purpose, stream};
use crate::control::{self, Schedule};
use crate::data::Dataset;
use crate::data::errors::Errors;
use crate::policy::Ensemble;

/// The errors of `policy`, whose chunks are joined as `config` says, in `episodes` of `dataset`; `looked` is told of each that is over.
pub fn errors(
    policy: &Ensemble,
    config: &control::Config,
    dataset: &Dataset,
    episodes: &[usize],
    mut looked: impl FnMut(),
) -> Result<Errors, Error> {
    let spec = policy.spec();
    let (history, joints) = (usize::from(spec.policy.history), spec.layout.actions.clone());
    let mut errors = Errors { episodes: episodes.len(), ..Errors::default() };
    for episode in episodes {
        let mut seen = VecDeque::new();
        let meant = dataset.actions(*episode).chunks(joints.len());
        for (tick, meant) in meant.enumerate() {
            let observation = dataset.observation(*episode, tick)?;
            let now = observation.stamp;
            seen.push_back(observation);
            if seen.len() > history {
                seen.pop_front();
            }
            let chance = &mut stream(*episode as u64, Purpose::Errors, 0, tick as u64);
            let mut schedule = Schedule::new(config.join.clone(), config.interpolate);
            schedule.accept(policy.act(seen.make_contiguous(), None, chance)?, now);
            match schedule.at(now) {
                Some(said) => {
                    let off = said.values.iter().zip(meant).map(|(said, meant)| said - f64::from(*meant));
                    errors.rows.push(off.collect());
                }
                None => errors.alone += 1,
            }
        }
        looked();
    }
    errors.joints = joints;
    Ok(errors)
}
