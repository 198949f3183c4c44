//! From feature maps to points: where in the picture each feature is.
//!
//! A policy needs to know where things are and rarely more. The spatial softmax (Levine et al. 2016, "End-to-End Training of Deep
//! Visuomotor Policies", section 5.1) takes each map as the probability of a place and gives its mean, two numbers a map instead of
//! thousands, which leaves little to overfit to.

use tch::{Kind, Tensor};

use super::conv2d::{Conv2d, Window};
use super::weights::Site;

/// Maps of their own, then the mean place of each.
#[derive(Debug)]
pub struct Keypoints {
    maps: Conv2d,
}

impl Keypoints {
    /// Of `count` points in maps of `channels`.
    pub fn new(site: &Site<'_>, channels: i64, count: i64) -> Self {
        // Without a constant: a softmax does not see one.
        Self { maps: Conv2d::without_bias(&site.at("maps"), channels, count, Window { side: 1, stride: 1 }) }
    }

    /// `x: [N, channels, height, width]` to `[N, 2 · count]`: across and down for each point, from −1 to 1.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        means(&self.maps.forward(x))
    }
}

/// The mean place of each map of `[N, maps, height, width]`.
fn means(maps: &Tensor) -> Tensor {
    let (kind, device) = (maps.kind(), maps.device());
    let (height, width) = (maps.size()[2], maps.size()[3]);
    let line = |length: i64| Tensor::linspace(-1.0, 1.0, length, (kind, device));
    let across = line(width).unsqueeze(0).expand([height, width], false).flatten(0, 1);
    let down = line(height).unsqueeze(1).expand([height, width], false).flatten(0, 1);
    let places = Tensor::stack(&[across, down], 1);
    maps.flatten(2, 3).softmax(-1, None::<Kind>).matmul(&places).flatten(1, 2)
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn a_bright_spot_is_found_where_it_is() {
        let maps = Tensor::zeros([1, 2, 3, 5], (Kind::Double, Device::Cpu));
        let spot = |map: i64, down: i64, across: i64| {
            let _filled = maps.get(0).get(map).get(down).get(across).fill_(1000.0);
        };
        spot(0, 0, 4);
        spot(1, 2, 1);
        let found = Vec::<f64>::try_from(means(&maps).flatten(0, -1)).expect("four numbers");
        assert_eq!(found, [1.0, -1.0, -0.5, 1.0]);
    }
}
