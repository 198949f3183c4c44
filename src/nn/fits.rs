//! Settings that do not fit a network are refused where they are read.
//!
//! libtorch ends the thread over sizes that do not match; with these rules kept, none can reach it.

use std::fmt::Debug;

/// What goes wrong with a setting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value no network can be made with.
    #[error("{key:?} is {got}; it has to be {wanted}")]
    Value {
        /// Its key.
        key: &'static str,
        /// What was set.
        got: String,
        /// What can be.
        wanted: &'static str,
    },
}

/// Refuses `got` under `key` unless it `holds`.
pub fn fits(key: &'static str, got: &impl Debug, wanted: &'static str, holds: bool) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Value { key, got: format!("{got:?}"), wanted }) }
}

/// Refuses a count of zero.
pub fn some(key: &'static str, got: u32) -> Result<(), Error> {
    fits(key, &got, "at least 1", got >= 1)
}

/// Refuses a number below zero, and one without an end.
pub fn not_negative(key: &'static str, got: f64) -> Result<(), Error> {
    fits(key, &got, "a number from 0 on", got >= 0.0 && got.is_finite())
}

/// Has serde read a type whose derives are `remote = "Self"` and then ask its `check()`.
macro_rules! checked {
    ($name:ty) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let read = Self::deserialize(from)?;
                read.check().map_err(serde::de::Error::custom)?;
                Ok(read)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, to)
            }
        }
    };
}

pub(crate) use checked;
