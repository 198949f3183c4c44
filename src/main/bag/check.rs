//! `apprentice bag check`: whether recordings are good to learn from.
//!
//! What is found ends the command with an error once every recording was read: a script may rely on it, and sees them all.

use std::path::Path;

use apprentice::bag::{self, Report, Severity};
use apprentice::config::Settings;

use super::Bags;
use crate::command::notes;
use crate::command::options::{SettingsArgs, put};
use crate::command::progress::Progress;
use crate::command::table::{Table, bytes};

/// Whether recordings are good to learn from: rates, gaps, times that run backwards, skew, losses, missing topics
#[derive(clap::Args, Debug)]
#[command(after_help = "\
With a robot's file, each topic is held to what the file promises; without one, to what the recording notes of itself:
the robot's file it was made with, or rosetta's contract. Exit code 1 if anything is wrong; what is only worth a look
does not count.

Examples:
  apprentice bag check demos/episode_0000
  apprentice bag check --config config/so101.yaml demos
  apprentice bag check --json demos | jq '.[] | select(.findings != []) | .path'")]
pub(crate) struct Check {
    #[command(flatten)]
    bags: Bags,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print JSON: a list with one report for each recording
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Reads each recording through and reports.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let given = self.settings.load()?;
        let mut reports = Vec::new();
        let done = self.bags.each(|path| {
            let report = checked(path, given.as_ref())?;
            if !self.json {
                put(&told(&report))?;
            }
            reports.push(report);
            Ok(())
        });
        if self.json {
            put(&serde_json::to_string_pretty(&reports)?)?;
        }
        done?;
        let bad = reports.iter().filter(|report| !report.is_good()).count();
        anyhow::ensure!(bad == 0, "not as they should be: {bad} of {}", reports.len());
        Ok(())
    }
}

/// The report of one recording, held to what is `given` or else to what it says of itself.
fn checked(path: &Path, given: Option<&Settings>) -> anyhow::Result<Report> {
    let mut reader = bag::open(path)?;
    let expected = match given {
        Some(settings) => Ok(notes::expected_by(settings, reader.as_ref())?),
        None => notes::expected(reader.as_ref(), &path.display().to_string()),
    };
    // The messages can be judged all the same.
    let expected = expected.unwrap_or_else(|error| {
        tracing::warn!("not held to what it says of itself: {error:#}");
        Vec::new()
    });
    let messages = reader.tracks().iter().map(|track| track.messages).sum();
    let mut progress = Progress::begin(&path.display().to_string(), messages, "messages");
    Ok(bag::check_watched(reader.as_mut(), &expected, path, &mut || progress.step()))
}

/// A report for people.
fn told(report: &Report) -> String {
    let mut text = format!(
        "{}: {} messages in {:.1} s, {}\n",
        report.path.display(),
        report.messages,
        report.seconds,
        bytes(report.bytes)
    );
    let worst = |topic: &str| {
        let about = report.findings.iter().filter(|finding| finding.topic.as_deref() == Some(topic));
        about.map(|finding| finding.severity).max()
    };
    let mut table = Table::new(&[
        "",
        "topic",
        ">messages",
        ">rate",
        ">longest gap",
        ">gaps",
        ">backwards",
        ">delay",
        ">lost",
    ]);
    for stream in &report.streams {
        let sign = match worst(&stream.topic) {
            None => "✓",
            Some(Severity::Warning) => "!",
            Some(Severity::Error) => "✗",
        };
        table.row(vec![
            sign.to_owned(),
            stream.topic.clone(),
            stream.messages.to_string(),
            stream.rate_hz.map_or("–".to_owned(), |rate_hz| format!("{rate_hz:.1} Hz")),
            stream
                .interval_ms
                .as_ref()
                .map_or("–".to_owned(), |interval| format!("{:.0} ms", interval.max)),
            stream.gaps.to_string(),
            stream.header_backwards.to_string(),
            stream.delay_ms.as_ref().map_or("–".to_owned(), |delay| format!("{:.1} ms", delay.median)),
            stream.lost.to_string(),
        ]);
    }
    text += &table.to_string();
    for finding in &report.findings {
        let sign = if finding.severity == Severity::Error { "wrong" } else { "look" };
        text += &format!("  {sign}: {finding}\n");
    }
    if report.findings.is_empty() {
        text += "  nothing is wrong\n";
    }
    text
}
