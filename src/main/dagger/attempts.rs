//! What attempts' bags say of who drove: for ribbons, figures and films.
//!
//! It is read from the recordings and kept nowhere else. So whatever was recorded with `command`, as on a robot, can be shown like this,
//! and what is shown is what was learned from.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use apprentice::bag;
use apprentice::msg::Message as _;
use apprentice::msg::own::Command;
use apprentice::node::recorder::notes::SUCCESS;
use apprentice::node::simulator::{SEED, WORLD};
use apprentice::sim::{JOINTS, NAMES};
use apprentice::train::interact::Drove;

use crate::command::bag::Bags;

/// The topic of what left for the arm, and by whom.
pub(super) const COMMAND: &str = "/command";

/// The attempts in the folder `bags`, on an arm that is told something once in a `tick`.
pub(super) fn attempts(bags: &Path, tick: Duration) -> anyhow::Result<Vec<Drove>> {
    let found = Bags::of(&[bags.to_owned()]).found()?;
    found.iter().map(|path| read(path, tick).with_context(|| format!("{path:?}"))).collect()
}

fn read(path: &Path, tick: Duration) -> anyhow::Result<Drove> {
    let mut bag = bag::open(path)?;
    let note = |key: &str| bag.notes().get(key).cloned().with_context(|| format!("it notes no {key:?}"));
    let (world, seed, success) = (note(WORLD)?, note(SEED)?.parse()?, note(SUCCESS)? == "true");
    let mut ticks = Vec::new();
    for sample in bag.samples(&[COMMAND]) {
        let command = Command::decode(&sample?.cdr)?;
        let values: HashMap<&str, f64> =
            command.names.iter().map(String::as_str).zip(command.values.iter().copied()).collect();
        let mut joints = [0.0; JOINTS];
        for (joint, name) in joints.iter_mut().zip(NAMES) {
            *joint = *values.get(name).with_context(|| format!("a command says nothing of {name:?}"))?;
        }
        ticks.push((joints, command.driver));
    }
    Ok(Drove { world, seed, success, tick, ticks })
}
