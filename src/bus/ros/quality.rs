//! Qualities of service as r2r says them, both directions side by side.
//!
//! What the middleware cannot know of somebody else's endpoint (Cyclone does not tell its history) comes back as an
//! unknown: it is taken for the least, as on the `dds` bus.

use std::time::Duration;

use r2r::QosProfile;
use r2r::qos::{DurabilityPolicy, HistoryPolicy, ReliabilityPolicy};

use crate::wire::{Durability, History, Qos, Reliability};

/// What an endpoint of ours asks for.
pub(super) fn profile(qos: &Qos) -> QosProfile {
    // Zero is how ROS 2 says unlimited.
    let period = Option::unwrap_or_default;
    let (history, depth) = match qos.history {
        History::KeepLast(depth) => (HistoryPolicy::KeepLast, depth.max(1) as usize),
        History::KeepAll => (HistoryPolicy::KeepAll, 0),
    };
    QosProfile {
        history,
        depth,
        reliability: match qos.reliability {
            Reliability::Reliable => ReliabilityPolicy::Reliable,
            Reliability::BestEffort => ReliabilityPolicy::BestEffort,
        },
        durability: match qos.durability {
            Durability::TransientLocal => DurabilityPolicy::TransientLocal,
            Durability::Volatile => DurabilityPolicy::Volatile,
        },
        deadline: period(qos.deadline),
        lifespan: period(qos.lifespan),
        liveliness_lease_duration: period(qos.lease),
        ..QosProfile::default()
    }
}

/// What somebody's endpoint offers.
pub(super) fn qos_of(profile: &QosProfile) -> Qos {
    // What is unlimited comes back as a time nobody lives to see.
    let limited =
        |period: Duration| (!period.is_zero() && period < Duration::from_secs(1 << 32)).then_some(period);
    Qos {
        reliability: match profile.reliability {
            ReliabilityPolicy::Reliable => Reliability::Reliable,
            _ => Reliability::BestEffort,
        },
        durability: match profile.durability {
            DurabilityPolicy::TransientLocal => Durability::TransientLocal,
            _ => Durability::Volatile,
        },
        history: match profile.history {
            HistoryPolicy::KeepAll => History::KeepAll,
            _ => History::KeepLast(u32::try_from(profile.depth).unwrap_or(u32::MAX).max(1)),
        },
        deadline: limited(profile.deadline),
        lifespan: limited(profile.lifespan),
        lease: limited(profile.liveliness_lease_duration),
    }
}
