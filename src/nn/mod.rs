//! Networks. Torch begins here.
//!
//! No room below this one knows tensors, so that recording and checking build and run where there is no libtorch.

pub mod attention;
pub mod chance;
pub mod conv;
pub mod conv2d;
pub mod convnet;
mod cuda;
pub mod denoiser;
pub mod device;
pub mod ema;
pub mod encoder;
pub mod fits;
pub mod fused;
pub mod history;
pub mod keypoints;
pub mod layers;
pub mod perceptron;
pub mod resnet;
pub mod solver;
pub mod step;
pub mod trunk;
pub mod unet;
pub mod waves;
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
