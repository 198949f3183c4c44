//! What can be told a running recorder: its parameters, as `ros2 param set /recorder task "fold the towel"` sets them.
//!
//! They hold from the next episode on: what an episode is about does not change while it runs.

use std::time::Duration;

use super::episode::notes::{PROMPT, TASK};
use super::{Config, Error, Session};
use crate::bag::Notes;
use crate::bus::Bus;
use crate::bus::parameter::{Declared, Parameters, Refusal, Value};

/// Notes that may change from episode to episode.
const NOTES: [(&str, &str); 2] =
    [(TASK, "what is being shown, noted in the bag"), ("operator", "who shows it, noted in the bag")];
const EPISODE_S: &str = "episode_s";

/// The parameters of a recorder, served until this is dropped.
#[derive(Debug)]
pub(super) struct Told(Parameters);

impl Told {
    /// Serves them, with what the session and the robot's file say as their first values.
    pub(super) fn serve(bus: &dyn Bus, config: &Config, session: &Session) -> Result<Self, Error> {
        let length = session.length.map(|length| length.as_secs_f64()).or(config.episode_s).unwrap_or(0.0);
        let out = Value::Text(session.out.display().to_string());
        let mut declared = vec![
            Declared::new("out", out, "the folder of episodes").read_only(),
            Declared::new(
                EPISODE_S,
                Value::Double(length),
                "seconds until an episode ends by itself; 0: never",
            )
            .with_rule(is_a_length),
        ];
        declared.extend(NOTES.map(|(name, about)| {
            let first = session.notes.get(name).cloned().unwrap_or_default();
            Declared::new(name, Value::Text(first), about)
        }));
        Ok(Self(Parameters::serve(bus, declared)?))
    }

    /// After how long the next episode ends by itself.
    pub(super) fn length(&self) -> Option<Duration> {
        match self.0.get(EPISODE_S) {
            Some(Value::Double(seconds)) if seconds > 0.0 => Duration::try_from_secs_f64(seconds).ok(),
            _ => None,
        }
    }

    /// The notes of the next episode: those of the session, with what was told since.
    pub(super) fn notes(&self, of_session: &Notes) -> Notes {
        let mut notes = of_session.clone();
        for (name, _) in NOTES {
            if let Some(Value::Text(text)) = self.0.get(name) {
                notes.remove(name);
                notes.extend((!text.is_empty()).then(|| (name.to_owned(), text)));
            }
        }
        // A bag never carries one task under our key and another, told earlier, under rosetta's.
        if of_session.contains_key(TASK) {
            notes.remove(PROMPT);
        }
        notes.extend(notes.get(TASK).cloned().map(|task| (PROMPT.to_owned(), task)));
        notes
    }
}

fn is_a_length(value: &Value) -> Result<(), Refusal> {
    match value {
        Value::Double(seconds) if (0.0..1e9).contains(seconds) => Ok(()),
        other => Err(Refusal(format!("{other:?} is no number of seconds from 0 to 1e9"))),
    }
}
