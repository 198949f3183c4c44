//! The smallest blocks: linear maps, norms, and the multilayer perceptron.
//!
//! Written here and not taken from tch, whose layers draw their weights from libtorch's hidden generator.

use tch::Tensor;

use super::weights::Site;

/// `x·Wᵀ + b` over the last dimension; begins as PyTorch's does, evenly within 1/√inputs (He et al. 2015 with a = √5).
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// From `inputs` to `outputs` numbers.
    pub fn new(site: &Site<'_>, inputs: i64, outputs: i64) -> Self {
        let bound = 1.0 / (inputs as f64).sqrt();
        let weight = site.even("weight", &[outputs, inputs], bound);
        Self { weight, bias: site.even("bias", &[outputs], bound) }
    }

    /// `x: [.., inputs]` to `[.., outputs]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.linear(&self.weight, Some(&self.bias))
    }
}

/// Layer normalization over the last dimension (Ba et al. 2016).
#[derive(Debug)]
pub struct LayerNorm {
    width: i64,
    weight: Tensor,
    bias: Tensor,
}

impl LayerNorm {
    /// Over `width` numbers.
    pub fn new(site: &Site<'_>, width: i64) -> Self {
        let (weight, bias) = (site.constant("weight", &[width], 1.0), site.constant("bias", &[width], 0.0));
        Self { width, weight, bias }
    }

    /// `x: [.., width]` to the same.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.layer_norm([self.width], Some(&self.weight), Some(&self.bias), 1e-5, true)
    }
}

/// Group normalization over channels (Wu and He 2018).
#[derive(Debug)]
pub struct GroupNorm {
    pub(super) groups: i64,
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
}

impl GroupNorm {
    /// Over `channels` in `groups`.
    pub fn new(site: &Site<'_>, groups: i64, channels: i64) -> Self {
        let (weight, bias) =
            (site.constant("weight", &[channels], 1.0), site.constant("bias", &[channels], 0.0));
        Self { groups, weight, bias }
    }

    /// `x: [B, channels, ..]` to the same.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.group_norm(self.groups, Some(&self.weight), Some(&self.bias), 1e-5, true)
    }

    /// `x: [B, steps, channels]` to the same.
    pub fn over_steps(&self, x: &Tensor) -> Tensor {
        // As a picture of one row whose channels come last, which libtorch normalizes without moving anything.
        self.forward(&x.transpose(1, 2).unsqueeze(2)).squeeze_dim(2).transpose(1, 2)
    }
}

/// Linear maps with Gaussian error units between them (Hendrycks and Gimpel 2016).
///
/// They are smooth, and so is what they learn: with rectifiers in their place an arm that learned to reach from a hundred
/// demonstrations came to rest three times as far from where it was to be.
#[derive(Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    /// Through layers of those widths, from the first to the last.
    pub fn new(site: &Site<'_>, widths: &[i64]) -> Self {
        let layer = |(number, pair): (usize, &[i64])| Linear::new(&site.at(number), pair[0], pair[1]);
        Self { layers: widths.windows(2).enumerate().map(layer).collect() }
    }

    /// `x: [.., first]` to `[.., last]`; the last layer is linear.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let mut x = x.shallow_clone();
        for (number, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x);
            if number + 1 < self.layers.len() {
                x = x.gelu("none");
            }
        }
        x
    }
}
