//! The gate over time, one tick of 10 ms after the other.
//!
//! What the signs of a scene say is what people know of it: a hand on a button, a device that fell silent.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use apprentice::control::gate::config::{Ask, Doubt, Human};
use apprentice::control::gate::{Button, Config, Expert, Gate, Mode, Plan, Reason, Signs};
use apprentice::time::Stamp;

/// One tick of 10 ms after the other.
pub(crate) struct Scene {
    pub(crate) gate: Gate,
    now: i64,
}

impl Scene {
    pub(crate) fn new(config: &Config) -> Self {
        Self { gate: Gate::new(config, Some(1.0), Stamp(0)), now: 0 }
    }

    /// A scene in which the policy drives.
    pub(crate) fn released(config: &Config) -> Self {
        let mut scene = Self::new(config);
        scene.tick(well());
        assert_eq!(scene.tick(Signs { resume: true, ..well() }), Mode::Policy);
        scene
    }

    pub(crate) fn tick(&mut self, signs: Signs) -> Mode {
        self.now += 10_000_000;
        self.gate.step(&signs, Stamp(self.now))
    }

    /// So many ticks; the mode after the last.
    pub(crate) fn ticks(&mut self, count: u32, signs: Signs) -> Mode {
        (0..count).map(|_| self.tick(signs)).last().expect("at least one")
    }
}

pub(crate) fn button() -> Config {
    Config { human: Human { button: Some(4), ..Human::default() }, ..Config::default() }
}

pub(crate) fn doubting(ask: Ask, returns: bool) -> Config {
    let doubt = Doubt { false_alarms: 0.1, by: None, release: 0.8, dwell_ms: 200.0, ask, returns };
    Config { doubt: Some(doubt), ..button() }
}

/// All is well, and no hand is on anything.
pub(crate) fn well() -> Signs {
    Signs {
        button: Button::Free,
        expert: Expert::Ready,
        plan: Plan::Due,
        doubt: Some(0.1),
        ..Signs::default()
    }
}

pub(crate) fn pressed() -> Signs {
    Signs { button: Button::Held, ..well() }
}

pub(crate) const fn hold(reason: Reason) -> Mode {
    Mode::Hold(reason)
}
