//! The experiments behind the README's figures: what is tried, and what came out, as tables.
//!
//! An experiment is a list of cells, each the same few commands with other settings. Nothing here runs them: whoever does, does what a
//! user would, command by command, so that a figure in the README is one that its reader can have.

pub mod compounding;
pub mod data;
pub mod delay;
pub mod heads;
mod table;

pub use table::Table;
