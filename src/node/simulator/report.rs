//! How the simulator is, for `/diagnostics`.
//!
//! Its own file, because words for people change for other reasons than the loop that they speak of.

use super::ear::Tally;
use super::work::Attempt;
use crate::msg::own::Judgement;
use crate::node::diagnostics::{Level, Part};

/// Says how an attempt ended and, where it does not come `by_itself`, how there will be another.
pub(super) fn tell_over(attempt: Attempt, by_itself: bool) {
    let Attempt { seed, success, score, seconds } = attempt;
    let how = if success { "done" } else { "failed" };
    let next = match by_itself {
        true => "",
        false => "; the arm goes on to obey, and ~/reset begins another attempt, or --auto-reset by itself",
    };
    tracing::info!("seed {seed}: {how} after {seconds:.1} s, score {score:.2}{next}");
}

/// What the loop knows of itself.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) result: &'a Judgement,
    /// What became of commands; nothing where the expert drives.
    pub(super) tally: Option<&'a Tally>,
    /// How many of them had been refused when this was told last.
    pub(super) refused_before: u64,
    /// How often the world was half a second behind the wall.
    pub(super) late: u64,
    /// How often a command of lockstep was asked for again, and whether one is being waited for.
    pub(super) asked_again: u64,
    pub(super) waiting: bool,
}

impl Report<'_> {
    /// The parts of the node.
    pub(super) fn parts(&self) -> Vec<Part> {
        let mut parts = vec![self.attempt(), self.time()];
        parts.extend(self.tally.map(|tally| self.commands(tally)));
        parts
    }

    fn attempt(&self) -> Part {
        let Judgement { world, seed, seconds, success, score, over, .. } = self.result;
        let how = match (over, success) {
            (false, _) => "under way",
            (true, true) => "done",
            (true, false) => "failed",
        };
        Part {
            name: "attempt".to_owned(),
            level: Level::Fine,
            message: format!("{world}, seed {seed}: {how}, {seconds:.1} s, score {score:.2}"),
            values: vec![
                ("world", world.clone()),
                ("seed", seed.to_string()),
                ("seconds", format!("{seconds:.2}")),
                ("success", success.to_string()),
                ("score", format!("{score:.3}")),
                ("over", over.to_string()),
            ],
        }
    }

    fn time(&self) -> Part {
        let (level, message) = match self.waiting {
            true => (Level::Warning, "waiting for a command stamped with this tick"),
            false => (Level::Fine, "passing"),
        };
        let late = ("half seconds lost", self.late.to_string());
        let again = ("commands asked for again", self.asked_again.to_string());
        Part { name: "time".to_owned(), level, message: message.to_owned(), values: vec![late, again] }
    }

    fn commands(&self, tally: &Tally) -> Part {
        let (level, message) = match tally.refused > self.refused_before {
            true => (Level::Warning, format!("refused: {}", tally.last)),
            false => (Level::Fine, "taken as they come".to_owned()),
        };
        let values = vec![
            ("taken", tally.taken.to_string()),
            ("refused", tally.refused.to_string()),
            ("of another tick", tally.astray.to_string()),
            ("refused last", tally.last.clone()),
        ];
        Part { name: "commands".to_owned(), level, message, values }
    }
}
