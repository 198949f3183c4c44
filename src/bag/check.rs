//! Whether a recording is good to learn from: rates, gaps, times that run backwards, streams that do not fit.
//!
//! One pass over the messages in constant memory. Of a message only the leading stamp is looked at, where the
//! definition says that its type begins with a header. What is wrong is said twice: as figures per stream, and as
//! findings in words.

mod stream;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use stream::{Delay, Interval, Silence, StreamReport};

use super::{Error, Notes, RECOVERED, Reader, Torn};
use crate::spec::Expect;
use crate::time::Stamp;
use stream::Account;

/// Below this share of the rate that was expected, a stream is too slow.
const SLOW: f64 = 0.9;
/// Streams whose median delays differ by more than this many milliseconds are skewed.
const SKEW_MS: f64 = 100.0;
/// Stamps further from receipt than this many milliseconds, an hour, are of another clock.
const OTHER_CLOCK_MS: f64 = 3.6e6;
/// A stream that begins this much later than the recording, or ends this much earlier, is cut short.
const CUT_SHORT_MS: f64 = 1000.0;
/// So many damaged messages are described; the rest are counted.
const DESCRIBED: usize = 20;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look.
    Warning,
    /// The recording is not what it should be.
    Error,
}

/// One thing that is wrong, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The topic it is about; `None` for the recording as a whole.
    pub topic: Option<String>,
    /// What is wrong.
    pub text: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.topic {
            Some(topic) => write!(out, "{topic}: {}", self.text),
            None => out.write_str(&self.text),
        }
    }
}

/// What a recording is like.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where it is.
    pub path: PathBuf,
    /// Its files.
    pub files: usize,
    /// Bytes of its files.
    pub bytes: u64,
    /// Messages that could be read.
    pub messages: u64,
    /// Messages, or stretches of the file, that could not.
    pub damaged: u64,
    /// From the first receipt to the last.
    pub seconds: f64,
    /// Its streams, by topic.
    pub streams: Vec<StreamReport>,
    /// Everything that is wrong with it, the worst first.
    pub findings: Vec<Finding>,
    /// What was noted beside the messages.
    pub notes: Notes,
}

impl Report {
    /// Whether nothing worse than a warning was found.
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Warning)
    }
}

/// Reads a recording through and reports what it is like, and how far it is what was expected of it.
pub fn check(reader: &mut dyn Reader, expected: &[Expect], path: &Path) -> Report {
    check_watched(reader, expected, path, &mut || {})
}

/// The same, saying at each message that it was read.
pub fn check_watched(
    reader: &mut dyn Reader,
    expected: &[Expect],
    path: &Path,
    read: &mut dyn FnMut(),
) -> Report {
    let span = reader.span();
    let files = reader.files().len();
    let bytes = reader.files().iter().map(|file| file.bytes).sum();
    let notes = reader.notes().clone();
    let torn = reader.torn().to_vec();
    let mut accounts: BTreeMap<(String, String), Account> = BTreeMap::new();
    for track in reader.tracks() {
        let max_age = expected.iter().find(|one| one.topic == track.topic.name).and_then(|one| one.max_age);
        let key = (track.topic.name.clone(), track.topic.type_name.clone());
        accounts.insert(key, Account::new(track, max_age));
    }
    let (mut damage, mut damaged) = (Vec::new(), 0);
    let (mut key, mut messages) = ((String::new(), String::new()), 0);
    for item in reader.samples(&[]) {
        read();
        match item {
            Ok(sample) => {
                key.0.clone_from(&sample.topic.name);
                key.1.clone_from(&sample.topic.type_name);
                messages += 1;
                if let Some(account) = accounts.get_mut(&key) {
                    account.take(&sample);
                }
            }
            Err(error) => {
                damaged += 1;
                if damage.len() < DESCRIBED {
                    damage.push(in_full(&error));
                }
            }
        }
    }
    let streams: Vec<StreamReport> =
        accounts.into_values().map(|account| account.report(span, lost_in(&notes))).collect();
    let seconds = span.map_or(0.0, |(first, last)| last.since(first).as_secs_f64());
    let mut report = Report {
        path: path.to_owned(),
        files,
        bytes,
        messages,
        damaged,
        seconds,
        streams,
        findings: Vec::new(),
        notes,
    };
    report.findings = findings(&report, expected, &damage, span);
    report.findings.splice(0..0, of_torn(&torn, path));
    report
}

/// An error with its causes.
fn in_full(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

/// What the recorder noted as lost, by topic: `{"topics": {"/t": {"wire": 3, "queue": 1}}}`.
fn lost_in(notes: &Notes) -> impl Fn(&str) -> u64 {
    let noted: serde_json::Value =
        notes.get("apprentice.lost").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    move |topic| match &noted["topics"][topic] {
        serde_json::Value::Object(places) => places.values().filter_map(serde_json::Value::as_u64).sum(),
        count => count.as_u64().unwrap_or(0),
    }
}

/// Topics of which a publisher announced another type hash than the bag's, as the recorder noted it.
fn other_definitions(notes: &Notes) -> Vec<(String, String)> {
    let noted: serde_json::Value = notes
        .get("apprentice.type_hashes")
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let topics = noted.as_object().into_iter().flatten();
    let said = |hashes: &serde_json::Value| {
        format!(
            "a publisher was built from another definition of its type: {} instead of {}",
            hashes["announced"], hashes["noted"]
        )
    };
    topics.map(|(topic, hashes)| (topic.clone(), said(hashes))).collect()
}

/// What is torn of a recording, and what mends it.
fn of_torn(torn: &[Torn], path: &Path) -> Vec<Finding> {
    // Of a single file, the recording is the folder.
    let folder = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    let text = |torn: &Torn| format!("{torn}; `apprentice bag recover {}` mends it", folder.display());
    let found = |torn| Finding { severity: Severity::Error, topic: None, text: text(torn) };
    torn.iter().map(found).collect()
}

fn findings(
    report: &Report,
    expected: &[Expect],
    damage: &[String],
    span: Option<(Stamp, Stamp)>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |severity, topic: Option<&str>, text: String| {
        found.push(Finding { severity, topic: topic.map(str::to_owned), text });
    };
    if span.is_none() {
        say(Severity::Error, None, "it has no message".to_owned());
    }
    damage.iter().for_each(|text| say(Severity::Error, None, text.clone()));
    if report.damaged > damage.len() as u64 {
        say(Severity::Error, None, format!("{} are damaged in all", report.damaged));
    }
    for one in expected {
        compare(one, &report.streams, &mut say);
    }
    for stream in &report.streams {
        judge(stream, &mut say);
        let name = stream.topic.as_str();
        let twins = report.streams.iter().filter(|other| other.topic == name);
        let types: Vec<&str> = twins.map(|twin| twin.type_name.as_str()).collect();
        if types.len() > 1 && types[0] == stream.type_name {
            say(Severity::Error, Some(name), format!("it has several types: {types:?}"));
        }
    }
    compare_delays(&report.streams, &mut say);
    for (topic, text) in other_definitions(&report.notes) {
        say(Severity::Error, Some(&topic), text);
    }
    if let Some(why) =
        report.notes.get("apprentice.ended").filter(|why| ["disk full", "failed"].contains(&why.as_str()))
    {
        say(Severity::Warning, None, format!("the recorder ended it: {why}"));
    }
    if let Some(noted) = report.notes.get(RECOVERED) {
        say(
            Severity::Warning,
            None,
            format!("it was made whole after its writer died or it was cut: {noted}"),
        );
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

/// A stream against what is expected of it.
fn compare(one: &Expect, streams: &[StreamReport], say: &mut impl FnMut(Severity, Option<&str>, String)) {
    let name = Some(one.topic.as_str());
    let Some(stream) = streams.iter().find(|stream| stream.topic == one.topic && stream.messages > 0) else {
        let (severity, text) = match one.optional {
            true => (Severity::Warning, "it is not there (optional)"),
            false => (Severity::Error, "it is not there"),
        };
        return say(severity, name, text.to_owned());
    };
    if let Some(wanted) = one.type_name.as_ref().filter(|wanted| **wanted != stream.type_name) {
        say(Severity::Error, name, format!("its type is {:?} instead of {wanted:?}", stream.type_name));
    }
    if let (Some(wanted), Some(rate)) = (one.rate_hz, stream.rate_hz)
        && rate < wanted * SLOW
    {
        say(Severity::Error, name, format!("{rate:.1} messages a second instead of {wanted:.1}"));
    }
    if let (Some(limit), true) = (one.max_age, stream.over_age > 0) {
        let (times, limit_ms) = (stream.over_age, limit.as_secs_f64() * 1e3);
        let longest = stream.interval_ms.as_ref().map_or(0.0, |interval| interval.max);
        say(
            Severity::Error,
            name,
            format!("{times} silences over {limit_ms:.0} ms, the longest {longest:.0} ms"),
        );
    }
}

/// A stream by itself.
fn judge(stream: &StreamReport, say: &mut impl FnMut(Severity, Option<&str>, String)) {
    let name = Some(stream.topic.as_str());
    if stream.messages == 0 {
        return say(Severity::Warning, name, "it has no message".to_owned());
    }
    if stream.gaps > 0 {
        let at: Vec<String> = stream
            .silences
            .iter()
            .map(|silence| format!("{:.0} ms at {:.1} s", silence.ms, silence.at_s))
            .collect();
        say(Severity::Warning, name, format!("{} gaps, the longest {}", stream.gaps, at.join(", ")));
    }
    if stream.lost > 0 {
        say(Severity::Error, name, format!("{} messages were lost while recording", stream.lost));
    }
    if stream.header_backwards > 0 {
        let times = stream.header_backwards;
        say(Severity::Error, name, format!("its time stamps run backwards {times} times"));
    }
    if stream.header_unreadable > 0 {
        say(
            Severity::Error,
            name,
            format!("{} messages are too short for their header", stream.header_unreadable),
        );
    }
    if stream.begins_after_ms > CUT_SHORT_MS {
        say(
            Severity::Warning,
            name,
            format!("it begins {:.1} s after the recording", stream.begins_after_ms / 1e3),
        );
    }
    if stream.ends_before_ms > CUT_SHORT_MS {
        say(
            Severity::Warning,
            name,
            format!("it ends {:.1} s before the recording", stream.ends_before_ms / 1e3),
        );
    }
}

/// The skew between streams: how differently late their messages arrive by their own stamps.
fn compare_delays(streams: &[StreamReport], say: &mut impl FnMut(Severity, Option<&str>, String)) {
    let all = || streams.iter().filter_map(|stream| Some((stream, stream.delay_ms.as_ref()?.median)));
    let other_clock = |delay: f64| delay.abs() > OTHER_CLOCK_MS;
    let strange: Vec<_> = all().filter(|(_, delay)| other_clock(*delay)).collect();
    // Where it is all of them it is one mistake, and said once.
    let (whole, told) = match strange.len() > 1 && strange.len() == all().count() {
        true => ("of all topics: ", 1),
        false => ("", strange.len()),
    };
    for (stream, delay) in &strange[..told] {
        let hours = delay.abs() / OTHER_CLOCK_MS;
        let text = format!(
            "{whole}stamps of another clock, {hours:.0} hours from receipt: beside a simulator, record with \
             `--ros-args -p use_sim_time:=true`"
        );
        say(Severity::Error, whole.is_empty().then_some(stream.topic.as_str()), text);
    }
    let delays = || all().filter(|(_, delay)| !other_clock(*delay));
    let (Some(least), Some(most)) =
        (delays().min_by(|a, b| a.1.total_cmp(&b.1)), delays().max_by(|a, b| a.1.total_cmp(&b.1)))
    else {
        return;
    };
    if most.1 - least.1 > SKEW_MS {
        let (skew, other) = (most.1 - least.1, &least.0.topic);
        let text = format!("by its stamps it is {skew:.0} ms further from receipt than {other}");
        say(Severity::Warning, Some(&most.0.topic), text);
    }
}
