//! A perceptron with ways past its layers: deep enough to be sure of itself, and still easy to train.
//!
//! It is what the heads without a sequence are made of: each layer adds to what went in (He et al. 2016), normalized before.

use tch::Tensor;

use super::layers::{LayerNorm, Linear, Mlp};
use super::weights::Site;

/// How large a trunk is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Numbers between the layers.
    pub width: i64,
    /// Layers of two linear maps each.
    pub layers: u32,
}

/// Residual layers and a linear map out of them.
#[derive(Debug)]
pub struct Trunk {
    layers: Vec<(LayerNorm, Mlp)>,
    norm: LayerNorm,
    out: Linear,
}

impl Trunk {
    /// From `size.width` numbers to `outputs`.
    pub fn new(site: &Site<'_>, size: Size, outputs: i64) -> Self {
        let out = Linear::new(&site.at("out"), size.width, outputs);
        Self::with_out(site, size, out)
    }

    /// The same without a constant, for what is only ever compared.
    pub fn without_bias(site: &Site<'_>, size: Size, outputs: i64) -> Self {
        let out = Linear::without_bias(&site.at("out"), size.width, outputs);
        Self::with_out(site, size, out)
    }

    fn with_out(site: &Site<'_>, size: Size, out: Linear) -> Self {
        let width = size.width;
        let layer = |number| {
            let site = site.at("layer").at(number);
            (LayerNorm::new(&site.at("norm"), width), Mlp::new(&site.at("mlp"), &[width; 3]))
        };
        let layers = (0..size.layers).map(layer).collect();
        Self { layers, norm: LayerNorm::new(&site.at("norm"), width), out }
    }

    /// `x: [.., width]` to `[.., outputs]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let mut x = x.shallow_clone();
        for (norm, mlp) in &self.layers {
            x = &x + mlp.forward(&norm.forward(&x));
        }
        self.out.forward(&self.norm.forward(&x).gelu("none"))
    }
}
