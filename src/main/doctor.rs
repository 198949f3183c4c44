//! `apprentice doctor`: what is there, what is missing, and the command that brings it.
//!
//! Each check is a function from the machine to findings, and the list below is the whole of them. A check looks and
//! changes nothing; the worst it may do is send itself a datagram over the loopback.

mod machine;
mod network;
mod program;

use serde::Serialize;

use super::options::put;
use super::table::Table;

/// Look at this machine: what is installed, which device, which bus, what is missing and the command that brings it
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Exit code 1 if something is wrong; what is merely missing is optional and does not count.

Examples:
  apprentice doctor
  apprentice doctor --json | jq '.[] | select(.state != \"good\")'")]
pub(crate) struct Doctor {
    /// Print JSON: a list of {what, state, detail, remedy}
    #[arg(long)]
    json: bool,
}

/// How it stands with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// As it should be.
    Good,
    /// Not there, which costs only what needs it.
    Missing,
    /// There, and will make trouble.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) what: String,
    /// How it stands.
    pub(crate) state: State,
    /// What was seen.
    pub(crate) detail: String,
    /// The command that helps, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

impl Finding {
    /// Something as it should be.
    pub(crate) fn good(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Good, detail: detail.into(), remedy: None }
    }

    /// Something that is not there, and what brings it.
    pub(crate) fn missing(
        what: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self { what: what.into(), state: State::Missing, detail: detail.into(), remedy }
    }

    /// Something that will make trouble, and what helps.
    pub(crate) fn wrong(
        what: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { state: State::Wrong, ..Self::missing(what, detail, remedy) }
    }
}

/// Every check, in the order in which it is printed.
const CHECKS: &[fn() -> Vec<Finding>] = &[
    program::version,
    program::features,
    machine::accelerator,
    machine::simulator,
    machine::rendering,
    network::bus,
    network::ros,
    network::loopback,
    network::receiving,
    machine::realtime,
    machine::disk,
    machine::unfinished_bags,
];

impl Doctor {
    /// Looks, prints, and fails if something is wrong.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check()).collect();
        if self.json {
            put(&serde_json::to_string_pretty(&findings)?)?;
        } else {
            put(&told(&findings))?;
        }
        let wrong: Vec<&str> = of(&findings, State::Wrong).map(|finding| finding.what.as_str()).collect();
        anyhow::ensure!(wrong.is_empty(), "not as it should be: {}", wrong.join(", "));
        Ok(())
    }
}

fn of(findings: &[Finding], state: State) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(move |finding| finding.state == state)
}

/// The findings for people, and below them what helps.
fn told(findings: &[Finding]) -> String {
    let mut table = Table::new(&["", "", ""]);
    for Finding { what, state, detail, .. } in findings {
        let sign = match state {
            State::Good => "✓",
            State::Missing => "–",
            State::Wrong => "✗",
        };
        table.row(vec![sign.to_owned(), what.clone(), detail.clone()]);
    }
    let mut text = table.to_string().trim_start().to_owned();
    let helped = findings.iter().filter_map(|finding| Some((finding, finding.remedy.as_ref()?)));
    for (at, (finding, remedy)) in helped.enumerate() {
        let head = if at == 0 { "\nWhat helps:\n" } else { "" };
        text += &format!("{head}  {}\n    {remedy}\n", finding.what);
    }
    text
}
