//! The gate: decides at every tick who drives, the policy, a person, or nobody.
//!
//! All its decisions are in one table ([`table::ROWS`]); what stands here turns signs into the facts that the table asks for. Three
//! things need a memory: whether a person's hand was off his device before he took over anew, who called for the expert, and for
//! how long doubt has been low. Nothing is allocated, nothing fails, and time is an argument.
//!
//! ```text
//!   signs ──► facts ──► the first row that fits ──► mode      a person takes over    within the same step
//!                                                             a fault holds          within the same step
//!                                                             a policy goes on       never by itself after a fault or a person
//! ```

pub mod config;
pub mod leader;
pub mod mode;
pub mod signs;
pub mod source;
pub mod table;

use std::time::Duration;

pub use config::{Ask, By, Config};
pub use mode::{Mode, Names, Odd, Reason};
pub use signs::{Button, Expert, Level, Plan, Signs};

use crate::msg::own::Intervention;
use crate::msg::std::{Header, Time};
use crate::time::Stamp;
use table::{ROWS, Seen, To};

/// Who drives, and what has to be remembered to say so.
#[derive(Clone, Debug)]
pub struct Gate {
    settings: Settings,
    /// The doubt from which a person is asked for.
    threshold: Option<f32>,
    mode: Mode,
    since: Stamp,
    /// A person took over by an act that lasts until he says otherwise: `~/take`, or moving the leader.
    taken: bool,
    /// The button was held when it was last heard of.
    grip: bool,
    /// The person's hands were off since he last lost the robot, so that holding on counts as an act.
    armed: bool,
    /// The expert was asked by doubt.
    asked: bool,
    /// Somebody let the policy go on although it doubts; until the doubt has been low once.
    overruled: bool,
    low_since: Option<Stamp>,
    doubt: Option<f32>,
    row: Option<usize>,
}

/// What of the settings a tick needs.
#[derive(Clone, Copy, Debug)]
struct Settings {
    button: bool,
    service: bool,
    leader: bool,
    gives_back: bool,
    doubt: Option<config::Doubt>,
    gap: Duration,
    dwell: Duration,
}

/// The duration of settings in milliseconds, which are finite and not below zero; what no duration can hold is the longest.
pub(super) fn milliseconds(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or(Duration::MAX)
}

impl Gate {
    /// Holds the robot until somebody lets it go on or takes over.
    ///
    /// `threshold` is the calibrated doubt from which a person is asked for. Where the settings gate by doubt and there is none, any
    /// doubt is too much.
    pub fn new(config: &Config, threshold: Option<f32>, now: Stamp) -> Self {
        let settings = Settings {
            button: config.human.button.is_some(),
            service: config.human.service,
            leader: config.human.leader.is_some(),
            gives_back: config.human.give_back,
            doubt: config.doubt,
            gap: milliseconds(config.resume.gap_ms),
            dwell: milliseconds(config.dwell_ms),
        };
        Self {
            settings,
            threshold,
            mode: Mode::Hold(Reason::Start),
            since: now,
            taken: false,
            grip: false,
            armed: false,
            asked: false,
            overruled: false,
            low_since: None,
            doubt: None,
            row: None,
        }
    }

    /// Takes the threshold of another policy.
    pub fn calibrate(&mut self, threshold: Option<f32>) {
        (self.threshold, self.low_since, self.overruled) = (threshold, None, false);
    }

    /// Who drives from this tick on.
    pub fn step(&mut self, signs: &Signs, now: Stamp) -> Mode {
        // Where time begins anew, so does every wait.
        self.since = self.since.min(now);
        self.low_since = self.low_since.map(|since| since.min(now));
        self.hear(signs);
        let level = self.level(signs.doubt, now);
        let seen = self.see(signs, level, now);
        self.row = table::find(self.mode, &seen);
        let before = self.mode;
        if let Some(row) = self.row.map(|row| ROWS[row]) {
            self.enter(row.to, &seen, now);
        }
        if matches!(self.mode, Mode::Hold(_)) && !table::Modes::Taking.has(self.mode) {
            // A robot that he could not take does not follow him later, when he no longer thinks of it.
            self.taken = false;
        }
        let another = signs.another && table::Modes::Taking.has(before);
        let lost = (before == Mode::Human && self.mode != Mode::Human) || another;
        if lost || seen.stop || seen.fault.is_some_and(Reason::binds_all) {
            // Whoever drove, or wanted to where nobody can, has to do something anew.
            self.taken = false;
            self.armed = !self.grip && !self.leader(signs);
        }
        self.mode
    }

    /// Who drives.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Since when, by the clock of the steps.
    pub fn since(&self) -> Stamp {
        self.since
    }

    /// Which row of the table decided the last step, if any did.
    pub fn row(&self) -> Option<usize> {
        self.row
    }

    /// Whether an expert drives because doubt asked him to.
    pub fn asked(&self) -> bool {
        self.asked
    }

    /// Why it is so: one of [`Intervention`]'s constants.
    pub fn cause(&self) -> u8 {
        match self.mode {
            Mode::Policy => Intervention::CAUSE_NONE,
            Mode::Human if self.asked => Intervention::CAUSE_DOUBT,
            Mode::Human => Intervention::CAUSE_PERSON,
            Mode::Hold(reason) => reason.cause(),
        }
    }

    /// The message that says so. It is made when something changed and some ten times a second, not at every tick: it allocates.
    pub fn intervention(&self, names: &Names, now: Stamp) -> Intervention {
        let reason = match self.mode {
            Mode::Policy => String::new(),
            Mode::Human if self.asked => "the policy was in doubt and asked".to_owned(),
            Mode::Human => "a person took over".to_owned(),
            Mode::Hold(reason) => reason.words(names).to_string(),
        };
        let (sec, nanosec) = now.parts();
        Intervention {
            header: Header { stamp: Time { sec, nanosec }, frame_id: String::new() },
            driver: self.mode.driver(),
            cause: self.cause(),
            reason,
            doubt: self.doubt.unwrap_or(f32::NAN),
            threshold: self.threshold.unwrap_or(f32::NAN),
        }
    }

    fn leader(&self, signs: &Signs) -> bool {
        signs.moved && self.settings.leader
    }

    /// Remembers what the person and the operator did.
    fn hear(&mut self, signs: &Signs) {
        let settings = self.settings;
        let button = if settings.button { signs.button } else { Button::Free };
        match button {
            Button::Held => self.grip = true,
            Button::Free => self.grip = false,
            // The operator's word stands for that of a device that is gone.
            Button::Unheard => self.grip &= !signs.resume,
        }
        match signs.service.filter(|_| settings.service) {
            Some(true) => (self.taken, self.armed) = (true, true),
            Some(false) => (self.taken, self.asked) = (false, false),
            None => {}
        }
        // Of two words in one tick the person's counts.
        if signs.resume && button != Button::Held && signs.service != Some(true) {
            (self.taken, self.asked) = (false, false);
        }
        let moved = self.leader(signs);
        self.armed |= !self.grip && !moved;
        // Who drives already, moves his leader all the time; that is no act.
        if moved && self.armed && !self.grip && self.mode != Mode::Human {
            self.taken = true;
        }
        if self.grip || self.taken {
            self.asked = false;
        }
    }

    fn level(&mut self, doubt: Option<f32>, now: Stamp) -> Level {
        self.doubt = doubt;
        let Some(settings) = self.settings.doubt else { return Level::Calm };
        let finite = |number: &f32| number.is_finite();
        let (Some(doubt), Some(threshold)) = (doubt.filter(finite), self.threshold.filter(finite)) else {
            self.low_since = None;
            return Level::Unknown;
        };
        if f64::from(doubt) >= settings.release * f64::from(threshold) {
            self.low_since = None;
        } else {
            self.overruled = false;
            self.low_since = self.low_since.or(Some(now));
        }
        let calm = self.low_since.is_some_and(|since| now.since(since) >= milliseconds(settings.dwell_ms));
        match (doubt >= threshold && !self.overruled, calm) {
            (true, _) => Level::Over,
            (false, true) => Level::Calm,
            (false, false) => Level::Unsure,
        }
    }

    fn see(&self, signs: &Signs, level: Level, now: Stamp) -> Seen {
        let settings = self.settings;
        let held = settings.button && signs.button == Button::Held;
        let by_button = self.grip && !self.taken && !self.asked;
        // A button that is no longer heard of is a device that fell silent, not a person who lets go.
        let expert = if by_button && !held { Expert::Silent } else { signs.expert };
        let in_mode = now.since(self.since);
        Seen {
            fault: signs.fault,
            stop: signs.stop,
            resume: (signs.resume || signs.released) && !held && !self.taken,
            overrules: signs.resume && !held && !self.taken,
            takes: self.taken || (held && self.armed),
            let_go: !self.grip && !self.taken && !self.asked,
            another: signs.another,
            asked: self.asked,
            expert,
            plan: signs.plan,
            level,
            dwelt: in_mode >= settings.dwell,
            short: in_mode <= settings.gap && !settings.gap.is_zero(),
            gives_back: settings.gives_back,
            asks_expert: settings.doubt.is_some_and(|doubt| doubt.ask == Ask::Expert),
            returns: settings.doubt.is_some_and(|doubt| doubt.returns),
        }
    }

    fn enter(&mut self, to: To, seen: &Seen, now: Stamp) {
        let next = to.mode(self.mode, seen);
        if next == self.mode {
            return;
        }
        let waits = |mode: Mode| table::Modes::Waiting.has(mode);
        if !(waits(self.mode) && waits(next)) {
            self.since = now;
        }
        self.mode = next;
        self.asked = to == To::Asked;
        self.overruled = next == Mode::Policy && seen.overrules && seen.level == Level::Over;
    }
}
