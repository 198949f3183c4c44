//! `apprentice compose`: several nodes in one process, each as its own command would start it.
//!
//! On a robot's computer one process is one thing to start, to watch and to stop. The nodes know nothing of it: each has its own end of
//! the bus and its own threads, and what they have in common is only their end. When one ends, for whatever reason, all do, as
//! they would have been started together for a purpose that is gone.

use std::any::Any;
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, anyhow};
use apprentice::node::Stop;
use clap::Parser as _;

use super::options::WrongUse;
use super::ros_args::RosArgs;
use crate::{Cli, Command, start};

/// What stands between two nodes.
const AND: &str = "+";

/// Run several nodes in one process
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Each node is written as its own command, without `apprentice`; a `+` stands between two. They leave the terminal alone, as with
--no-keys: what keys would do, their services do. Arguments behind --ros-args are for all of them. When one ends, all do.

Examples:
  apprentice compose record --config so101.yaml --out demos --wait + teleop leader --config so101.yaml
  apprentice compose gate --config ur5e.yaml + record --config ur5e.yaml --out corrections --ros-args -r __ns:=/left")]
pub(crate) struct Compose {
    /// The nodes: record, teleop, run, gate, sim, with their options
    #[arg(required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true, value_name = "NODE … + NODE …")]
    words: Vec<String>,
}

impl Compose {
    /// Runs all of them until one ends.
    pub(crate) fn run(self, ros: &RosArgs) -> anyhow::Result<()> {
        let nodes = self.words.split(|word| word == AND).map(node).collect::<Result<Vec<_>, _>>()?;
        for (position, command) in nodes.iter().enumerate() {
            let name = command.node();
            if nodes[..position].iter().any(|other| other.node() == name) {
                return Err(WrongUse(format!("{name}: one process has one node of that name")).into());
            }
        }
        if let Some(name) = ros.node.as_ref().filter(|_| nodes.len() > 1) {
            let why = format!("-r __node:={name}: several nodes cannot have one name");
            return Err(WrongUse(why).into());
        }
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        let mut started = Vec::new();
        for command in nodes {
            let (mut ros, end, name) = (ros.clone(), End(stop.clone()), command.node());
            let run = move || {
                let _end = end;
                ros.read_files(name).and_then(|()| start(command, &ros))
            };
            started.push((name, thread::Builder::new().name(name.to_owned()).spawn(run)));
            // One that was not started has ended.
            if stop.wished() {
                break;
            }
        }
        // All have ended before an error is told: a robot may be on its way to rest.
        let mut failed = Vec::new();
        for (name, thread) in started {
            let join = |thread: JoinHandle<_>| {
                thread.join().unwrap_or_else(|panic| Err(anyhow!("it panicked: {}", words(&*panic))))
            };
            failed.extend(thread.map_err(Into::into).and_then(join).with_context(|| name).err());
        }
        let mut failed = failed.into_iter();
        let first = failed.next();
        failed.for_each(|error| tracing::error!("{error:#}"));
        first.map_or(Ok(()), Err)
    }
}

/// Wishes that all end, when the node that holds it does: by itself, with an error or in a panic.
struct End(Stop);

impl Drop for End {
    fn drop(&mut self) {
        self.0.wish();
    }
}

/// One node's command, of its words; what cannot be read ends the process, as it would alone.
fn node(words: &[String]) -> Result<Command, WrongUse> {
    let quiet = ["record", "teleop", "run", "gate"];
    let named = words.first().is_some_and(|name| quiet.contains(&name.as_str()));
    let keys = (named && !words.iter().any(|word| word == "--no-keys")).then_some("--no-keys");
    let words = ["apprentice"].into_iter().chain(words.iter().map(String::as_str)).chain(keys);
    let command = Cli::parse_from(words).command;
    if !command.is_node() {
        return Err(WrongUse("only nodes are composed: record, teleop, run, gate, sim".to_owned()));
    }
    Ok(command)
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_others_too_and_has_its_words() {
        let stop = Stop::default();
        let held = End(stop.clone());
        let panicked = thread::spawn(move || {
            let _end = held;
            panic!("{} is no number", "x");
        });
        let panic = panicked.join().expect_err("it panics");
        assert!(stop.wished());
        assert_eq!(words(&*panic), "x is no number");
    }
}
