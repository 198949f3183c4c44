//! A step of the U-Net: a convolution over time, its groups normalized, and Mish (Misra 2019).
//!
//! On a processor that is one call into `step.cpp` beside this file; elsewhere, and where another kind of numbers is computed in, it is
//! put together of libtorch's operations.

#![expect(unsafe_code, reason = "the function of step.cpp is foreign")]

use std::ffi::c_char;
use std::ptr;

use tch::{Device, Kind, TchError, Tensor};
use torch_sys::C_tensor;

use super::conv::{Channels, Conv};
use super::fused::{computes_in_bfloat16, heard};
use super::layers::GroupNorm;
use super::weights::Site;

unsafe extern "C" {
    fn apprentice_step(
        x: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        scale: *const C_tensor,
        shift: *const C_tensor,
        kernel: i64,
        groups: i64,
        out: *mut *mut C_tensor,
        words: *mut c_char,
        room: usize,
    ) -> bool;
}

/// Convolution, norm, Mish.
#[derive(Debug)]
pub struct Step {
    conv: Conv,
    norm: GroupNorm,
}

impl Step {
    /// With `kernel` steps in a window, an odd number, and so many `groups` of channels.
    pub fn new(site: &Site<'_>, channels: Channels, kernel: i64, groups: i64) -> Self {
        Self {
            conv: Conv::new(&site.at("conv"), channels, kernel, 1),
            norm: GroupNorm::new(&site.at("norm"), groups, channels.to),
        }
    }

    /// `x: [B, steps, from]` to `[B, steps, to]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        match (x.device(), x.kind()) {
            (Device::Cpu, Kind::Float | Kind::Double) if !computes_in_bfloat16(Device::Cpu) => {
                self.at_once(x).expect("shapes follow from one plan")
            }
            _ => self.put_together(x),
        }
    }

    fn put_together(&self, x: &Tensor) -> Tensor {
        self.norm.over_steps(&self.conv.forward(x)).mish()
    }

    fn at_once(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let Self { conv, norm } = self;
        let mut out = ptr::null_mut();
        heard(|words, room| {
            // SAFETY: the pointers are of tensors that outlive the call, of which C++ keeps what it counts itself; `out` has room
            // for one more; `words` has `room` bytes.
            unsafe {
                apprentice_step(
                    x.as_ptr(),
                    conv.weight.as_ptr(),
                    conv.bias.as_ptr(),
                    norm.weight.as_ptr(),
                    norm.bias.as_ptr(),
                    conv.kernel,
                    norm.groups,
                    &raw mut out,
                    words,
                    room,
                )
            }
        })?;
        // SAFETY: where nothing was refused, `out` is a tensor that nobody else owns.
        Ok(unsafe { Tensor::from_ptr(out) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Weights, chance, fused};
    use super::*;
    use crate::noise::Noise;

    /// The largest difference, as a share of the largest entry.
    fn far(a: &Tensor, b: &Tensor) -> f64 {
        ((a - b).abs().max() / b.abs().max()).double_value(&[])
    }

    #[test]
    fn at_once_and_put_together_come_to_the_same_and_so_do_their_gradients() {
        let kinds = [(Kind::Double, 1e-12), (Kind::Float, 3e-6)];
        let forms = [(1, 5, 16, 3, 8), (40, 3, 8, 6, 4), (2, 1, 2, 8, 4)];
        for ((kind, near), (batch, kernel, steps, from, to)) in
            kinds.into_iter().flat_map(|kind| forms.map(|form| (kind, form)))
        {
            let weights = Weights::new(Device::Cpu, kind, Noise::new(1));
            let step = Step::new(&weights.root(), Channels { from, to }, kernel, 2);
            let mut noise = Noise::new(2);
            let mut drawn =
                |dims: &[i64]| chance::normal(&mut noise, dims, &Tensor::zeros([1], (kind, Device::Cpu)));
            let (x, pull) = (drawn(&[batch, steps, from]) * 8.0, drawn(&[batch, steps, to]));
            // Of what is normalized some leaves the range in which Mish bends.
            let (mut scale, mut shift) = (step.norm.weight.detach(), step.norm.bias.detach());
            scale.copy_(&(drawn(&[to]) * 40.0));
            shift.copy_(&(drawn(&[to]) * 10.0));
            let parts = [&step.conv.weight, &step.conv.bias, &step.norm.weight, &step.norm.bias];
            let both = [true, false].map(|at_once| {
                let x = x.copy().set_requires_grad(true);
                let out = if at_once { step.forward(&x) } else { step.put_together(&x) };
                let inputs: Vec<&Tensor> = parts.into_iter().chain([&x]).collect();
                let gradients = Tensor::run_backward(&[(&out * &pull).sum(kind)], &inputs, false, false);
                (out, gradients)
            });
            let [(out, gradients), (wanted, right)] = &both;
            assert!(far(out, wanted) < near, "{kind:?} {batch}: {}", far(out, wanted));
            for (one, other) in gradients.iter().zip(right) {
                assert!(far(one, other) < 4.0 * near, "{kind:?} {batch}: {}", far(one, other));
            }
            let quiet = tch::no_grad(|| step.forward(&x));
            assert!(far(&quiet, wanted) < near, "{kind:?} {batch}: {}", far(&quiet, wanted));
        }
    }

    #[test]
    fn in_bfloat16_all_of_it_is() {
        let weights = Weights::new(Device::Cpu, Kind::Float, Noise::new(1));
        let step = Step::new(&weights.root(), Channels { from: 4, to: 8 }, 3, 2);
        let like = Tensor::zeros([1], (Kind::Float, Device::Cpu));
        let x = chance::normal(&mut Noise::new(2), &[2, 8, 4], &like);
        let of = |step: &Step| fused::in_bfloat16(Device::Cpu, || step.forward(&x)).expect("it computes");
        assert_eq!(of(&step).kind(), Kind::BFloat16);
        let off = far(&of(&step).to_kind(Kind::Float), &step.forward(&x));
        assert!(off > 1e-4 && off < 0.1, "as coarse as eight bits are: {off}");
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let weights = Weights::new(Device::Cpu, Kind::Float, Noise::new(1));
        let step = Step::new(&weights.root(), Channels { from: 2, to: 4 }, 3, 2);
        let x = Tensor::from_slice(&[1.0, f32::NAN, 2.0, 3.0]).view([1, 2, 2]);
        assert!(tch::no_grad(|| step.forward(&x)).isnan().any().int64_value(&[]) == 1);
        assert!(step.forward(&x).isnan().any().int64_value(&[]) == 1);
    }

    #[test]
    fn a_sequence_of_other_channels_is_refused_in_words() {
        let weights = Weights::new(Device::Cpu, Kind::Float, Noise::new(1));
        let step = Step::new(&weights.root(), Channels { from: 2, to: 4 }, 3, 2);
        let other = Tensor::zeros([1, 4, 3], (Kind::Float, Device::Cpu));
        let refused = step.at_once(&other).expect_err("three channels are not two").to_string();
        assert!(refused.contains("does not meet a weight of"), "{refused}");
        let none = step.at_once(&Tensor::zeros([1, 0, 2], (Kind::Float, Device::Cpu)));
        assert!(none.is_err(), "there is nothing to normalize");
        let even = Step::new(&weights.root().at("even"), Channels { from: 2, to: 4 }, 2, 2);
        let refused = even.at_once(&Tensor::zeros([1, 4, 2], (Kind::Float, Device::Cpu)));
        assert!(refused.expect_err("no step is its middle").to_string().contains("has no middle"));
    }
}
