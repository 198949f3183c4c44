//! How far a policy is from its teacher in recorded demonstrations: what it would have commanded, less what he did, tick by tick.
//!
//! The policy thinks anew at every tick, and nothing of it is carried out: the teacher goes on driving. So this is the error of a single
//! step from where he was, as Laskey et al. 2017 measure it, and neither what such errors add up to nor how far a plan of some ticks ago
//! is from what he decided since.

use super::Error;
use super::chance::{Purpose, stream};
use super::wanted::Recent;
use crate::control::{self, Schedule};
use crate::data::Dataset;
use crate::data::errors::Errors;
use crate::policy::{Ensemble, Thinker};

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
    let thinker = Thinker::new(policy, &config.join)?;
    let mut errors = Errors { episodes: episodes.len(), ..Errors::default() };
    for episode in episodes {
        let mut seen = Recent::new(history);
        let meant = dataset.actions(*episode).chunks(joints.len());
        for (tick, meant) in meant.enumerate() {
            let observation = dataset.asked(*episode, tick)?;
            let now = observation.stamp;
            seen.add(observation);
            let chance = &mut stream(*episode as u64, Purpose::Errors, 0, tick as u64);
            let mut schedule = Schedule::new(config.join.clone(), config.interpolate);
            // Nothing of it was carried out before, so nothing is promised.
            schedule.accept(thinker.act(seen.wanted(None, now).question(), chance)?, now);
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
