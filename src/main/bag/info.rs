//! `apprentice bag info`: what is in a recording.
//!
//! What people read and what `--json` prints are made from one value, so that a figure cannot be in one alone.

use std::fmt;
use std::path::Path;

use apprentice::bag::{self, Notes, Track};
use apprentice::time::Stamp;
use apprentice::wire::Reliability;
use serde::Serialize;

use super::Bags;
use crate::command::notes::{success, task};
use crate::command::options::put;
use crate::command::table::{Table, bytes};

/// What is in a recording: when, how much, which topics, what was noted
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  apprentice bag info demos/episode_0000
  apprentice bag info demos
      one line for each recording in the folder
  apprentice bag info --json demos | jq '.[].notes.task'")]
pub(crate) struct Info {
    #[command(flatten)]
    bags: Bags,
    /// Print JSON: a list with one object for each recording
    #[arg(long)]
    json: bool,
}

impl Info {
    /// Prints one recording in full, or several as a list.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut contents = Vec::new();
        let done = self.bags.each(|path| {
            contents.push(Content::of(path)?);
            Ok(())
        });
        if self.json {
            put(&serde_json::to_string_pretty(&contents)?)?;
        } else if let [one] = &contents[..] {
            put(&one.to_string())?;
        } else if !contents.is_empty() {
            put(&list(&contents).to_string())?;
        }
        done
    }
}

/// What is in the recording at `path`, for people.
pub(crate) fn text_of(path: &Path) -> Result<String, bag::Error> {
    Ok(Content::of(path)?.to_string())
}

/// What is in a recording, as `--json` says it.
#[derive(Debug, Serialize)]
struct Content {
    path: String,
    files: Vec<String>,
    bytes: u64,
    messages: u64,
    start_ns: Option<i64>,
    end_ns: Option<i64>,
    seconds: f64,
    topics: Vec<OfTopic>,
    /// What tells that it is not all there.
    torn: Vec<String>,
    notes: Notes,
}

#[derive(Debug, Serialize)]
struct OfTopic {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    type_hash: String,
    reliable: bool,
    messages: u64,
    rate_hz: f64,
}

impl Content {
    fn of(path: &Path) -> Result<Self, bag::Error> {
        let reader = bag::open(path)?;
        let seconds = reader.span().map_or(0.0, |(start, end)| end.since(start).as_secs_f64());
        let mut topics: Vec<OfTopic> =
            reader.tracks().iter().map(|track| OfTopic::of(track, seconds)).collect();
        topics.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self {
            path: path.display().to_string(),
            files: reader.files().iter().map(|file| file.file.clone()).collect(),
            bytes: reader.files().iter().map(|file| file.bytes).sum(),
            messages: reader.tracks().iter().map(|track| track.messages).sum(),
            start_ns: reader.span().map(|(start, _)| start.0),
            end_ns: reader.span().map(|(_, end)| end.0),
            seconds,
            topics,
            torn: reader.torn().iter().map(ToString::to_string).collect(),
            notes: reader.notes().clone(),
        })
    }
}

impl fmt::Display for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.path)?;
        let mut facts = vec![("files", format!("{} ({})", self.files.join(", "), bytes(self.bytes)))];
        facts.extend(self.torn.iter().map(|torn| ("torn", torn.clone())));
        if !self.torn.is_empty() {
            facts.push(("", format!("`apprentice bag recover {}` mends it", self.path)));
        }
        facts.extend(self.start_ns.map(|start| ("start", instant(Stamp(start)))));
        facts.push(("length", format!("{:.1} s", self.seconds)));
        facts.push(("messages", self.messages.to_string()));
        facts.extend(self.notes.iter().map(|(key, value)| (key.as_str(), in_one_line(value))));
        let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in facts {
            writeln!(out, "  {name:<width$}  {value}")?;
        }
        writeln!(out)?;
        let mut table = Table::new(&["topic", "type", ">messages", ">rate", "delivery"]);
        for topic in &self.topics {
            table.row(vec![
                topic.name.clone(),
                topic.type_name.clone(),
                topic.messages.to_string(),
                format!("{:.1} Hz", topic.rate_hz),
                if topic.reliable { "reliable" } else { "best effort" }.to_owned(),
            ]);
        }
        write!(out, "{table}")
    }
}

/// A note as it fits a line.
fn in_one_line(note: &str) -> String {
    match note.lines().count() {
        0 | 1 => note.trim_end().to_owned(),
        lines => format!("({lines} lines; --json prints them)"),
    }
}

impl OfTopic {
    fn of(track: &Track, seconds: f64) -> Self {
        // Of n messages there are n - 1 intervals.
        let intervals = track.messages.saturating_sub(1) as f64;
        Self {
            name: track.topic.name.clone(),
            type_name: track.topic.type_name.clone(),
            type_hash: track.type_hash.clone(),
            reliable: track.topic.qos.reliability == Reliability::Reliable,
            messages: track.messages,
            rate_hz: if seconds > 0.0 { intervals / seconds } else { 0.0 },
        }
    }
}

fn list(contents: &[Content]) -> Table {
    let mut table = Table::new(&["recording", ">length", ">messages", ">size", "", "success", "task"]);
    for content in contents {
        table.row(vec![
            content.path.clone(),
            format!("{:.1} s", content.seconds),
            content.messages.to_string(),
            bytes(content.bytes),
            if content.torn.is_empty() { "" } else { "torn" }.to_owned(),
            success(&content.notes).to_owned(),
            task(&content.notes).to_owned(),
        ]);
    }
    table
}

/// When something was received. No wall clock stands before this program was thought of, so such an instant is a world's.
fn instant(stamp: Stamp) -> String {
    /// The year 2000.
    const WALL: i64 = 946_684_800;
    let simulated = if stamp < Stamp(WALL * 1_000_000_000) { " (simulated time)" } else { "" };
    format!("{}{simulated}", calendar(stamp))
}

/// An instant of the wall clock in UTC, by the calendar: `2026-03-01 12:00:00.5 UTC`.
///
/// Days are counted from 1 March of year 0, so that the leap day is the last of its year.
fn calendar(stamp: Stamp) -> String {
    let (seconds, tenths) =
        (stamp.0.div_euclid(1_000_000_000), stamp.0.rem_euclid(1_000_000_000) / 100_000_000);
    let (days, second) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{tenths} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_knows_leap_years_and_the_time_before_1970() {
        let said =
            [0, -1, 951_782_400, 4_107_542_399, 1_709_164_800].map(|s| calendar(Stamp(s * 1_000_000_000)));
        let wanted = [
            "1970-01-01 00:00:00.0 UTC",
            "1969-12-31 23:59:59.0 UTC",
            "2000-02-29 00:00:00.0 UTC",
            "2100-02-28 23:59:59.0 UTC",
            "2024-02-29 00:00:00.0 UTC",
        ];
        assert_eq!(said, wanted);
    }

    #[test]
    fn an_instant_of_a_world_is_said_to_be_one() {
        assert_eq!(instant(Stamp(1000 * 1_000_000_000)), "1970-01-01 00:16:40.0 UTC (simulated time)");
        assert_eq!(instant(Stamp(951_782_400 * 1_000_000_000)), "2000-02-29 00:00:00.0 UTC");
    }
}
