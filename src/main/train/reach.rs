//! Whether the policy can say what it is shown.
//!
//! Some heads say no number beyond those that the recordings have by which it is scaled, and a joint that never moved there never
//! moves. A policy that goes on from another one keeps its scales: corrections farther out would be learned from and never come back.

use apprentice::config::Settings;
use apprentice::data::{Dataset, Statistics};

use crate::command::options::put;

/// What so many ticks show of a joint, and how far beyond what can be said.
#[derive(Clone, Copy, Debug, Default)]
struct Beyond {
    ticks: usize,
    most: f64,
}

/// Says of each joint how far what is shown in `episodes` lies beyond what the policy can say with these statistics.
pub(super) fn tell(
    settings: &Settings,
    policy: &apprentice::policy::Config,
    statistics: &Statistics,
    dataset: &Dataset,
    episodes: &[usize],
) -> anyhow::Result<()> {
    let said = policy.says(statistics);
    let mut beyond = vec![Beyond::default(); said.len()];
    let mut ticks = 0;
    for row in dataset.labels(episodes) {
        ticks += 1;
        for ((label, [least, most]), beyond) in row.iter().zip(&said).zip(&mut beyond) {
            let off = (f64::from(*label) - most).max(least - f64::from(*label));
            // Less is within what a scale leaves of a number of 32 bits, or of a joint at rest.
            if off > 1e-3 {
                beyond.ticks += 1;
                beyond.most = beyond.most.max(off);
            }
        }
    }
    let what_to_do = match settings.train.from {
        Some(_) => {
            "its scales are those of the policy that it goes on from: train afresh, without train.from"
        }
        None => "policy.normal.actions or the head's clip cuts it off",
    };
    for (joint, Beyond { ticks: many, most }) in dataset.layout.actions.iter().zip(beyond) {
        if many > 0 {
            put(&format!(
                "{joint}: at {many} of {ticks} ticks it is shown up to {most:.3} beyond what this policy can ever say; {what_to_do}."
            ))?;
        }
    }
    Ok(())
}
