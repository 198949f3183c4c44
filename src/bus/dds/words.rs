//! How ROS 2 says things in DDS: names of topics and types, qualities of service, instants.
//!
//! None of it is in the DDS standard, and a slip is silent: an endpoint under a name or with a quality that the other side
//! does not expect is simply never matched. So it stands in one place, both directions side by side.

use rustdds::policy::{Deadline, Durability, History, Lifespan, Liveliness, Reliability, ResourceLimits};
use rustdds::{GUID, QosPolicies, QosPolicyBuilder, Timestamp};

use crate::time::Stamp;
use crate::wire::{self, Gid, Qos};

/// How long a reliable writer waits for a full history before it gives up on a message.
const BLOCK: rustdds::Duration = rustdds::Duration::from_millis(100);

/// The DDS name of a topic: `/a/b` is `rt/a/b`.
pub(super) fn topic(name: &str) -> String {
    format!("rt{name}")
}

/// The ROS name of a DDS topic, if it is one of ROS.
pub(super) fn topic_of_ros(name: &str) -> Option<&str> {
    name.strip_prefix("rt").filter(|rest| rest.starts_with('/'))
}

/// The DDS name of a type: `std_msgs/msg/Header` is `std_msgs::msg::dds_::Header_`.
pub(super) fn type_name(name: &str) -> String {
    match name.rsplit_once('/') {
        Some((package, message)) => format!("{}::dds_::{message}_", package.replace('/', "::")),
        None => name.to_owned(),
    }
}

/// The ROS name of a DDS type; one that is not of ROS stays as it is.
pub(super) fn type_of_ros(name: &str) -> String {
    match name.split_once("::dds_::") {
        Some((package, message)) => {
            format!("{}/{}", package.replace("::", "/"), message.strip_suffix('_').unwrap_or(message))
        }
        None => name.to_owned(),
    }
}

/// The type hash in an endpoint's user data, where ROS 2 since Iron puts it: `…typehash=RIHS01_<64 digits>;…`, behind
/// the length with which DDS sends any bytes.
pub(super) fn type_hash(user_data: &[u8]) -> Option<&str> {
    const KEY: &[u8] = b"typehash=";
    const LENGTH: usize = "RIHS01_".len() + 64;
    let at = user_data.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let hash = std::str::from_utf8(user_data.get(at..at + LENGTH)?).ok()?;
    let digits = hash.strip_prefix("RIHS01_")?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(hash)
}

/// The depth of a history as DDS counts it; keeping all is not bounded by it.
pub(super) fn depth(qos: &Qos) -> i32 {
    match qos.history {
        wire::History::KeepLast(depth) => i32::try_from(depth.max(1)).unwrap_or(i32::MAX),
        wire::History::KeepAll => 1,
    }
}

/// The quality of service for an endpoint of which rustdds may hold `samples` at a time.
pub(super) fn qos(qos: &Qos, samples: i32) -> QosPolicies {
    let mut builder = QosPolicyBuilder::new()
        .reliability(match qos.reliability {
            wire::Reliability::Reliable => Reliability::Reliable { max_blocking_time: BLOCK },
            wire::Reliability::BestEffort => Reliability::BestEffort,
        })
        .durability(match qos.durability {
            wire::Durability::TransientLocal => Durability::TransientLocal,
            wire::Durability::Volatile => Durability::Volatile,
        })
        .history(match qos.history {
            wire::History::KeepLast(_) => History::KeepLast { depth: depth(qos) },
            wire::History::KeepAll => History::KeepAll,
        })
        .resource_limits(ResourceLimits {
            max_samples: samples,
            max_instances: 1,
            max_samples_per_instance: samples,
        })
        .liveliness(Liveliness::Automatic {
            lease_duration: qos.lease.map_or(rustdds::Duration::INFINITE, Into::into),
        });
    if let Some(deadline) = qos.deadline {
        builder = builder.deadline(Deadline(deadline.into()));
    }
    if let Some(lifespan) = qos.lifespan {
        builder = builder.lifespan(Lifespan { duration: lifespan.into() });
    }
    builder.build()
}

/// What an endpoint announced.
pub(super) fn qos_of(dds: &QosPolicies) -> Qos {
    let finite = |duration: rustdds::Duration| {
        (duration != rustdds::Duration::INFINITE).then(|| std::time::Duration::from(duration))
    };
    Qos {
        reliability: match dds.reliability() {
            Some(Reliability::Reliable { .. }) => wire::Reliability::Reliable,
            _ => wire::Reliability::BestEffort,
        },
        durability: match dds.durability() {
            None | Some(Durability::Volatile) => wire::Durability::Volatile,
            Some(_) => wire::Durability::TransientLocal,
        },
        history: match dds.history() {
            Some(History::KeepAll) => wire::History::KeepAll,
            Some(History::KeepLast { depth }) => wire::History::KeepLast(u32::try_from(depth).unwrap_or(1)),
            None => wire::History::KeepLast(1),
        },
        deadline: dds.deadline().and_then(|deadline| finite(deadline.0)),
        lifespan: dds.lifespan().and_then(|lifespan| finite(lifespan.duration)),
        lease: dds.liveliness().and_then(|liveliness| finite(liveliness.duration())),
    }
}

/// Who a GUID is.
pub(super) fn gid(guid: GUID) -> Gid {
    Gid(guid.to_bytes())
}

/// The instant of a DDS time stamp, which counts seconds and their 2^-32 parts.
pub(super) fn stamp(timestamp: Timestamp) -> Stamp {
    let ticks = timestamp.to_ticks();
    let nanoseconds = ((ticks & 0xffff_ffff) * 1_000_000_000 + (1 << 31)) >> 32;
    Stamp((ticks >> 32) as i64 * 1_000_000_000 + nanoseconds as i64)
}

/// The DDS time stamp of an instant.
pub(super) fn timestamp(stamp: Stamp) -> Timestamp {
    let seconds = stamp.0.div_euclid(1_000_000_000) as u64 & 0xffff_ffff;
    let nanoseconds = stamp.0.rem_euclid(1_000_000_000) as u64;
    Timestamp::from_ticks((seconds << 32) + (((nanoseconds << 32) + 500_000_000) / 1_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_said_as_ros_says_them() {
        assert_eq!(topic("/joint_states"), "rt/joint_states");
        assert_eq!(topic_of_ros("rt/joint_states"), Some("/joint_states"));
        assert_eq!(topic_of_ros("rtfoo"), None);
        assert_eq!(type_name("sensor_msgs/msg/JointState"), "sensor_msgs::msg::dds_::JointState_");
        assert_eq!(type_of_ros("sensor_msgs::msg::dds_::JointState_"), "sensor_msgs/msg/JointState");
    }

    #[test]
    fn an_instant_survives_the_wire() {
        for nanoseconds in [0, 1, 999_999_999, 1_700_000_000_123_456_789] {
            assert_eq!(stamp(timestamp(Stamp(nanoseconds))), Stamp(nanoseconds));
        }
    }

    #[test]
    fn a_type_hash_is_found_in_user_data() {
        let hash = format!("RIHS01_{}", "0a".repeat(32));
        let said = [&[90, 0, 0, 0], format!("enclave=/;typehash={hash};").as_bytes(), &[0, 0]].concat();
        assert_eq!(type_hash(&said), Some(hash.as_str()));
        for wrong in ["", "typehash=", "typehash=RIHS01_0a;", &format!("typehash=RIHS01_{}", "zz".repeat(32))]
        {
            assert_eq!(type_hash(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_quality_of_service_survives_the_wire() {
        let mut asked = Qos::latched(7);
        asked.deadline = Some(std::time::Duration::from_millis(250));
        assert_eq!(qos_of(&qos(&asked, 64)), asked);
        assert_eq!(qos_of(&qos(&Qos::sensor(), 64)), Qos::sensor());
    }
}
