//! ResNet-18 with group norms, which sees a picture as points: `policy.encoder: {resnet: {…}}`.
//!
//! He et al. 2016 ("Deep Residual Learning for Image Recognition", table 1) without its last pooling, as Chi et al. 2023
//! ("Diffusion Policy", section III.B) see with: batch norms give way to group norms, which do not tie a sample to the others of
//! its batch and let a moving average of the weights stand for a network, and the mean over the picture to a spatial softmax.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::conv2d::{Conv2d, Window};
use super::keypoints::Keypoints;
use super::layers::GroupNorm;
use super::weights::Site;

/// Channels a group: of 64 channels four groups, as in Chi et al.
const GROUP: i64 = 16;

/// Five of its steps halve a picture.
pub(super) const STRIDE: usize = 32;

/// The setting `policy.encoder.resnet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether all cameras are seen by one network; each has its own otherwise, as in Chi et al.
    pub shared: bool,
    /// How many points it finds; 32 as in Mandlekar et al. 2021 ("What Matters in Learning from Offline Human Demonstrations").
    pub keypoints: u16,
    /// Channels of the first stage; each of the three that follow has twice as many as the one before.
    pub channels: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self { shared: false, keypoints: 32, channels: 64 }
    }
}

/// The network.
#[derive(Debug)]
pub struct Resnet {
    stem: Normed,
    blocks: Vec<Block>,
    points: Keypoints,
}

/// A convolution and its norm.
#[derive(Debug)]
struct Normed {
    conv: Conv2d,
    norm: GroupNorm,
}

/// Two convolutions beside a way around them.
#[derive(Debug)]
struct Block {
    first: Normed,
    second: Normed,
    /// The way around, where size or channels change.
    around: Option<Normed>,
}

impl Resnet {
    /// For pictures of `channels` channels.
    pub fn new(config: &Config, site: &Site<'_>, channels: i64) -> Self {
        let width = i64::from(config.channels);
        let stem = Normed::new(&site.at("stem"), channels, width, Window { side: 7, stride: 2 });
        let mut blocks = Vec::new();
        let mut inputs = width;
        for stage in 0..4 {
            let outputs = width << stage;
            for number in 0..2 {
                let stride = if stage > 0 && number == 0 { 2 } else { 1 };
                blocks.push(Block::new(&site.at("stages").at(stage).at(number), inputs, outputs, stride));
                inputs = outputs;
            }
        }
        let points = Keypoints::new(&site.at("points"), inputs, i64::from(config.keypoints));
        Self { stem, blocks, points }
    }

    /// `x: [N, channels, height, width]`, numbers around zero, to `[N, 2 · keypoints]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let x = self.stem.forward(x).relu().max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false);
        self.points.forward(&self.blocks.iter().fold(x, |x, block| block.forward(&x)))
    }
}

impl Normed {
    fn new(site: &Site<'_>, inputs: i64, outputs: i64, window: Window) -> Self {
        let conv = Conv2d::without_bias(&site.at("conv"), inputs, outputs, window);
        Self { conv, norm: GroupNorm::new(&site.at("norm"), groups(outputs), outputs) }
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        self.norm.forward(&self.conv.forward(x))
    }
}

impl Block {
    fn new(site: &Site<'_>, inputs: i64, outputs: i64, stride: i64) -> Self {
        let first = Normed::new(&site.at("first"), inputs, outputs, Window { side: 3, stride });
        let second = Normed::new(&site.at("second"), outputs, outputs, Window { side: 3, stride: 1 });
        let around = || Normed::new(&site.at("around"), inputs, outputs, Window { side: 1, stride });
        Self { first, second, around: (stride != 1 || inputs != outputs).then(around) }
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let seen = self.second.forward(&self.first.forward(x).relu());
        let around = self.around.as_ref().map(|around| around.forward(x));
        (seen + around.as_ref().unwrap_or(x)).relu()
    }
}

/// As many groups of [`GROUP`] as there are; one where the channels do not divide.
fn groups(channels: i64) -> i64 {
    if channels % GROUP == 0 { channels / GROUP } else { 1 }
}
