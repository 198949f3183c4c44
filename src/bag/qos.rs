//! Quality of service as rosbag2 writes it: a YAML list of profiles.
//!
//! Up to metadata version 8 policies are numbers (those of rmw), from version 9 on words; readers here take both
//! wherever they stand, because recorders of every age mixed them. "Unlimited" has had several spellings too.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::wire::{Durability, History, Qos, Reliability};

/// A period as rmw has it: whole seconds and nanoseconds past them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Period {
    sec: u64,
    nsec: u64,
}

/// The largest period rmw knows, which means unlimited.
const UNLIMITED: Period = Period { sec: 9_223_372_036, nsec: 854_775_807 };
/// What older middleware wrote for unlimited began here.
const UNLIMITED_ONCE: u64 = 0x7FFF_FFFF;

/// A policy by its number or by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Policy {
    Number(u8),
    Name(String),
}

impl Policy {
    fn is(&self, number: u8, name: &str) -> bool {
        match self {
            Self::Number(given) => *given == number,
            Self::Name(given) => given.eq_ignore_ascii_case(name),
        }
    }
}

/// One profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Profile {
    history: Policy,
    depth: u64,
    reliability: Policy,
    durability: Policy,
    deadline: Period,
    lifespan: Period,
    liveliness: Policy,
    liveliness_lease_duration: Period,
    avoid_ros_namespace_conventions: bool,
}

impl From<Period> for Option<Duration> {
    fn from(period: Period) -> Self {
        let unlimited = period.sec >= UNLIMITED_ONCE || (period.sec, period.nsec) == (0, 0);
        (!unlimited).then(|| Duration::from_secs(period.sec) + Duration::from_nanos(period.nsec))
    }
}

impl From<Option<Duration>> for Period {
    fn from(duration: Option<Duration>) -> Self {
        let Some(duration) = duration else { return UNLIMITED };
        Self { sec: duration.as_secs(), nsec: u64::from(duration.subsec_nanos()) }
    }
}

impl Profile {
    /// The profile with its policies as words (`named`) or as numbers.
    fn of(qos: &Qos, named: bool) -> Self {
        let policy = |number, name: &str| match named {
            true => Policy::Name(name.to_owned()),
            false => Policy::Number(number),
        };
        let (history, depth) = match qos.history {
            History::KeepLast(depth) => (policy(1, "keep_last"), u64::from(depth)),
            History::KeepAll => (policy(2, "keep_all"), 0),
        };
        Self {
            history,
            depth,
            reliability: match qos.reliability {
                Reliability::Reliable => policy(1, "reliable"),
                Reliability::BestEffort => policy(2, "best_effort"),
            },
            durability: match qos.durability {
                Durability::TransientLocal => policy(1, "transient_local"),
                Durability::Volatile => policy(2, "volatile"),
            },
            deadline: qos.deadline.into(),
            lifespan: qos.lifespan.into(),
            liveliness: policy(1, "automatic"),
            liveliness_lease_duration: qos.lease.into(),
            avoid_ros_namespace_conventions: false,
        }
    }
}

impl From<&Profile> for Qos {
    fn from(profile: &Profile) -> Self {
        let reliable = !profile.reliability.is(2, "best_effort");
        let kept = profile.durability.is(1, "transient_local");
        let all = profile.history.is(2, "keep_all");
        Self {
            reliability: if reliable { Reliability::Reliable } else { Reliability::BestEffort },
            durability: if kept { Durability::TransientLocal } else { Durability::Volatile },
            history: match all {
                true => History::KeepAll,
                false => History::KeepLast(u32::try_from(profile.depth).unwrap_or(u32::MAX)),
            },
            deadline: profile.deadline.into(),
            lifespan: profile.lifespan.into(),
            lease: profile.liveliness_lease_duration.into(),
        }
    }
}

/// The list of profiles that stands for one quality, as version `version` of the metadata has it.
pub(super) fn profiles(qos: &Qos, version: u32) -> Vec<Profile> {
    vec![Profile::of(qos, version >= 9)]
}

/// That list as text, which is how it stands in an MCAP channel, in SQLite and in metadata up to version 8.
pub(super) fn text(qos: &Qos, version: u32) -> String {
    serde_saphyr::to_string(&profiles(qos, version)).unwrap_or_default().trim_end().to_owned()
}

/// The quality that a list of profiles stands for: the first, or ROS 2's default where there is none.
pub(super) fn read(profiles: &[Profile]) -> Qos {
    profiles.first().map(Qos::from).unwrap_or_default()
}

/// The same from its text. Text that does not read is the default: a recording is not worth less for it.
pub(super) fn read_text(text: &str) -> Qos {
    serde_saphyr::from_str::<Vec<Profile>>(text).map(|profiles| read(&profiles)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quality_survives_its_text_as_words_and_as_numbers() {
        let mut all = vec![Qos::default(), Qos::sensor(), Qos::latched(1)];
        all.push(Qos {
            history: History::KeepAll,
            deadline: Some(Duration::from_millis(1500)),
            ..Qos::sensor()
        });
        for qos in all {
            for version in [5, 9] {
                assert_eq!(read_text(&text(&qos, version)), qos, "version {version}");
            }
        }
    }

    #[test]
    fn unlimited_is_known_in_its_older_spellings() {
        for (sec, nsec) in [(0, 0), (0x7FFF_FFFF, 0xFFFF_FFFF), (9_223_372_036, 854_775_807)] {
            assert_eq!(Option::<Duration>::from(Period { sec, nsec }), None);
        }
    }

    #[test]
    fn text_that_is_no_list_of_profiles_is_the_default() {
        for text in ["", "[]", "{", "- history: 1"] {
            assert_eq!(read_text(text), Qos::default(), "{text:?}");
        }
    }
}
