//! Recorded attempts of the expert, for tests that learn from them.
//!
//! They are made as a user makes them, through the bus and the recorder: what such a test finds holds for bags of a robot too.

use std::path::{Path, PathBuf};

use apprentice::bus::Node;
use apprentice::config::Settings;
use apprentice::node::Stop;
use apprentice::node::simulator::{self, Collected, Options};

use crate::recording::{config, session};

/// Records what `wanted` says below `out`, with what `settings` observe; the bags, one for each attempt.
pub(crate) fn collect(wanted: Options, settings: &Settings, out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let wanted = Options { observe: settings.observe.clone(), ..wanted };
    let expected = settings.expected(&Node::new("recorder", "")?)?;
    let mut bags = Vec::new();
    let keep = |one: &Collected| bags.push(one.path.clone());
    simulator::collect(&wanted, &expected, config(), session(out), &Stop::default(), keep)?;
    Ok(bags)
}
