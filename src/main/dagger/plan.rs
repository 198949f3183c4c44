//! What is the same in all rounds of a loop.
//!
//! Its folder says it, so that no two loops share one: whoever goes on with other words is told which of them are other.

use anyhow::{Context as _, ensure};
use apprentice::config::Settings;
use serde::{Deserialize, Serialize};

use super::{Dagger, Gate};
use crate::command::once::once;

/// What the folder says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    world: Option<String>,
    gate: Gate,
    episodes: u32,
    demonstrations: u32,
    tolerance: f64,
    reaction_ms: f64,
    calibration: u32,
    beta: f64,
    labels: Option<u64>,
    disturb: Vec<(String, String)>,
    seed: u64,
    settings: String,
}

impl Plan {
    fn of(dagger: &Dagger, settings: &Settings) -> Self {
        Self {
            world: dagger.world.clone(),
            gate: dagger.gate,
            episodes: dagger.episodes,
            demonstrations: dagger.demonstrations,
            tolerance: dagger.tolerance,
            reaction_ms: dagger.reaction_ms,
            calibration: dagger.calibration,
            beta: dagger.beta,
            labels: dagger.labels,
            disturb: dagger.disturb.clone(),
            seed: dagger.seed,
            settings: settings.to_yaml(),
        }
    }

    /// The names of what is not the same in `other`.
    fn differs(&self, other: &Self) -> anyhow::Result<Vec<String>> {
        let (one, other) = (serde_json::to_value(self)?, serde_json::to_value(other)?);
        let keys = one.as_object().into_iter().flat_map(|all| all.keys());
        Ok(keys.filter(|key| one.get(key) != other.get(key)).cloned().collect())
    }
}

impl Dagger {
    /// Takes the folder for this loop, or finds that it is this loop's already.
    pub(super) fn settle(&self, settings: &Settings) -> anyhow::Result<()> {
        let plan = Plan::of(self, settings);
        std::fs::create_dir_all(&self.out).with_context(|| format!("the folder {:?}", self.out))?;
        let known = once(&self.out.join("plan.json"), || Ok(Plan::of(self, settings)))?;
        let differs = known.differs(&plan)?.join(", ");
        ensure!(
            known == plan,
            "{:?} is another loop, with other {differs}: go on with the same, or name another folder",
            self.out
        );
        Ok(())
    }
}
