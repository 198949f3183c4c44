//! What is noted in a bag beside its messages, and under which keys.
//!
//! A task is noted twice: under our word for it and under rosetta's, so that its converter finds the prompt it looks
//! for. Bags that only have rosetta's are read all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apprentice::bag::{Notes, Reader};
use apprentice::bus::{self, Node};
use apprentice::config::{Settings, contract};
use apprentice::node::recorder::notes::{PROMPT, SUCCESS, TASK};
use apprentice::spec::Expect;
use apprentice::wire::Topic;

/// Who shows it.
const OPERATOR: &str = "operator";
/// The robot's name.
const ROBOT: &str = "robot";
/// The settings with which it was recorded.
const CONFIG: &str = "config";
/// Topics that have other names than in those settings: `from:=to`, one a line.
const REMAPPED: &str = "remapped";

/// What can be said of a recording on the command line.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct NoteArgs {
    /// What is shown, in words
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
    /// Who shows it
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Anything else to note
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::options::key_value)]
    note: Vec<(String, String)>,
}

impl NoteArgs {
    /// A task and nothing else.
    pub(crate) fn of_task(task: &str) -> Self {
        Self { task: Some(task.to_owned()), ..Self::default() }
    }

    /// What is told in another way, where no option says it.
    pub(crate) fn tell(&mut self, task: Option<String>, operator: Option<String>) {
        self.task = self.task.take().or(task);
        self.operator = self.operator.take().or(operator);
    }

    /// As they are kept in a bag.
    pub(crate) fn notes(self) -> Notes {
        let named = [(TASK, self.task.clone()), (PROMPT, self.task), (OPERATOR, self.operator)];
        let named = named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        self.note.into_iter().chain(named).collect()
    }
}

/// What every bag of a robot carries: its name, the settings with which it was made, and the same as rosetta reads it.
/// Relative names are `node`'s.
pub(crate) fn of_robot(settings: &Settings, node: &Node) -> Result<Notes, bus::Error> {
    let known = [
        (ROBOT, settings.robot.name.clone()),
        (CONFIG, settings.to_yaml()),
        (contract::NOTE, settings.contract(node)?),
    ];
    Ok(known.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Which topics are recorded by other names than the settings have for them; nothing where none is. Relative names are `node`'s.
pub(crate) fn of_remaps(remaps: &[(String, String)], node: &Node) -> Result<Notes, bus::Error> {
    let line = |(from, to): &(String, String)| -> Result<String, bus::Error> {
        Ok(format!("{}:={}", node.resolve(from)?, node.resolve(to)?))
    };
    let lines: Vec<String> = remaps.iter().map(line).collect::<Result<_, _>>()?;
    let noted = (!lines.is_empty()).then(|| (REMAPPED.to_owned(), lines.join("\n")));
    Ok(noted.into_iter().collect())
}

/// What a recording's own notes let expect of it: the settings it was made with, else rosetta's contract. `name` is the
/// recording's, for what is said of notes that cannot be read.
pub(crate) fn expected(bag: &dyn Reader, name: &str) -> anyhow::Result<Vec<Expect>> {
    if let Some(text) = bag.notes().get(CONFIG) {
        return Ok(expected_by(&Settings::parse(text, &format!("{name}, {CONFIG}"))?, bag)?);
    }
    match bag.notes().get(contract::NOTE) {
        Some(text) => Ok(contract::expected(text, &format!("{name}, {}", contract::NOTE))?),
        None => Ok(Vec::new()),
    }
}

/// What the settings let expect of a recording, by the names it has there. In which namespace it was made is not noted: it is the one in
/// which most of it is found, the root where no other has more.
pub(crate) fn expected_by(settings: &Settings, bag: &dyn Reader) -> Result<Vec<Expect>, bus::Error> {
    let noted = bag.notes().get(REMAPPED).map_or("", String::as_str);
    let remapped: BTreeMap<&str, &str> = noted.lines().filter_map(|line| line.split_once(":=")).collect();
    let in_namespace = |namespace: &str| -> Result<Vec<Expect>, bus::Error> {
        let mut expected = settings.expected(&Node::new("recorder", namespace)?)?;
        for it in &mut expected {
            if let Some(to) = remapped.get(it.topic.as_str()) {
                it.topic = (*to).to_owned();
            }
        }
        Ok(expected)
    };
    let there = |it: &&Expect| bag.topics().iter().any(|topic| topic.name == it.topic);
    let mut best = in_namespace("/")?;
    // A bag of others may have names that ROS 2 does not know: nothing of ours is there.
    for other in namespaces(bag.topics()).into_iter().filter_map(|namespace| in_namespace(namespace).ok()) {
        if other.iter().filter(there).count() > best.iter().filter(there).count() {
            best = other;
        }
    }
    Ok(best)
}

/// The namespaces that topics are in, outer ones first.
fn namespaces(topics: &[Arc<Topic>]) -> BTreeSet<&str> {
    let of_name = |name: &str| -> Vec<usize> { name.match_indices('/').skip(1).map(|(at, _)| at).collect() };
    topics.iter().flat_map(|it| of_name(&it.name).into_iter().map(|at| &it.name[..at])).collect()
}

/// Whether what was shown went well.
pub(crate) fn of_success(success: bool) -> (String, String) {
    (SUCCESS.to_owned(), success.to_string())
}

/// What was shown, as far as noted.
pub(crate) fn task(notes: &Notes) -> &str {
    notes.get(TASK).or_else(|| notes.get(PROMPT)).map_or("", String::as_str)
}

/// `true`, `false`, or nothing where nobody said.
pub(crate) fn success(notes: &Notes) -> &str {
    notes.get(SUCCESS).map_or("", String::as_str)
}
