//! Messages as Rust structs, with their bytes on the wire, their definition text and their type hash.

/// What goes wrong with a message's bytes or its definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end too early.
    #[error("{wanted} bytes wanted at {at}, {left} left")]
    Short {
        /// How many were wanted.
        wanted: usize,
        /// Where.
        at: usize,
        /// How many there were.
        left: usize,
    },
    /// The bytes say something a message of that type cannot.
    #[error("at byte {at}: {why}")]
    Invalid {
        /// Where.
        at: usize,
        /// What is wrong.
        why: &'static str,
    },
}
