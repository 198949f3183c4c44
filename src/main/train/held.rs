//! What is learned from and what is held out, where a policy may go on from another one.
//!
//! Whoever is judged by what it knows looks better than it is. So what the policies before learned from stands in every checkpoint,
//! is never held out again, and where that leaves nothing to judge by, that is said.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use apprentice::config::Settings;
use apprentice::data::{self, Before, Dataset, Rules, Shape, Windows};
use apprentice::policy::checkpoint::{Bag, Checkpoint, Origin};

use crate::command::options::put;

/// Episodes to learn from and episodes to judge by, for a policy that goes on from `from`.
pub(super) fn split(
    settings: &Settings,
    dataset: &Dataset,
    from: Option<&Checkpoint>,
) -> (Vec<usize>, Vec<usize>) {
    let origin = from.map(|from| &from.provenance.origin);
    let before = |hash: &str| origin.map_or(Before::Unseen, |origin| origin.known(hash));
    dataset.split_after(settings.data.held_out, settings.train.seed, before)
}

/// The windows of what is held out; where there are none although some are asked for, it is said why.
pub(super) fn judged(
    settings: &Settings,
    dataset: &Arc<Dataset>,
    held_out: &[usize],
    shape: Shape,
) -> anyhow::Result<Option<Windows>> {
    if settings.data.held_out == 0.0 {
        return Ok(None);
    }
    let why = if held_out.is_empty() {
        match settings.train.from {
            Some(_) => "too few recordings are new to the policy that is gone on from",
            None => "it takes two recordings with ticks that count",
        }
    } else {
        match Windows::new(dataset, held_out, shape, Rules::judging(&settings.data)) {
            Err(data::Error::NoWindow { .. }) => "no window fits into the recordings that are held out",
            windows => return Ok(Some(windows?)),
        }
    };
    put(&format!("The policy is not judged while it learns, and the last one counts as the best: {why}."))?;
    Ok(None)
}

/// What is learned from and what is not, for the checkpoints.
pub(super) fn origin(dataset: &Dataset, held_out: &[usize], from: Option<&Checkpoint>) -> Origin {
    let bag = |(path, hash): (&Path, String)| Bag { name: super::name(path), hash };
    let all: Vec<Bag> = dataset.identities().map(bag).collect();
    let held_out: BTreeSet<usize> =
        held_out.iter().map(|episode| dataset.episodes[*episode].recording).collect();
    // What teaches nothing has not been seen.
    let bags = (0..all.len())
        .filter(|recording| dataset.teaches(*recording))
        .map(|recording| all[recording].clone());
    Origin {
        bags: bags.collect(),
        held_out: held_out.into_iter().map(|recording| all[recording].clone()).collect(),
        before: from.map(|from| from.provenance.origin.learned()).unwrap_or_default(),
        notes: from.iter().map(|from| ("from".to_owned(), from.provenance.seal().to_owned())).collect(),
        ..Origin::default()
    }
}
