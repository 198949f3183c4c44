//! Networks. Torch begins here.
//!
//! No room below this one knows tensors, so that recording and checking build and run where there is no libtorch.

mod cuda;
pub mod device;
pub mod ema;
pub mod fused;
pub mod layers;
pub mod weights;

pub use weights::{Site, Weights};

use tch::Tensor;

/// What a head sees: never pixels, units, queues or files.
///
/// Heads that attend take the tokens, the others what is pooled; every encoder gives both.
#[derive(Debug)]
pub struct Encoding {
    /// `[B, tokens, width]`.
    pub tokens: Tensor,
    /// `[B, width]`.
    pub pooled: Tensor,
}
