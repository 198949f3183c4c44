//! A policy: an encoder, a normalizer and one head.
//!
//! The three are apart because each is chosen on its own.

pub mod head;
