//! Convolutions over time, as matrix products.
//!
//! Sequences are `[B, steps, channels]`: the channels of neighbouring steps lie side by side, so a window of steps is one run of
//! memory and a convolution is one product of all windows with a weight that is stored the way the product reads it. Where the batch
//! is one, libtorch's own convolution takes a loop that is several times slower; over a batch its way back is better than one through
//! windows that tch can write down, and the same weight serves it, read as one whose channels come last. On a processor most
//! convolutions of a U-Net do not come here but go with their norm through one call ([`Step`](super::step::Step)), which has a way
//! back of its own.

use tch::Tensor;

use super::weights::Site;

/// From so many steps of all samples on, libtorch's own convolution is faster, there and back, than a product of windows that are made
/// by tch.
const MANY: i64 = 128;

/// A convolution over time with an odd kernel and zeros around the ends.
#[derive(Debug)]
pub struct Conv {
    pub(super) kernel: i64,
    stride: i64,
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
}

/// What a convolution maps.
#[derive(Clone, Copy, Debug)]
pub struct Channels {
    /// Numbers a step, before.
    pub from: i64,
    /// And after.
    pub to: i64,
}

impl Conv {
    /// With `kernel` steps in a window, a window every `stride` steps. Its weight is `[to, kernel · from]`: PyTorch's
    /// `[to, from, kernel]` with the last two exchanged.
    pub fn new(site: &Site<'_>, channels: Channels, kernel: i64, stride: i64) -> Self {
        let bound = 1.0 / ((channels.from * kernel) as f64).sqrt();
        let weight = site.even("weight", &[channels.to, kernel * channels.from], bound);
        Self { kernel, stride, weight, bias: site.even("bias", &[channels.to], bound) }
    }

    /// `x: [B, steps, from]` to `[B, ⌈steps / stride⌉, to]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let size = x.size();
        if size[0] * size[1] >= MANY {
            return self.whole(x, size[2]);
        }
        self.windows(x).linear(&self.weight, Some(&self.bias))
    }

    /// As the convolution of a picture of one row whose channels come last.
    fn whole(&self, x: &Tensor, from: i64) -> Tensor {
        let picture = x.transpose(1, 2).unsqueeze(2);
        let weight = self.weight.view([-1, self.kernel, from]).transpose(1, 2).unsqueeze(2);
        let bias = Some(&self.bias);
        let out = picture.conv2d(&weight, bias, [1, self.stride], [0, self.kernel / 2], [1, 1], 1);
        out.squeeze_dim(2).transpose(1, 2)
    }

    /// `[B, windows, kernel · from]`.
    fn windows(&self, x: &Tensor) -> Tensor {
        let around = self.kernel / 2;
        let padded = x.constant_pad_nd([0, 0, around, around]);
        padded.unfold(1, self.kernel, self.stride).transpose(2, 3).flatten(2, 3)
    }
}

/// A convolution that doubles the steps: every step gives four, of which two fall on those of each neighbour
/// (a transposed convolution with kernel 4, stride 2, and one step cut off at both ends).
#[derive(Debug)]
pub struct Rise {
    to: i64,
    weight: Tensor,
    bias: Tensor,
}

impl Rise {
    /// Its weight is `[4 · to, from]`.
    pub fn new(site: &Site<'_>, channels: Channels) -> Self {
        let bound = 1.0 / ((channels.to * 4) as f64).sqrt();
        let weight = site.even("weight", &[4 * channels.to, channels.from], bound);
        Self { to: channels.to, weight, bias: site.even("bias", &[channels.to], bound) }
    }

    /// `x: [B, steps, from]` to `[B, 2 · steps, to]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let steps = x.size()[1];
        let each = x.linear::<&Tensor>(&self.weight, None);
        let early = each.narrow(2, 0, 2 * self.to).constant_pad_nd([0, 0, 0, 1]);
        let late = each.narrow(2, 2 * self.to, 2 * self.to).constant_pad_nd([0, 0, 1, 0]);
        let met = (early + late).view([-1, 2 * steps + 2, self.to]);
        met.narrow(1, 1, 2 * steps) + &self.bias
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::super::{Weights, chance};
    use super::*;
    use crate::noise::Noise;

    fn far(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    fn sequence(batch: i64, steps: i64) -> Tensor {
        let like = Tensor::zeros([1], (Kind::Double, Device::Cpu));
        chance::normal(&mut Noise::new(5), &[batch, steps, 3], &like)
    }

    #[test]
    fn both_ways_are_the_convolution_of_libtorch() {
        let weights = Weights::new(Device::Cpu, Kind::Double, Noise::new(1));
        let kinds = [(1, 1), (3, 1), (5, 1), (3, 2)].into_iter().flat_map(|kind| [(kind, 2), (kind, 40)]);
        for (number, ((kernel, stride), batch)) in kinds.enumerate() {
            let conv = Conv::new(&weights.root().at(number), Channels { from: 3, to: 4 }, kernel, stride);
            let x = sequence(batch, 8);
            let theirs = x.transpose(1, 2).conv1d(
                &conv.weight.view([4, kernel, 3]).transpose(1, 2),
                Some(&conv.bias),
                stride,
                kernel / 2,
                1,
                1,
            );
            assert!(far(&conv.forward(&x), &theirs.transpose(1, 2)) < 1e-13, "{kernel} {stride} {batch}");
        }
    }

    #[test]
    fn steps_double_as_with_the_transposed_convolution_of_libtorch() {
        let weights = Weights::new(Device::Cpu, Kind::Double, Noise::new(1));
        let rise = Rise::new(&weights.root(), Channels { from: 3, to: 4 });
        let x = sequence(2, 5);
        let theirs = x.transpose(1, 2).conv_transpose1d(
            &rise.weight.view([4, 4, 3]).permute([2, 1, 0]),
            Some(&rise.bias),
            2,
            1,
            0,
            1,
            1,
        );
        assert!(far(&rise.forward(&x), &theirs.transpose(1, 2)) < 1e-14);
    }
}
