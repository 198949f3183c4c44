//! The setting `control.join`: how a new chunk meets the one that is being carried out.
//!
//! A policy that plans several steps has a choice that one which plans a single step has not: to keep to its plan, which hides what
//! happened since, or to leave it, which may flicker between two good ways. The three here are those of the papers.

use serde::{Deserialize, Serialize};

/// How a new chunk meets the old one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// A plan is carried out to its end, and what a new chunk says of later is put behind it: open loop (Zhao et al. 2023,
    /// "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware", without their ensembling).
    Queue,
    /// A new chunk takes over at once: receding horizon (Chi et al. 2023, "Diffusion Policy", section II.C).
    Replace(Replace),
    /// Every chunk that says something of an instant has a voice there (Zhao et al. 2023, algorithm 2).
    Ensemble(Ensemble),
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
    pub decay: f64,
}

impl Default for Ensemble {
    fn default() -> Self {
        Self { decay: 0.01 }
    }
}

impl Default for Join {
    fn default() -> Self {
        Self::Replace(Replace::default())
    }
}
