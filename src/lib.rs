//! A robot's apprentice: it watches, learns, acts, and is corrected.
//!
//! Floors, top to bottom; a room imports only rooms below its own floor:
//!
//! ```text
//!  9  main · config        one binary; one typed settings tree
//!  8  node                 recorder, teleoperation and the rest of the nodes
//!  7  train                the loop, the optimizer, what a run leaves behind
//!  6  policy               encoder, normalizer and one head; checkpoints
//!  5  nn                   blocks of networks; torch begins here
//!  4  data · control · sim from recordings to batches | chunks, joined to one plan | worlds
//!  3  bus                  transports: local, replay, dds, ros
//!  2  bag                  recordings: mcap, sqlite, metadata, recovery
//!  1  wire · arm           Topic, Qos, Sample | chunks, actions, one arm's description and kinematics
//!  0  time · msg · spec    nouns everyone may use
//!     noise · precedence   chance that a seed repeats | threads that go before ordinary work
//! ```
//!
//! What is in a bag, whoever wrote it:
//!
//! ```no_run
//! use apprentice::bag;
//! use apprentice::msg::{Message, sensor::JointState};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut reader = bag::open("demos/episode_0000".as_ref())?;
//!     for sample in reader.samples(&["/joint_states"]) {
//!         let sample = sample?;
//!         let joints = JointState::decode(&sample.cdr)?;
//!         println!("{} {:?}", sample.received, joints.position);
//!     }
//!     Ok(())
//! }
//! ```

pub mod arm;
pub mod bag;
pub mod bus;
pub mod config;
pub mod control;
pub mod data;
pub mod msg;
#[cfg(feature = "learn")]
pub mod nn;
pub mod node;
pub mod noise;
#[cfg(feature = "learn")]
pub mod policy;
pub mod precedence;
#[cfg(feature = "sim")]
pub mod sim;
pub mod spec;
#[cfg(feature = "learn")]
pub mod study;
pub mod time;
#[cfg(feature = "learn")]
pub mod train;
pub mod wire;
