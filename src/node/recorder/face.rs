//! Where a recorder shows itself: the terminal's table or a plain log line a second, the latched `~/status`, and
//! `/diagnostics`.
//!
//! One report feeds them all, so that they cannot disagree. What cannot be shown never stops a recording: it is
//! said once in the log.

use std::time::{Duration, Instant};

use super::Error;
use super::status::{self, Report, State, StreamReport};
use crate::bus::Bus;
use crate::bus::typed::Publisher;
use crate::msg::own;
use crate::node::diagnostics::{Diagnostics, Level, Part, header};
use crate::node::screen::{Key, Screen};
use crate::time::Stamp;
use crate::wire::Qos;

/// How often a person's table is drawn, and how often everybody else is told.
const DRAWN: Duration = Duration::from_millis(250);
const TOLD: Duration = Duration::from_secs(1);

/// The recorder's outside.
pub(super) struct Face {
    screen: Option<Screen>,
    status: Publisher<own::Recording>,
    diagnostics: Diagnostics,
    due: Instant,
    told: Instant,
    /// What was told last: a change is told at once.
    last: Option<(State, Vec<String>)>,
    mute: bool,
}

impl Face {
    /// Opens the topics, and takes the terminal if `keys` are wanted.
    pub(super) fn open(bus: &dyn Bus, keys: bool) -> Result<Self, Error> {
        Ok(Self {
            status: Publisher::open(bus, "~/status", Qos::latched(1))?,
            diagnostics: Diagnostics::open(bus)?,
            screen: keys.then(Screen::take).transpose().map_err(Error::Terminal)?,
            due: Instant::now(),
            told: Instant::now(),
            last: None,
            mute: false,
        })
    }

    /// The next key pressed.
    pub(super) fn key(&mut self) -> Option<Key> {
        Screen::next(&mut self.screen)
    }

    /// Whether it is time to show something.
    pub(super) fn is_due(&self, state: State) -> bool {
        Instant::now() >= self.due || self.last.as_ref().is_none_or(|(last, _)| *last != state)
    }

    /// Shows the report to whoever it is time for.
    pub(super) fn show(&mut self, report: &Report, now: Stamp) {
        self.due = Instant::now() + DRAWN;
        if let Some(screen) = &self.screen {
            screen.draw(status::table(report, screen.width()));
        }
        let alarms = report.streams.iter().map(|stream| stream.alarm.clone()).collect();
        let news = Some((report.state, alarms));
        if news != self.last || Instant::now() >= self.told {
            self.told = Instant::now() + TOLD;
            self.last = news;
            let sent = self.status.send(&message(report, now));
            self.say_once(sent);
            if self.screen.is_none() && report.state != State::Idle {
                tracing::info!("{}", status::line(report));
            }
        }
        if self.diagnostics.is_due() {
            self.diagnose(report, now);
        }
    }

    fn diagnose(&mut self, report: &Report, now: Stamp) {
        let sent = self.diagnostics.publish(now, parts(report));
        self.say_once(sent);
    }

    /// Shows how it all ended, whoever it is time for.
    pub(super) fn show_last(&mut self, report: &Report, now: Stamp) {
        self.last = None;
        self.show(report, now);
        self.diagnose(report, now);
    }

    fn say_once(&mut self, sent: Result<(), crate::bus::Error>) {
        if let Err(error) = sent
            && !std::mem::replace(&mut self.mute, true)
        {
            tracing::warn!("the status cannot be published: {}", super::report(&error));
        }
    }
}

fn message(report: &Report, now: Stamp) -> own::Recording {
    own::Recording {
        header: header(now),
        state: match report.state {
            State::Idle => own::Recording::IDLE,
            State::Recording => own::Recording::RECORDING,
            State::Saving => own::Recording::SAVING,
            State::Failed => own::Recording::FAILED,
        },
        path: report.path.display().to_string(),
        episode: report.episode,
        seconds: report.length.as_secs_f64(),
        bytes: report.bytes,
        streams: report.streams.iter().map(stream_message).collect(),
    }
}

fn stream_message(stream: &StreamReport) -> own::Stream {
    own::Stream {
        topic: stream.topic.clone(),
        r#type: stream.type_name.clone(),
        rate_hz: stream.rate_hz as f32,
        expected_hz: stream.expected_hz.unwrap_or(0.0) as f32,
        age_ms: stream.age.map_or(f32::INFINITY, |age| age.as_secs_f32() * 1e3),
        received: stream.received,
        lost: stream.lost,
        alarm: stream.alarm.clone(),
    }
}

fn parts(report: &Report) -> Vec<Part> {
    let whole = Part {
        name: "episode".to_owned(),
        level: if report.state == State::Failed { Level::Broken } else { Level::Fine },
        message: if report.word.is_empty() { status::line(report) } else { report.word.clone() },
        values: vec![
            ("path", report.path.display().to_string()),
            ("seconds", format!("{:.1}", report.length.as_secs_f64())),
            ("bytes", report.bytes.to_string()),
            ("queue", format!("{:.2}", report.queue)),
            ("free bytes", report.free.map_or("unknown".to_owned(), |free| free.to_string())),
        ],
    };
    std::iter::once(whole).chain(report.streams.iter().map(part)).collect()
}

fn part(stream: &StreamReport) -> Part {
    let well = stream.alarm.is_empty();
    Part {
        name: stream.topic.clone(),
        level: if well { Level::Fine } else { Level::Warning },
        message: if well { "recorded".to_owned() } else { stream.alarm.clone() },
        values: vec![
            ("type", stream.type_name.clone()),
            ("rate/Hz", format!("{:.2}", stream.rate_hz)),
            ("expected/Hz", stream.expected_hz.map_or("unknown".to_owned(), |rate| format!("{rate:.2}"))),
            ("longest gap/ms", stream.longest_gap.as_millis().to_string()),
            ("received", stream.received.to_string()),
            ("lost", stream.lost.to_string()),
        ],
    }
}
