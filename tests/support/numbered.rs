//! What a bag has of a publisher that numbers its messages, and what it says it lost of it.
//!
//! What is missing is reckoned from the numbers alone, so that the recorder's account is held against something it did not
//! make itself.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use apprentice::bag;

/// The numbers of each topic's messages in the bag, as `tests/peers/dds_publish.py` gives them.
pub(crate) fn numbers(episode: &Path) -> Result<BTreeMap<String, Vec<u64>>> {
    let mut numbers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for sample in bag::open(episode)?.samples(&[]) {
        let sample = sample?;
        // Encapsulation, stamp and string length come before the eight digits of the frame's name.
        let number = std::str::from_utf8(&sample.cdr[16..24])?.parse()?;
        numbers.entry(sample.topic.name.clone()).or_default().push(number);
    }
    Ok(numbers)
}

/// How many are missing between the first of these numbers and the last.
pub(crate) fn gone(numbers: &[u64]) -> u64 {
    numbers.first().zip(numbers.last()).map_or(0, |(first, last)| last + 1 - first - numbers.len() as u64)
}

/// The account of losses noted in the bag.
pub(crate) fn account(episode: &Path) -> Result<serde_json::Value> {
    let bag = bag::open(episode)?;
    Ok(serde_json::from_str(bag.notes().get("apprentice.lost").context("losses are always noted")?)?)
}

/// What an account says of one topic, wherever it was lost.
pub(crate) fn noted(account: &serde_json::Value, topic: &str) -> u64 {
    let places = account["topics"][topic].as_object().into_iter().flatten();
    places.filter_map(|(_, count)| count.as_u64()).sum()
}
