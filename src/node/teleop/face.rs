//! Where teleoperation shows itself: a line in the log when something changes, the terminal's foot, `/diagnostics`.
//!
//! A person who drives looks at the arm and not at the screen, so what is said is short, and said once.

use std::mem::discriminant;
use std::time::{Duration, Instant};

use super::Error;
use super::drive::{Idle, Phase};
use crate::bus::Bus;
use crate::node::diagnostics::{Diagnostics, Level, Part};
use crate::node::screen::{Key, Screen};
use crate::time::Stamp;

/// How often the terminal's foot is drawn.
const DRAWN: Duration = Duration::from_millis(100);

/// Teleoperation at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The device, and what it moves.
    pub device: &'static str,
    /// What a person may press.
    pub help: &'static str,
    /// What it is doing.
    pub phase: Phase,
    /// What of the wish is missing, in words.
    pub limited: Vec<String>,
    /// How many commands went out.
    pub sent: u64,
    /// How many messages were refused.
    pub refused: u64,
}

impl Report {
    /// What it is doing, in words.
    pub fn words(&self) -> String {
        match &self.phase {
            Phase::Idle(idle) => format!("idle: {idle}"),
            Phase::Aligning => "coming to the leader".to_owned(),
            Phase::Driving => "driving".to_owned(),
        }
    }

    fn line(&self) -> String {
        let limited = self.limited.iter().map(|words| format!(" · {words}"));
        format!("teleop · {} · {}{}", self.device, self.words(), limited.collect::<String>())
    }
}

/// The outside of teleoperation.
#[derive(Debug)]
pub(super) struct Face {
    screen: Option<Screen>,
    diagnostics: Diagnostics,
    due: Instant,
    said: Option<Phase>,
}

impl Face {
    /// Opens the topic, and takes the terminal if `keys` are wanted.
    pub(super) fn open(bus: &dyn Bus, keys: bool) -> Result<Self, Error> {
        Ok(Self {
            screen: keys.then(Screen::take).transpose().map_err(Error::Terminal)?,
            diagnostics: Diagnostics::open(bus)?,
            due: Instant::now(),
            said: None,
        })
    }

    /// The next key pressed.
    pub(super) fn key(&mut self) -> Option<Key> {
        Screen::next(&mut self.screen)
    }

    /// Says that the phase changed, if it did.
    pub(super) fn hear(&mut self, phase: &Phase) {
        if self.said.as_ref().is_some_and(|said| is_same(said, phase)) {
            return;
        }
        match phase {
            Phase::Idle(idle) if idle.is_fault() && self.said.as_ref().is_some_and(Phase::commands) => {
                tracing::warn!("the command ends: {idle}");
            }
            // Taps on a key would fill the log with what stands on the screen anyway.
            Phase::Idle(_) | Phase::Aligning | Phase::Driving if self.screen.is_some() => {}
            Phase::Idle(idle) => tracing::info!("no command goes out: {idle}"),
            Phase::Aligning => tracing::info!("the robot comes to where the leader is"),
            Phase::Driving => tracing::info!("driving"),
        }
        self.said = Some(phase.clone());
    }

    /// Whether it is time to show a report.
    pub(super) fn is_due(&self) -> bool {
        (self.screen.is_some() && Instant::now() >= self.due) || self.diagnostics.is_due()
    }

    /// Shows the report to whoever it is time for.
    pub(super) fn show(&mut self, report: &Report, now: Stamp) -> Result<(), Error> {
        if let Some(screen) = &self.screen {
            self.due = Instant::now() + DRAWN;
            let width = screen.width();
            let lines = [report.line(), report.help.to_owned()];
            screen.draw(lines.iter().flat_map(|line| wrapped(line, width)).collect());
        }
        if self.diagnostics.is_due() {
            let level = match &report.phase {
                Phase::Idle(idle) if idle.is_fault() => Level::Warning,
                _ => Level::Fine,
            };
            let values = vec![
                ("device", report.device.to_owned()),
                ("commands", report.sent.to_string()),
                ("refused messages", report.refused.to_string()),
                ("limits", report.limited.join(", ")),
            ];
            let part = Part { name: "teleop".to_owned(), level, message: report.words(), values };
            self.diagnostics.publish(now, vec![part])?;
        }
        Ok(())
    }
}

/// Whether two phases are worth no word: what a leader is off by changes all the time.
fn is_same(said: &Phase, phase: &Phase) -> bool {
    match (said, phase) {
        (Phase::Idle(Idle::Apart { joint: said, .. }), Phase::Idle(Idle::Apart { joint, .. })) => {
            said == joint
        }
        (Phase::Idle(said), Phase::Idle(idle)) => discriminant(said) == discriminant(idle),
        _ => said == phase,
    }
}

/// `line` in pieces that fit, broken between words.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let last = lines.last().map_or(0, |line| line.chars().count());
        match lines.last_mut() {
            Some(line) if last > 0 && last + 1 + word.chars().count() < width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) if last == 0 => line.push_str(word),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_between_words() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("a-very-long-word b", 5), ["a-very-long-word", "b"]);
        assert_eq!(wrapped("short", 80), ["short"]);
    }

    #[test]
    fn a_leader_that_comes_nearer_is_not_news() {
        let apart = |joint: &str, by| Phase::Idle(Idle::Apart { joint: joint.to_owned(), by, may: 0.2 });
        assert!(is_same(&apart("elbow", 0.5), &apart("elbow", 0.4)));
        assert!(!is_same(&apart("elbow", 0.5), &apart("wrist", 0.5)));
        assert!(!is_same(&Phase::Driving, &Phase::Idle(Idle::Quiet)));
    }
}
