//! What is noted in a bag beside its messages, and under which keys.
//!
//! A task is noted twice: under our word for it and under rosetta's, so that its converter finds the prompt it looks
//! for. Bags that only have rosetta's are read all the same.

use apprentice::bag::Notes;
use apprentice::bus::{self, Node};
use apprentice::config::{Settings, contract};
use apprentice::node::recorder::notes::{PROMPT, SUCCESS, TASK};
use apprentice::spec::Expect;

/// Who shows it.
const OPERATOR: &str = "operator";
/// The robot's name.
const ROBOT: &str = "robot";
/// The settings with which it was recorded.
const CONFIG: &str = "config";

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

/// What a recording's own notes let expect of it: the settings it was made with, else rosetta's contract. `name` is the
/// recording's, for what is said of notes that cannot be read.
pub(crate) fn expected(notes: &Notes, node: &Node, name: &str) -> anyhow::Result<Vec<Expect>> {
    if let Some(text) = notes.get(CONFIG) {
        return Ok(Settings::parse(text, &format!("{name}, {CONFIG}"))?.expected(node)?);
    }
    match notes.get(contract::NOTE) {
        Some(text) => Ok(contract::expected(text, &format!("{name}, {}", contract::NOTE))?),
        None => Ok(Vec::new()),
    }
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
