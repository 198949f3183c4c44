//! How far long work has come: a bar with rate and time left in a terminal, elsewhere a plain line a second.
//!
//! Both go to standard error, because what a command found out goes to standard output and may be piped. Whoever prints
//! or logs while a bar is drawn does so through [`above`], or the two would write over each other.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use apprentice::node::screen::Above;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// How often a line is printed where there is no bar.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// The bar being drawn, if one is.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

pub(super) fn drawn() -> MutexGuard<'static, Option<ProgressBar>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does `work`, which prints, with the bar out of its way.
pub(crate) fn above<T>(work: impl FnOnce() -> T) -> T {
    let bar = drawn().clone();
    match bar {
        Some(bar) => bar.suspend(work),
        None => work(),
    }
}

/// Where log lines go: above the bar, and above whatever else stands at the foot of the terminal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Logged;

impl Write for Logged {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        above(|| Above.write(text))
    }

    fn flush(&mut self) -> io::Result<()> {
        Above.flush()
    }
}

/// A piece of work of known size; dropped, its bar is gone.
#[derive(Debug)]
pub(crate) enum Progress {
    Bar(ProgressBar),
    Plain(Plain),
}

impl Progress {
    /// Begins `work` of `total` `units`.
    pub(crate) fn begin(work: &str, total: u64, units: &'static str) -> Self {
        if !io::stderr().is_terminal() {
            return Self::Plain(Plain::begin(work, total, units, Instant::now()));
        }
        let look = "{prefix} {wide_bar} {human_pos} of {human_len} {msg}, {rate}, {eta} left";
        let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
            // A text that is written into memory does not fail.
            write!(out, "{} a second", rate_of(state.per_sec())).unwrap_or_default();
        };
        let style = ProgressStyle::with_template(look).expect("a template without a mistake");
        let style = style.with_key("rate", rate);
        let bar = ProgressBar::new(total).with_style(style).with_prefix(work.to_owned()).with_message(units);
        *drawn() = Some(bar.clone());
        Self::Bar(bar)
    }

    /// One more unit is done.
    pub(crate) fn step(&mut self) {
        match self {
            Self::Bar(bar) => bar.inc(1),
            Self::Plain(plain) => {
                if let Some(line) = plain.step(Instant::now()) {
                    // A reader of it who is gone is no reason to stop working.
                    drop(writeln!(io::stderr(), "{line}"));
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            *drawn() = None;
            bar.finish_and_clear();
        }
    }
}

/// What is said of a piece of work where nothing can be drawn.
#[derive(Debug)]
pub(crate) struct Plain {
    work: String,
    units: &'static str,
    total: u64,
    done: u64,
    began: Instant,
    said: Instant,
}

impl Plain {
    fn begin(work: &str, total: u64, units: &'static str, now: Instant) -> Self {
        Self { work: work.to_owned(), units, total, done: 0, began: now, said: now }
    }

    /// Counts one more and gives the line that is due, once a second.
    fn step(&mut self, now: Instant) -> Option<String> {
        self.done += 1;
        if now.duration_since(self.said) < EVERY {
            return None;
        }
        self.said = now;
        let Self { work, units, total, done, .. } = self;
        let rate = *done as f64 / now.duration_since(self.began).as_secs_f64();
        let left = total.saturating_sub(*done) as f64 / rate;
        Some(format!("{work}: {done} of {total} {units}, {} a second, {left:.0} s left", rate_of(rate)))
    }
}

/// A rate as it is said: of what takes its time, a tenth counts.
fn rate_of(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_can_be_drawn_a_line_a_second_is_said() {
        let began = Instant::now();
        let mut plain = Plain::begin("bag", 5000, "messages", began);
        let ms = Duration::from_millis(1);
        let said: Vec<String> = (1..=2500).filter_map(|at| plain.step(began + ms * at)).collect();
        assert_eq!(
            said,
            [
                "bag: 1000 of 5000 messages, 1000 a second, 4 s left",
                "bag: 2000 of 5000 messages, 1000 a second, 3 s left"
            ]
        );
        let mut slow = Plain::begin("pick", 50, "demonstrations", began);
        let said = slow.step(began + ms * 2500);
        assert_eq!(said.as_deref(), Some("pick: 1 of 50 demonstrations, 0.4 a second, 122 s left"));
    }
}
