//! Variations of windows: where a picture is cut, its light, a robot that is a little off its way, and the same in a mirror.
//!
//! One draw for a sample: the pictures of its history are cut at the same place and lit alike, because between two frames of
//! one camera neither jumps. The draws are made on the host; what is drawn is carried out where the pictures are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Error;
use super::settings::within;
use crate::noise::Noise;

/// The section `data.augment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// The share of width and height that a policy sees: cut anywhere while training, from the middle otherwise. 1 cuts nothing.
    /// The default is that of Chi et al. 2023 ("Diffusion policy", table 6): 76 of 84 pixels.
    pub crop: f64,
    /// Brightness is moved by up to this share of full light.
    pub brightness: f64,
    /// Contrast is changed by up to this factor, up or down.
    pub contrast: f64,
    /// Colour is made stronger or weaker by up to this factor.
    pub saturation: f64,
    /// A robot that is a little off its way, and how it comes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<Shift>,
    /// The same seen in a mirror.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Mirror>,
}

impl Default for Augment {
    fn default() -> Self {
        Self { crop: 0.9, brightness: 0.0, contrast: 0.0, saturation: 0.0, shift: None, mirror: None }
    }
}

/// The section `data.augment.shift`: the measured joints are moved off by a random amount, and the chunk begins there and leads
/// back to what was demonstrated.
///
/// Noise injected while demonstrating shows a learner how to come back (Laskey et al. 2017, DART); noise put on states afterwards
/// was used by Ke et al. 2021 ("Grasping with chopsticks"). That the actions are corrected along with it, by
/// `a'[k] = a[k] + (1 − s(k + 1)) · δ` with s rising smoothly to 1 in so many steps, is this project's own and holds for actions
/// that are joint positions. Pictures are not moved: it is meant for policies that act from state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// The deviation of the noise, in deviations of each joint over the data set.
    pub deviation: f64,
    /// In how many steps the chunk has led back.
    pub steps: u32,
    /// The share of windows that are moved.
    #[serde(default = "half")]
    pub share: f64,
}

fn half() -> f64 {
    0.5
}

/// The section `data.augment.mirror`: every second window, by chance, is seen in a mirror that stands upright in the middle of the
/// robot, where y is zero in the frame of its base. Where left is as good as right, half of what a demonstration shows is left out
/// without it.
///
/// Nothing looks at the arm's description here: which joints turn the other way follows from where their axes point while the arm
/// stretches straight ahead (along y: alike; along x or z: the other way), and a thing that is no different in a mirror is so across one
/// of its own axes. Pictures are not mirrored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mirror {
    /// The joints that turn the other way; the others turn alike.
    pub joints: Vec<String>,
    /// Which of its own axes a thing has across its plane of symmetry, by the stream that tells its pose; y where nothing is said.
    pub across: BTreeMap<String, Axis>,
    /// Streams of other numbers that are the same in a mirror.
    pub alike: Vec<String>,
}

/// An axis of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Its first.
    X,
    /// Its second.
    #[default]
    Y,
    /// Its third.
    Z,
}

impl Augment {
    pub(super) fn check(&self) -> Result<(), Error> {
        within("data.augment.crop", self.crop, 0.1, 1.0)?;
        within("data.augment.brightness", self.brightness, 0.0, 1.0)?;
        within("data.augment.contrast", self.contrast, 0.0, 1.0)?;
        within("data.augment.saturation", self.saturation, 0.0, 1.0)?;
        let Some(shift) = &self.shift else { return Ok(()) };
        within("data.augment.shift.deviation", shift.deviation, 0.0, 10.0)?;
        within("data.augment.shift.steps", f64::from(shift.steps), 1.0, 10_000.0)?;
        within("data.augment.shift.share", shift.share, 0.0, 1.0)
    }

    /// Width and height that are left of a picture of `size`.
    pub fn seen(&self, [width, height]: [usize; 2]) -> [usize; 2] {
        let cut = |length: usize| ((length as f64 * self.crop).round() as usize).clamp(1, length.max(1));
        [cut(width), cut(height)]
    }

    /// Draws for one sample of one camera. Every draw takes the same amount of chance.
    pub fn draw(&self, [width, height]: [usize; 2], noise: &mut Noise) -> Draw {
        let [seen_width, seen_height] = self.seen([width, height]);
        let corner = [noise.below(width - seen_width + 1), noise.below(height - seen_height + 1)];
        let mut off = |most: f64| most * (2.0 * noise.unit() - 1.0);
        Draw {
            corner,
            brightness: off(self.brightness) as f32,
            contrast: (1.0 + off(self.contrast)) as f32,
            saturation: (1.0 + off(self.saturation)) as f32,
        }
    }

    /// What stands for a draw outside of training: the middle, in the light it has.
    pub fn centre(&self, [width, height]: [usize; 2]) -> Draw {
        let [seen_width, seen_height] = self.seen([width, height]);
        let corner = [(width - seen_width) / 2, (height - seen_height) / 2];
        Draw { corner, brightness: 0.0, contrast: 1.0, saturation: 1.0 }
    }

    /// Whether light and colour are left as they are.
    pub fn keeps_light(&self) -> bool {
        self.brightness == 0.0 && self.contrast == 0.0 && self.saturation == 0.0
    }
}

/// What is done to the pictures of one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// The left and upper edge of what is seen.
    pub corner: [usize; 2],
    /// Added to every colour, of which full light is 1.
    pub brightness: f32,
    /// The factor by which a colour's distance from the picture's mean changes.
    pub contrast: f32,
    /// The factor by which a colour's distance from grey changes.
    pub saturation: f32,
}

impl Shift {
    /// The share of the displacement that is left at step `k` of the chunk; nothing from `steps` on. A smooth step: it begins and
    /// ends at rest.
    pub(super) fn left(&self, k: usize) -> f32 {
        let share = ((k + 1) as f32 / self.steps as f32).min(1.0);
        1.0 - share * share * (3.0 - 2.0 * share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_comes_up_and_none_lies_outside() {
        let augment = Augment { crop: 0.75, ..Augment::default() };
        assert_eq!(augment.seen([8, 4]), [6, 3]);
        let mut noise = Noise::new(1);
        let mut seen = [[0; 2]; 3];
        for _ in 0..600 {
            let [left, upper] = augment.draw([8, 4], &mut noise).corner;
            seen[left][upper] += 1;
        }
        assert!(seen.iter().flatten().all(|count| (60..140).contains(count)), "{seen:?}");
        assert_eq!(augment.centre([8, 4]).corner, [1, 0]);
    }

    #[test]
    fn a_shifted_chunk_leads_back_without_a_jump() {
        let shift = Shift { deviation: 0.1, steps: 4, share: 1.0 };
        let left: Vec<f32> = (0..6).map(|k| shift.left(k)).collect();
        assert!(left.windows(2).all(|pair| pair[1] <= pair[0]), "{left:?}");
        assert!((left[0] - 0.84375).abs() < 1e-6 && left[3..] == [0.0, 0.0, 0.0], "{left:?}");
    }
}
