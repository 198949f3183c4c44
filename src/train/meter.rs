//! Means of what is measured between two lines of metrics.
//!
//! It goes into the state with everything else: the first line after a resume counts the steps before it too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Sums by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    sums: BTreeMap<String, (f64, u64)>,
}

impl Meter {
    /// One more measurement of `name`; what is no number is left out.
    pub fn add(&mut self, name: &str, value: f64) {
        if !value.is_finite() {
            return;
        }
        match self.sums.get_mut(name) {
            Some((sum, count)) => (*sum, *count) = (*sum + value, *count + 1),
            None => drop(self.sums.insert(name.to_owned(), (value, 1))),
        }
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// The mean of each; begins anew.
    pub fn take(&mut self) -> BTreeMap<String, f64> {
        let sums = std::mem::take(&mut self.sums);
        sums.into_iter().map(|(name, (sum, count))| (name, sum / count as f64)).collect()
    }
}
