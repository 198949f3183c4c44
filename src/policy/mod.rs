//! A policy: an encoder, a normalizer and one head.

pub mod head;
