//! How much a window counts: by who drove, and by how well it was done.
//!
//! Demonstrations are not all equally good, and corrections are few beside what they correct; a weight says so without repeating
//! or throwing away anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Error;
use super::driver::Driver;
use super::settings::within;

/// The key under which a recording notes how well it was done; `apprentice bag label --note quality=…` writes it.
pub const QUALITY: &str = "quality";
/// The most a window may count.
const MOST: f64 = 1e6;

/// The section `data.weights`. A window counts the product of what applies to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Where a person drove.
    pub human: f64,
    /// Where the policy drove.
    pub policy: f64,
    /// By what is noted as `quality`: a word from here, or a number, which counts as itself. What is not noted counts 1.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub quality: BTreeMap<String, f64>,
    /// Whether every episode counts the same in sum, however long it is.
    pub even_episodes: bool,
}

impl Default for Weights {
    fn default() -> Self {
        Self { human: 1.0, policy: 1.0, quality: BTreeMap::new(), even_episodes: false }
    }
}

impl Weights {
    pub(super) fn check(&self) -> Result<(), Error> {
        within("data.weights.human", self.human, 0.0, MOST)?;
        within("data.weights.policy", self.policy, 0.0, MOST)?;
        let mut words = self.quality.iter();
        words.try_for_each(|(word, weight)| {
            within(&format!("data.weights.quality.{word}"), *weight, 0.0, MOST)
        })
    }

    /// What a tick counts by who drove.
    pub fn of_driver(&self, driver: Driver) -> f64 {
        match driver {
            Driver::Human => self.human,
            Driver::Policy => self.policy,
            Driver::Hold => 0.0,
        }
    }

    /// What a recording counts by its note; a word of which nothing is said is an error, because it would silently count 1.
    pub fn of_quality(&self, noted: Option<&str>) -> Result<f64, Error> {
        let Some(noted) = noted else { return Ok(1.0) };
        let number = || noted.parse().ok().filter(|number| (0.0..=MOST).contains(number));
        self.quality.get(noted).copied().or_else(number).ok_or_else(|| Error::Setting {
            key: "data.weights.quality".to_owned(),
            why: format!(
                "a recording's quality is {noted:?}, which is neither one of its words nor a number"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_counts_as_its_word_or_as_itself() -> Result<(), Error> {
        let weights = Weights { quality: BTreeMap::from([("poor".to_owned(), 0.3)]), ..Weights::default() };
        assert_eq!(weights.of_quality(Some("poor"))?, 0.3);
        assert_eq!(weights.of_quality(Some("0.75"))?, 0.75);
        assert_eq!(weights.of_quality(None)?, 1.0);
        assert!(weights.of_quality(Some("por")).is_err());
        assert!(weights.of_quality(Some("-1")).is_err());
        Ok(())
    }
}
