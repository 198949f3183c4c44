//! The setting `control.join`: how a new chunk meets the one that is being carried out.
//!
//! A policy that plans several steps has a choice that one which plans a single step has not: to keep to its plan, which hides what
//! happened since, or to leave it, which may flicker between two good ways. All of these are from papers.
//!
//! Thinking takes time; of one robot one chunk is thought of at a time. When the next is asked for, where thinking is expected to
//! take d and a chunk has n actions:
//!
//! ```text
//!   queue                   d before the plan ends, so that the new chunk comes as it does
//!   replace, continue, bid  once `after` actions of the newest chunk are due, or d before the plan ends if that is sooner
//!   ensemble                at every action, as soon as nothing is being thought of
//!   any, where d ≥ n        when the plan has run out: of a chunk thought of on the way nothing would be left to carry out
//! ```

use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// How a new chunk meets the old one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// A plan is carried out to its end, and what a new chunk says of later is put behind it: open loop (Zhao et al. 2023,
    /// "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware", without their ensembling).
    Queue,
    /// A new chunk takes over at once: receding horizon (Chi et al. 2023, "Diffusion Policy", section II.C).
    Replace(Replace),
    /// Every chunk that says something of an instant has a voice there (Zhao et al. 2023, algorithm 2).
    Ensemble(Ensemble),
    /// A new chunk goes on from the plan: the policy is told what will have been carried out when it comes, and keeps to the rest as
    /// far as what it saw since allows (Black, Galliker and Levine 2025, "Real-Time Execution of Action Chunking Flow Policies").
    Continue(Continue),
    /// Of many chunks the one that agrees most with the plan and with the others takes over (Liu et al. 2024, "Bidirectional
    /// Decoding: Improving Action Chunking via Guided Test-Time Sampling").
    Bid(Bid),
}

/// The settings of receding horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Replace {
    /// After how many actions of a chunk the next is asked for; half of the chunk where nothing is said, which is what
    /// Chi et al. found best (8 of 16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
}

/// The settings of temporal ensembling.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ensemble {
    /// m in exp(−m·i), the weight of the chunk that is the i-th oldest of those with a voice. Above zero the oldest has the most
    /// weight, so a larger m takes new observations in more slowly.
    #[serde(deserialize_with = "forgetting")]
    pub decay: f64,
}

impl Default for Ensemble {
    fn default() -> Self {
        Self { decay: 0.01 }
    }
}

/// The settings of real-time chunking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Continue {
    /// After how many actions of a chunk the next is asked for; half of the chunk where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
    /// The most that guidance multiplies an error by (β of Black et al.); what the head's own settings say where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "strength")]
    pub guidance: Option<f64>,
}

/// The settings of bidirectional decoding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bid {
    /// After how many actions of a chunk the next is asked for; half of the chunk where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
    /// How many chunks are chosen from.
    pub samples: NonZeroU32,
    /// ρ: how much the agreement with the plan counts at a step, of what it counts at the step before.
    #[serde(deserialize_with = "share")]
    pub decay: f64,
    /// A run or checkpoint whose policy is worse, such as an earlier one of the same training: what it would do speaks against a
    /// chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weak: Option<PathBuf>,
}

impl Default for Bid {
    fn default() -> Self {
        Self { after: None, samples: SAMPLES, decay: 0.5, weak: None }
    }
}

/// More agree better and take longer; sixteen fit beside one another even on a processor.
const SAMPLES: NonZeroU32 = NonZeroU32::new(16).expect("sixteen is not zero");

impl Join {
    /// As it is called in the settings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Replace(_) => "replace",
            Self::Ensemble(_) => "ensemble",
            Self::Continue(_) => "continue",
            Self::Bid(_) => "bid",
        }
    }

    /// After how many of a chunk's `steps` actions the next is asked for, where that is said by a number of actions.
    pub(super) fn after(&self, steps: usize) -> Option<usize> {
        let (Self::Replace(Replace { after })
        | Self::Continue(Continue { after, .. })
        | Self::Bid(Bid { after, .. })) = self
        else {
            return None;
        };
        Some(after.map_or(steps.div_ceil(2), |after| (after as usize).clamp(1, steps)))
    }
}

impl Default for Join {
    fn default() -> Self {
        Self::Replace(Replace::default())
    }
}

fn strength<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let strength = Option::<f64>::deserialize(deserializer)?;
    match strength.filter(|strength| !(strength.is_finite() && *strength >= 0.0)) {
        Some(wrong) => {
            Err(D::Error::custom(format!("{wrong} is no strength: it is finite and not negative")))
        }
        None => Ok(strength),
    }
}

/// With more than that the weights of a hundred chunks would be no numbers.
fn forgetting<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let decay = f64::deserialize(deserializer)?;
    if decay.abs() <= 1.0 {
        Ok(decay)
    } else {
        Err(D::Error::custom(format!("a decay of {decay}: it lies between -1 and 1")))
    }
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if share > 0.0 && share <= 1.0 {
        Ok(share)
    } else {
        Err(D::Error::custom(format!("{share} is no share: it is more than 0 and at most 1")))
    }
}
