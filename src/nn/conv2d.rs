//! Convolution over pictures.
//!
//! On its own here because the networks that see share nothing else. Weights begin as He et al. 2015 ("Delving Deep into
//! Rectifiers", equation 14, by what a number goes out to): these networks learn from demonstrations alone, without pretraining.

use tch::Tensor;

use super::weights::Site;

/// How a convolution moves over a picture.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Its side in pixels; odd.
    pub side: i64,
    /// The step it moves by.
    pub stride: i64,
}

/// A convolution that keeps the size of a picture but for its stride.
#[derive(Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    window: Window,
}

impl Conv2d {
    /// From `inputs` to `outputs` channels, without a constant: a norm that follows takes it away anyway.
    pub fn without_bias(site: &Site<'_>, inputs: i64, outputs: i64, window: Window) -> Self {
        let onward = (outputs * window.side * window.side) as f64;
        let dims = [outputs, inputs, window.side, window.side];
        Self { weight: site.normal("weight", &dims, (2.0 / onward).sqrt()), bias: None, window }
    }

    /// With a constant.
    pub fn new(site: &Site<'_>, inputs: i64, outputs: i64, window: Window) -> Self {
        let bias = Some(site.constant("bias", &[outputs], 0.0));
        Self { bias, ..Self::without_bias(site, inputs, outputs, window) }
    }

    /// `x: [N, inputs, height, width]` to `[N, outputs, ⌈height / stride⌉, ⌈width / stride⌉]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let (stride, border) = ([self.window.stride; 2], [self.window.side / 2; 2]);
        x.conv2d(&self.weight, self.bias.as_ref(), stride, border, [1, 1], 1)
    }
}
