//! How far long work has come that says so itself: a share, and words.
//!
//! Training has no number of pieces to count: it may end by the clock. So it tells its share, and what else is worth a line.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::progress::{EVERY, drawn};

/// A piece of work that says itself how far it is; dropped, its bar is gone.
#[derive(Debug)]
pub(crate) struct Course {
    work: &'static str,
    bar: Option<ProgressBar>,
    said: Instant,
}

impl Course {
    /// Parts of the whole that a bar can tell.
    const PARTS: u64 = 10_000;

    /// Begins `work`.
    pub(crate) fn begin(work: &'static str) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} {wide_bar} {msg}");
            let style = style.expect("a template without a mistake");
            ProgressBar::new(Self::PARTS).with_style(style).with_prefix(work)
        });
        drawn().clone_from(&bar);
        Self { work, bar, said: Instant::now() }
    }

    /// So much of the whole is done; `words` say more, and are asked for only where they are shown.
    pub(crate) fn at(&mut self, share: f64, words: impl FnOnce() -> String) {
        // A terminal is drawn on often enough to look alive, a file is not filled.
        let every = if self.bar.is_some() { EVERY / 10 } else { EVERY };
        if self.said.elapsed() < every {
            return;
        }
        self.said = Instant::now();
        match &self.bar {
            Some(bar) => {
                bar.set_position((share * Self::PARTS as f64) as u64);
                bar.set_message(words());
            }
            // A reader of it who is gone is no reason to stop working.
            None => drop(writeln!(io::stderr(), "{}: {}", self.work, words())),
        }
    }
}

impl Drop for Course {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            *drawn() = None;
            bar.finish_and_clear();
        }
    }
}
