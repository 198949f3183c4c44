//! A robot's apprentice: it watches, learns, acts, and is corrected.
//!
//! Floors, top to bottom; a room imports only rooms below its own floor:
//!
//! ```text
//!  9  main · config
//!  8  node
//!  3  bus
//!  2  bag
//!  1  wire
//!  0  time · msg · spec
//! ```

pub mod bag;
pub mod bus;
pub mod msg;
pub mod time;
pub mod wire;
