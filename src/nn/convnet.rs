//! A small network that sees a picture as points, for machines without a GPU: `policy.encoder: {convnet: {…}}`.
//!
//! Three convolutions and a spatial softmax, as Finn et al. 2016 ("Deep Spatial Autoencoders for Visuomotor Learning", section V)
//! and Levine et al. 2016 have them, with fewer channels and a stride in the second: a hundredth of what ResNet-18 computes.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::conv2d::{Conv2d, Window};
use super::keypoints::Keypoints;
use super::weights::Site;

/// Two of its steps halve a picture.
pub(super) const STRIDE: usize = 4;

/// The setting `policy.encoder.convnet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether all cameras are seen by one network; each has its own otherwise.
    pub shared: bool,
    /// How many points it finds.
    pub keypoints: u16,
    /// Channels of each layer.
    pub channels: [u16; 3],
}

impl Default for Config {
    fn default() -> Self {
        Self { shared: false, keypoints: 16, channels: [16, 32, 32] }
    }
}

/// The network.
#[derive(Debug)]
pub struct Convnet {
    layers: Vec<Conv2d>,
    points: Keypoints,
}

impl Convnet {
    /// For pictures of `channels` channels.
    pub fn new(config: &Config, site: &Site<'_>, channels: i64) -> Self {
        const WINDOWS: [Window; 3] =
            [Window { side: 7, stride: 2 }, Window { side: 5, stride: 2 }, Window { side: 5, stride: 1 }];
        let mut inputs = channels;
        let mut layers = Vec::new();
        for (number, (outputs, window)) in config.channels.into_iter().zip(WINDOWS).enumerate() {
            let outputs = i64::from(outputs);
            layers.push(Conv2d::new(&site.at("layers").at(number), inputs, outputs, window));
            inputs = outputs;
        }
        Self { layers, points: Keypoints::new(&site.at("points"), inputs, i64::from(config.keypoints)) }
    }

    /// `x: [N, channels, height, width]`, numbers around zero, to `[N, 2 · keypoints]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let seen = self.layers.iter().fold(x.shallow_clone(), |x, layer| layer.forward(&x).relu());
        self.points.forward(&seen)
    }
}
