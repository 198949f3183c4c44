//! Whoever looks at each command that reaches a controller, and notes what a robot's file does not allow.
//!
//! It knows nothing of how limits are kept: it takes differences of what came, as the joints of an arm do.

use std::time::Duration;

use anyhow::Context as _;
use apprentice::control::limits::{Config, Each, Most, Range};
use apprentice::time::Stamp;

/// What differences of rounded numbers may be off: a share, and what a third difference makes of the last digits.
const SHARE: f64 = 1.0 + 1e-3;
const DIGITS: f64 = 1e-2;
/// After so many periods without a command the next one is a first one.
const SILENCE: u32 = 10;
/// A joint that is further than this from its last command does not come along, rad.
const STUCK: f64 = 0.1;

/// What a joint may do.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    position: [f64; 2],
    /// Speed, acceleration and jerk.
    most: [f64; 3],
}

/// Whoever looks at commands.
#[derive(Debug)]
pub(crate) struct Judge {
    names: Vec<String>,
    bounds: Vec<Bounds>,
    period: Duration,
    /// So far from where a robot is may its first command be.
    pub(crate) near: f64,
    /// When the last command came.
    last: Option<Stamp>,
    /// The last commands, the newest first, since a robot was last told anything anew.
    rows: Vec<Vec<f64>>,
    /// Everything that was wrong.
    pub(crate) wrong: Vec<String>,
    /// The greatest speed, acceleration and jerk, as shares of what is allowed.
    pub(crate) greatest: [f64; 3],
}

impl Judge {
    /// By the limits of a robot's file, which commands these joints so often.
    pub(crate) fn new(limits: &Config, joints: &[String], period: Duration) -> anyhow::Result<Self> {
        let most = |each: &Option<Each<Most>>, joint: &str| {
            each.as_ref().and_then(|each| each.of(joint)).map(|Most(most)| most).context("a limit")
        };
        let bounds = |joint: &String| -> anyhow::Result<Bounds> {
            let position = limits.position.as_ref().and_then(|each| each.of(joint)).context("a range")?;
            let Range(position) = position;
            let most =
                [most(&limits.speed, joint)?, most(&limits.acceleration, joint)?, most(&limits.jerk, joint)?];
            Ok(Bounds { position, most })
        };
        Ok(Self {
            bounds: joints.iter().map(bounds).collect::<Result<_, _>>()?,
            names: joints.to_vec(),
            period,
            near: 0.01,
            last: None,
            rows: Vec::new(),
            wrong: Vec::new(),
            greatest: [0.0; 3],
        })
    }

    /// The next command is a first one.
    pub(crate) fn begin(&mut self) {
        self.rows.clear();
    }

    /// Looks at a command to a robot that is `at`.
    pub(crate) fn look(&mut self, now: Stamp, command: &[f64], at: &[f64]) {
        if command.len() != self.bounds.len() || command.iter().any(|value| !value.is_finite()) {
            return self.wrong.push(format!("{now}: no command: {command:?}"));
        }
        let gap = self.last.map_or(Duration::MAX, |last| now.since(last));
        // One that was held up on a busy machine leaves a gap, over which no difference tells anything; nobody was silent yet.
        let first = self.rows.is_empty() || gap > self.period * SILENCE;
        if gap > self.period * 3 / 2 {
            self.begin();
        }
        self.last = Some(now);
        if self.gives_up(command, at) {
            self.rows = vec![command.to_vec()];
            return;
        }
        self.rows.insert(0, command.to_vec());
        self.rows.truncate(4);
        for (joint, at) in at.iter().enumerate() {
            if first && (command[joint] - at).abs() > self.near {
                let (name, is) = (&self.names[joint], command[joint]);
                self.wrong.push(format!("{now}: {name} is at {at:.4}, and first told to be at {is:.4}"));
            }
            self.look_at(joint, now);
        }
    }

    /// An arm that did not come along is told to stay where it is: no joint that moves to its command moves further than before.
    fn gives_up(&self, command: &[f64], at: &[f64]) -> bool {
        let Some(last) = self.rows.first() else { return false };
        let joints = || command.iter().zip(last).zip(at);
        let stuck = joints().any(|((_, last), at)| (last - at).abs() > STUCK);
        stuck && joints().all(|((is, last), at)| is == last || (is - at).abs() <= self.near)
    }

    fn look_at(&mut self, joint: usize, now: Stamp) {
        let (bounds, name) = (self.bounds[joint], &self.names[joint]);
        let column: Vec<f64> = self.rows.iter().map(|row| row[joint]).collect();
        let is = column[0];
        let [lower, upper] = bounds.position;
        if !(lower - 1e-9..=upper + 1e-9).contains(&is) {
            self.wrong.push(format!("{now}: {name} is told to be at {is}"));
        }
        let (mut differences, h) = (column, self.period.as_secs_f64());
        for (order, most) in bounds.most.into_iter().enumerate() {
            differences = differences.windows(2).map(|pair| (pair[0] - pair[1]) / h).collect();
            let Some(newest) = differences.first().map(|newest| newest.abs()) else { break };
            self.greatest[order] = self.greatest[order].max(newest / most);
            if newest > most * SHARE + DIGITS {
                let of = ["speed", "acceleration", "jerk"][order];
                self.wrong.push(format!("{now}: {name} has a {of} of {newest:.3}, over its {most}"));
            }
        }
    }
}
