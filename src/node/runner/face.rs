//! Where a runner shows itself: the terminal's foot, and `/diagnostics` once a second.
//!
//! Who stands beside the robot needs one line: who drives, why, and what he may press.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::ask::words;
use super::beat::Timing;
use super::figures::{Counted, Figures};
use super::pace::monotonic;
use super::shared::{Shared, Wish, add};
use super::tell::Now;
use super::{Error, Half, Report, lock};
use crate::bus::Bus;
use crate::control::Mode;
use crate::node::Stop;
use crate::node::diagnostics::{Diagnostics, Level, Part};
use crate::node::report;
use crate::node::screen::{self, Key, Screen};
use crate::precedence::Granted;
use crate::time::Stamp;

/// How often the terminal's foot is drawn.
const DRAWN: Duration = Duration::from_millis(100);
/// Plans that come less often are as good as none: no chunk lasts so long without another.
const HEARD: Duration = Duration::from_secs(2);
/// What a person may press.
const HELP: &str = "space hold · r let the policy go on · t take over, or give back · Ctrl-C end";

/// The outside of a runner.
pub(super) struct Face {
    half: Half,
    screen: Option<Screen>,
    diagnostics: Diagnostics,
    due: Instant,
    shared: Arc<Shared>,
    now: Arc<Mutex<Now>>,
    timing: Arc<Timing>,
    thinking: Arc<Figures>,
    granted: Arc<Mutex<Option<Granted>>>,
}

impl Face {
    /// Opens the topic, and takes the terminal if `keys` are wanted.
    pub(super) fn open(
        bus: &dyn Bus,
        (half, keys): (Half, bool),
        shared: Arc<Shared>,
        now: Arc<Mutex<Now>>,
        timing: Arc<Timing>,
        thinking: Arc<Figures>,
        granted: Arc<Mutex<Option<Granted>>>,
    ) -> Result<Self, Error> {
        Ok(Self {
            half,
            screen: keys.then(Screen::take).transpose().map_err(Error::Terminal)?,
            diagnostics: Diagnostics::open(bus)?,
            due: Instant::now(),
            shared,
            now,
            timing,
            thinking,
            granted,
        })
    }

    /// Takes what was pressed, and shows how it is to whoever it is time for.
    pub(super) fn turn(&mut self, stop: &Stop, at: Stamp) {
        while let Some(key) = Screen::next(&mut self.screen) {
            self.press(key, stop);
        }
        if let Some(screen) = self.screen.as_ref().filter(|_| Instant::now() >= self.due) {
            self.due = Instant::now() + DRAWN;
            let width = screen.width().saturating_sub(1);
            let cut = |line: String| line.chars().take(width).collect();
            screen.draw(vec![cut(self.line()), cut(HELP.to_owned())]);
        }
        if self.diagnostics.is_due() {
            let parts = self.parts();
            // A message about how it is that cannot be sent is no reason not to drive.
            if let Err(error) = self.diagnostics.publish(at, parts) {
                add(&self.shared.counts.unsent, 1);
                tracing::debug!("/diagnostics was not sent: {}", report(&error));
            }
        }
    }

    /// How it went so far.
    pub(super) fn report(&self) -> Report {
        let of = |count: &std::sync::atomic::AtomicU64| count.load(Relaxed);
        let counts = &self.shared.counts;
        Report {
            now: lock(&self.now).clone(),
            ticks: of(&counts.ticks),
            missed: of(&counts.missed),
            chunks: of(&counts.chunks),
            late: of(&counts.late),
            overtaken: of(&counts.overtaken),
            unthought: of(&counts.unthought),
            gaps: of(&counts.gaps),
            refused: of(&counts.refused),
            seconds: of(&counts.seconds),
            crowded: of(&counts.crowded),
            outdated: of(&counts.outdated),
            unsent: of(&counts.unsent),
            reloads: of(&counts.reloads),
            off: self.timing.off.counted(),
            work: self.timing.work.counted(),
            thinking: self.thinking.counted(),
            granted: *lock(&self.granted),
        }
    }

    fn press(&self, key: Key, stop: &Stop) {
        let takes = |mode| mode != Mode::Human;
        match key {
            Key::Interrupt if stop.wished() => {
                screen::restore();
                std::process::exit(130);
            }
            Key::Interrupt => stop.wish(),
            Key::Char(' ') => self.shared.wishes.utter(Wish::Hold),
            Key::Char('r') => self.shared.wishes.utter(Wish::Resume),
            Key::Char('t') => self.shared.wishes.utter(Wish::Take(takes(lock(&self.now).mode))),
            Key::Char(_) | Key::Enter => {}
        }
    }

    fn line(&self) -> String {
        let Report { now, missed, late, .. } = self.report();
        let mut line = format!("run · {}", words(&now));
        let [doubt, threshold] = now.doubt;
        if doubt.is_finite() {
            line.push_str(&format!(" · doubt {doubt:.2} of {threshold:.2}"));
        }
        if !now.limited.is_empty() {
            line.push_str(&format!(" · {}", now.limited));
        }
        line.push_str(&format!(" · {missed} ticks missed, {late} actions late"));
        line
    }

    fn parts(&self) -> Vec<Part> {
        let report = self.report();
        let policy = self.policy(&report);
        match self.half {
            Half::Both | Half::Driving => vec![driving(&report), policy],
            Half::Thinking => vec![policy],
        }
    }

    /// How it stands with who thinks.
    fn policy(&self, report: &Report) -> Part {
        let dead = self.shared.dead.load(Relaxed);
        let heard = self.shared.alive.age(monotonic()).is_some_and(|age| age < HEARD);
        let (level, message) = match (self.half, dead, report.unthought) {
            (Half::Driving, _, _) if heard => (Level::Fine, "plans come"),
            (Half::Driving, _, _) => (Level::Warning, "no plans come: nobody thinks, or nobody is heard"),
            (_, true, _) => (Level::Broken, "the thread that thinks has ended"),
            (_, false, 0) => (Level::Fine, "thinking"),
            (_, false, _) => (Level::Warning, "thinking; some thoughts gave no chunk"),
        };
        Part {
            name: "policy".to_owned(),
            level,
            message: message.to_owned(),
            values: vec![
                ("thinking, p50 / p99, µs", micros(&report.thinking, 0.99)),
                ("chunks", report.chunks.to_string()),
                ("chunks overtaken", report.overtaken.to_string()),
                ("actions late", report.late.to_string()),
                ("thoughts without a chunk", report.unthought.to_string()),
                ("gaps in what is seen", report.gaps.to_string()),
                ("refused messages", report.refused.to_string()),
                ("messages of second publishers", report.seconds.to_string()),
                ("policies taken in", report.reloads.to_string()),
            ],
        }
    }
}

/// How it stands with who holds the robot.
fn driving(report: &Report) -> Part {
    let level = match report.now.mode {
        Mode::Hold(reason) if reason.gravity() >= 4 => Level::Broken,
        Mode::Hold(_) => Level::Warning,
        Mode::Policy | Mode::Human => Level::Fine,
    };
    Part {
        name: "control".to_owned(),
        level,
        message: words(&report.now),
        values: vec![
            ("ticks", report.ticks.to_string()),
            ("ticks missed", report.missed.to_string()),
            ("period off, p50 / p99.9, µs", micros(&report.off, 0.999)),
            ("work, p50 / p99, µs", micros(&report.work, 0.99)),
            ("thread", report.granted.map_or("", Granted::words).to_owned()),
            ("limited ticks", report.now.limits.to_string()),
            ("limited last", report.now.limited_last.clone()),
            ("commands without room", report.crowded.to_string()),
            ("commands outdated", report.outdated.to_string()),
            ("messages unsent", report.unsent.to_string()),
        ],
    }
}

/// The half and the share `most` of what was counted, in microseconds.
fn micros(counted: &Counted, most: f64) -> String {
    let quantiles = counted.quantiles([0.5, most]);
    quantiles.map_or_else(String::new, |[half, most]| format!("{} / {}", half.as_micros(), most.as_micros()))
}
