//! From recordings to what is learned from: observations, and one day windows of them.

pub mod observe;
