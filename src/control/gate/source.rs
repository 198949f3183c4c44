//! Who may speak on a topic that drives: one publisher, and no second beside it.
//!
//! Two hands on one wheel are worse than none: their commands would alternate, each of them fresh and near the robot. So the first
//! that is heard owns the topic, and who speaks beside it is refused and named. A publisher that was started anew has another
//! identity; it may speak once the one before has been silent for as long as makes its command stale, and is an heir then: whoever
//! drove by the one before does not drive by it.

use std::time::Duration;

use crate::time::Stamp;
use crate::wire::Gid;

/// The owner of a topic.
#[derive(Clone, Debug)]
pub struct Only {
    silence: Duration,
    owner: Option<(Option<Gid>, Stamp)>,
    refused: u64,
}

/// Whether a message counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It does.
    Owner,
    /// It does, and is the first of another publisher than the one before, which fell silent.
    Heir {
        /// Who spoke before.
        before: Option<Gid>,
        /// Who speaks now.
        heir: Option<Gid>,
    },
    /// It does not: another owns the topic.
    Second {
        /// The owner.
        owner: Option<Gid>,
        /// Who spoke beside it.
        second: Option<Gid>,
    },
}

impl Only {
    /// Nobody owns the topic yet; who is silent for longer than `silence` loses it.
    pub fn new(silence: Duration) -> Self {
        Self { silence, owner: None, refused: 0 }
    }

    /// Whether a message of that publisher counts. A bus that does not tell publishers apart has one owner.
    pub fn admit(&mut self, publisher: Option<Gid>, now: Stamp) -> Admission {
        match self.owner {
            Some((owner, heard)) if owner != publisher && now.since(heard) <= self.silence => {
                self.refused += 1;
                Admission::Second { owner, second: publisher }
            }
            Some((before, _)) if before != publisher => {
                self.owner = Some((publisher, now));
                Admission::Heir { before, heir: publisher }
            }
            _ => {
                self.owner = Some((publisher, now));
                Admission::Owner
            }
        }
    }

    /// Time begins anew: whoever is heard first owns the topic.
    pub fn forget(&mut self) {
        self.owner = None;
    }

    /// How many messages were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

impl Admission {
    /// Whether the message is not one of the owner.
    pub fn refuses(self) -> bool {
        matches!(self, Self::Second { .. })
    }

    /// What the operator reads of another publisher on `topic`; nothing where there is none.
    pub fn words(self, topic: &str) -> Option<String> {
        let name = |gid: Option<Gid>| {
            gid.map_or_else(
                || "a publisher without a name".to_owned(),
                |gid| gid.0.iter().map(|byte| format!("{byte:02x}")).collect(),
            )
        };
        match self {
            Self::Owner => None,
            Self::Heir { before, heir } => Some(format!(
                "{topic:?} has another publisher from now on: {} after {}",
                name(heir),
                name(before)
            )),
            Self::Second { owner, second } => Some(format!(
                "{topic:?} has a second publisher, which is refused: {} beside {}",
                name(second),
                name(owner)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> Stamp {
        Stamp(ms * 1_000_000)
    }

    #[test]
    fn a_second_publisher_is_refused_and_named_until_the_first_is_gone() {
        let (first, second) = (Some(Gid([1; 16])), Some(Gid([0xab; 16])));
        let mut only = Only::new(Duration::from_millis(100));
        assert_eq!(only.admit(first, ms(0)), Admission::Owner);
        let refused = only.admit(second, ms(50));
        assert_eq!(refused, Admission::Second { owner: first, second });
        let words = refused.words("expert/command").expect("it is refused");
        assert!(words.contains("\"expert/command\"") && words.contains("abab") && words.contains("0101"));
        assert_eq!(only.admit(first, ms(90)), Admission::Owner);
        assert_ne!(only.admit(second, ms(190)), Admission::Owner, "the owner is not gone yet");
        let heir = only.admit(second, ms(191));
        assert_eq!(heir, Admission::Heir { before: first, heir: second });
        assert!(!heir.refuses() && refused.refuses());
        assert!(heir.words("joy").is_some_and(|words| words.contains("abab") && words.contains("0101")));
        assert_eq!(only.admit(second, ms(191)), Admission::Owner);
        assert_ne!(only.admit(first, ms(192)), Admission::Owner);
        assert_eq!(only.refused(), 3);
        only.forget();
        assert_eq!(only.admit(first, ms(0)), Admission::Owner, "time began anew");
    }
}
