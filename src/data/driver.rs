//! Who drove at which tick, and whose ticks are learned from.
//!
//! Where person and policy took turns, the recording's `intervention` topic says who drove. A policy that is trained on its own
//! ticks as if they were its teacher's learns its mistakes: which of them count is a choice, and the default is none.

use serde::{Deserialize, Serialize};

use crate::msg::own::Intervention;
use crate::time::Stamp;

/// Who drove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// A person, or whoever demonstrates.
    Human,
    /// The policy.
    Policy,
    /// Nobody: the robot braked or stood.
    Hold,
}

impl Driver {
    /// As [`Intervention`] says it; a number that it does not know is nobody.
    pub(super) fn of(said: u8) -> Self {
        match said {
            Intervention::HUMAN => Self::Human,
            Intervention::POLICY => Self::Policy,
            _ => Self::Hold,
        }
    }

    /// As one byte, for the cache.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Human => Intervention::HUMAN,
            Self::Policy => Intervention::POLICY,
            Self::Hold => Intervention::HOLD,
        }
    }

    /// The word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Policy => "policy",
            Self::Hold => "hold",
        }
    }
}

/// Whose ticks are learned from, in recordings with an `intervention` topic; of others all are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interventions {
    /// The person's only.
    #[default]
    Corrections,
    /// The person's, and the policy's in recordings that are labelled as successful.
    Successes,
    /// The person's and the policy's.
    All,
    /// All, as the teacher would have acted: it said so all along, whoever drove (DAgger, Ross et al. 2011, algorithm 3.1).
    Expert,
}

impl Interventions {
    /// Whether a tick of that driver is learned from in a recording that went like that.
    pub(super) fn counts(self, driver: Driver, success: Option<bool>) -> bool {
        match (self, driver) {
            (Self::Expert, _) => true,
            (_, Driver::Hold) => false,
            (_, Driver::Human) | (Self::All, Driver::Policy) => true,
            (Self::Successes, Driver::Policy) => success == Some(true),
            (Self::Corrections, Driver::Policy) => false,
        }
    }

    /// Whether what a tick was driven with by the policy is its label, rather than what the teacher says there.
    pub(super) fn wants_what_left(self, driver: Driver) -> bool {
        self != Self::Expert && driver != Driver::Human
    }
}

/// Who drove when, as far as a recording says.
#[derive(Clone, Debug, Default)]
pub(super) struct Drivers {
    /// When each took over, in order.
    turns: Vec<(Stamp, Driver)>,
}

impl Drivers {
    /// Hears an intervention that was received then.
    pub(super) fn hear(&mut self, received: Stamp, driver: Driver) {
        if self.turns.last().is_none_or(|(_, last)| *last != driver) {
            self.turns.push((received, driver));
        }
    }

    /// Whether the recording says who drove.
    pub(super) fn is_known(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Who drove at `tick`. Before the first word it was whoever that word says: the topic is latched, and is not heard sooner
    /// than the recorder's discovery; in a recording without a word it is the demonstrator.
    pub(super) fn at(&self, tick: Stamp) -> Driver {
        let after = self.turns.partition_point(|(from, _)| *from <= tick);
        let turn = self.turns.get(after.saturating_sub(1));
        turn.map_or(Driver::Human, |(_, driver)| *driver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_taken_when_they_are_heard() {
        let mut drivers = Drivers::default();
        assert_eq!(drivers.at(Stamp(5)), Driver::Human);
        for (at, driver) in
            [(10, Driver::Policy), (20, Driver::Policy), (30, Driver::Human), (40, Driver::Hold)]
        {
            drivers.hear(Stamp(at), driver);
        }
        let said: Vec<Driver> = [0, 10, 29, 30, 39, 40, 99].map(|at| drivers.at(Stamp(at))).to_vec();
        use Driver::{Hold, Human, Policy};
        assert_eq!(said, [Policy, Policy, Policy, Human, Human, Hold, Hold]);
    }

    #[test]
    fn a_policy_does_not_learn_its_own_ticks_unless_it_is_told_to() {
        let counts = |which: Interventions, success| which.counts(Driver::Policy, success);
        assert!(!counts(Interventions::Corrections, Some(true)));
        assert!(counts(Interventions::Successes, Some(true)) && !counts(Interventions::Successes, None));
        assert!(counts(Interventions::All, Some(false)) && counts(Interventions::Expert, None));
        assert!(!Interventions::All.counts(Driver::Hold, None));
    }
}
