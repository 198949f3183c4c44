//! What goes wrong with a message's bytes or with its definition.
//!
//! Every error of bytes says where in the message it stands, the encapsulation counted, because whoever reads it has
//! a hex dump and no other handle.

use ::std::path::PathBuf;

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
    /// A text is not UTF-8.
    #[error("at byte {at}: a text that is not UTF-8")]
    NotText {
        /// Where it stops being one.
        at: usize,
        /// What is wrong with it.
        source: ::std::str::Utf8Error,
    },
    /// A line of a definition cannot be read.
    #[error("definition of {type_name:?}, line {line}: {why}: {text:?}")]
    Definition {
        /// The type that is being defined.
        type_name: String,
        /// The line, counted from one.
        line: usize,
        /// What it says.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A type of which no definition is known.
    #[error(
        "no definition of {type_name:?} is known, nor found under {searched:?} \
         (is the ROS 2 workspace that has it sourced?)"
    )]
    Unknown {
        /// The type.
        type_name: String,
        /// The prefixes of installed packages that were searched.
        searched: Vec<PathBuf>,
    },
    /// A definition that is there cannot be read.
    #[error("{path:?} cannot be read: {kind}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        kind: ::std::io::ErrorKind,
    },
}
