//! What a recorder shows: one report, from which the terminal's table, the plain line, the status topic and the
//! diagnostics are all made.
//!
//! Making each of them from the recorder itself would let them disagree; and as plain values a report can be shown and
//! tested without a terminal or a bus.

use std::path::PathBuf;
use std::time::Duration;

/// What the recorder is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Waiting for a start.
    #[default]
    Idle,
    /// Writing an episode.
    Recording,
    /// Bringing an episode to its end.
    Saving,
    /// The last episode failed, or the last start did; the next start may well succeed.
    Failed,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Recording => "recording",
            Self::Saving => "saving",
            Self::Failed => "FAILED",
        }
    }
}

/// The recorder at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What it is doing.
    pub state: State,
    /// The episode being written, or the last one; empty before the first.
    pub path: PathBuf,
    /// Its number.
    pub episode: u32,
    /// Its length so far.
    pub length: Duration,
    /// Its bytes on disk so far.
    pub bytes: u64,
    /// How much of the writer's queue is in use, from 0 to 1.
    pub queue: f64,
    /// Bytes free on the disk, where known.
    pub free: Option<u64>,
    /// How many episodes were kept so far, and of how many, where a number was set.
    pub kept: (u32, Option<u32>),
    /// What was said last: how an episode ended, why a start was refused.
    pub word: String,
    /// Its topics.
    pub streams: Vec<StreamReport>,
}

/// One topic at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamReport {
    /// Its name.
    pub topic: String,
    /// Its type; empty until it is offered.
    pub type_name: String,
    /// Messages a second lately.
    pub rate_hz: f64,
    /// Messages a second promised.
    pub expected_hz: Option<f64>,
    /// Time since the last message.
    pub age: Option<Duration>,
    /// The longest silence of the episode.
    pub longest_gap: Duration,
    /// Messages received in this episode.
    pub received: u64,
    /// Messages lost in this episode between publisher and disk.
    pub lost: u64,
    /// Bytes of messages in this episode.
    pub bytes: u64,
    /// The alarms that hold, in words; empty where all is well.
    pub alarm: String,
}

/// Columns that a topic's figures take, and what is kept free behind them for its alarm.
const FIGURES: usize = 50;
const ALARM: usize = 13;

/// The report as lines for a terminal of that many columns; no line is longer.
pub fn table(report: &Report, columns: usize) -> Vec<String> {
    let longest = report.streams.iter().map(|stream| stream.topic.chars().count()).max().unwrap_or(0);
    let name_width = longest.min(columns.saturating_sub(FIGURES + ALARM)).max(5);
    let mut lines = vec![headline(report), String::new()];
    lines.push(format!(
        "{:name_width$}  {:>12}  {:>7}  {:>7}  {:>6}  {:>8}",
        "topic", "rate/Hz", "age/ms", "gap/ms", "lost", "MB"
    ));
    lines.extend(report.streams.iter().map(|stream| row(stream, name_width)));
    lines.push(String::new());
    if !report.word.is_empty() {
        lines.push(report.word.clone());
    }
    lines.push(keys_of(report.state).to_owned());
    lines.iter().map(|line| cut(line, columns)).collect()
}

/// The report in one line, for a log.
pub fn line(report: &Report) -> String {
    let alarms: Vec<String> = report
        .streams
        .iter()
        .filter(|stream| !stream.alarm.is_empty())
        .map(|stream| format!("{} {}", stream.topic, stream.alarm))
        .collect();
    let alarms = if alarms.is_empty() { String::new() } else { format!(" · {}", alarms.join(", ")) };
    format!("{}{alarms}", headline(report))
}

fn headline(report: &Report) -> String {
    let mut parts = vec![report.state.word().to_owned()];
    if report.state != State::Idle && !report.path.as_os_str().is_empty() {
        parts.push(report.path.display().to_string());
    }
    if matches!(report.state, State::Recording | State::Saving) {
        parts.push(format!("{:.1} s", report.length.as_secs_f64()));
        parts.push(format!("{:.1} MB", report.bytes as f64 / 1e6));
        parts.push(format!("{} lost", report.streams.iter().map(|stream| stream.lost).sum::<u64>()));
    }
    match report.kept {
        (kept, Some(of)) => parts.push(format!("{kept} of {of} kept")),
        (kept, None) => parts.push(format!("{kept} kept")),
    }
    if report.queue >= 0.1 {
        parts.push(format!("queue {:.0} %", report.queue * 100.0));
    }
    if let Some(free) = report.free {
        parts.push(format!("{:.1} GB free", free as f64 / 1e9));
    }
    parts.join(" · ")
}

fn row(stream: &StreamReport, name_width: usize) -> String {
    let rate = match stream.expected_hz {
        Some(expected) => format!("{:.1} of {expected:.0}", stream.rate_hz),
        None => format!("{:.1}", stream.rate_hz),
    };
    let age = stream.age.map_or("-".to_owned(), |age| age.as_millis().to_string());
    let alarm = if stream.alarm.is_empty() { String::new() } else { format!("  ! {}", stream.alarm) };
    format!(
        "{:name_width$}  {rate:>12}  {age:>7}  {:>7}  {:>6}  {:>8.1}{alarm}",
        end_of(&stream.topic, name_width),
        stream.longest_gap.as_millis(),
        stream.lost,
        stream.bytes as f64 / 1e6,
    )
}

fn keys_of(state: State) -> &'static str {
    match state {
        State::Recording => "space stop · s stop, success · f stop, failure · d discard · q quit",
        State::Saving => "saving …",
        State::Idle | State::Failed => "space start · l save the last seconds · q quit",
    }
}

/// The end of a name, which tells more than its beginning.
fn end_of(name: &str, columns: usize) -> String {
    match name.chars().count().checked_sub(columns) {
        None | Some(0) => name.to_owned(),
        Some(over) => "…".chars().chain(name.chars().skip(over + 1)).collect(),
    }
}

fn cut(text: &str, columns: usize) -> String {
    text.chars().take(columns).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let stream = StreamReport {
            topic: "/front/image_raw".to_owned(),
            type_name: "sensor_msgs/msg/Image".to_owned(),
            rate_hz: 14.96,
            expected_hz: Some(30.0),
            age: Some(Duration::from_millis(66)),
            longest_gap: Duration::from_millis(2013),
            received: 200,
            lost: 3,
            bytes: 184_320_000,
            alarm: "slow".to_owned(),
        };
        Report {
            state: State::Recording,
            path: PathBuf::from("demos/episode_0004"),
            episode: 4,
            length: Duration::from_millis(6700),
            bytes: 190_000_000,
            free: Some(71_900_000_000),
            kept: (4, Some(10)),
            streams: vec![
                stream,
                StreamReport { topic: "/joint_states".to_owned(), ..StreamReport::default() },
            ],
            ..Report::default()
        }
    }

    #[test]
    fn the_table_shows_rate_age_gap_loss_and_megabytes_of_every_topic() {
        let lines = table(&report(), 120);
        assert_eq!(
            lines,
            [
                "recording · demos/episode_0004 · 6.7 s · 190.0 MB · 3 lost · 4 of 10 kept · 71.9 GB free",
                "",
                "topic                  rate/Hz   age/ms   gap/ms    lost        MB",
                "/front/image_raw    15.0 of 30       66     2013       3     184.3  ! slow",
                "/joint_states              0.0        -        0       0       0.0",
                "",
                "space stop · s stop, success · f stop, failure · d discard · q quit",
            ]
        );
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_is_wide() {
        assert!(table(&report(), 30).iter().all(|line| line.chars().count() <= 30));
    }

    #[test]
    fn on_a_narrow_terminal_the_name_gives_way_to_the_alarm() {
        let lines = table(&report(), 75);
        assert!(lines[3].starts_with("…t/image_raw  ") && lines[3].ends_with("! slow"), "{}", lines[3]);
    }

    #[test]
    fn the_plain_line_names_every_alarm() {
        assert!(line(&report()).ends_with("71.9 GB free · /front/image_raw slow"), "{}", line(&report()));
    }
}
