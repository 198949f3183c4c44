//! Instants as ROS counts them, and the clocks that tell them.
//!
//! A stamp is nanoseconds since the epoch of whoever's clock made it: the wall's on a robot, `/clock`'s in a
//! simulation, the bag's in a replay. Nothing else in the crate reads the wall, so that every node runs on
//! any of the three.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// An instant: nanoseconds since the epoch of the clock that made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub i64);

impl Stamp {
    /// The instant `seconds` and `nanoseconds` after the epoch, as `builtin_interfaces/Time` says it.
    pub const fn from_parts(seconds: i32, nanoseconds: u32) -> Self {
        Self(seconds as i64 * 1_000_000_000 + nanoseconds as i64)
    }

    /// Whole seconds and the nanoseconds past them; saturates where a 32-bit second cannot hold the instant.
    pub fn parts(self) -> (i32, u32) {
        let seconds = self.0.div_euclid(1_000_000_000);
        let seconds = seconds.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
        (seconds, self.0.rem_euclid(1_000_000_000) as u32)
    }

    /// How long after `earlier` this is; zero where it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Stamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Stamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanoseconds) = (self.0.div_euclid(1_000_000_000), self.0.rem_euclid(1_000_000_000));
        write!(out, "{seconds}.{nanoseconds:09}")
    }
}

/// Tells the time. Nodes ask the clock of the bus they are on and no other.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Stamp;
}

/// The wall clock: time as the machine has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the wall is read")]
    fn now(&self) -> Stamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Stamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_before_the_epoch_keeps_positive_nanoseconds() {
        assert_eq!(Stamp(-1).parts(), (-1, 999_999_999));
        assert_eq!(Stamp::from_parts(-1, 999_999_999), Stamp(-1));
    }

    #[test]
    fn time_never_wraps() {
        assert_eq!(Stamp(i64::MAX) + Duration::from_secs(1), Stamp(i64::MAX));
        assert_eq!(Stamp(0).since(Stamp(5)), Duration::ZERO);
    }
}
