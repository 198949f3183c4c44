//! What libtorch can do to many weights at once: AdamW with clipping, averages, forgetting gradients; and computing in bfloat16.
//!
//! tch passes on one operation at a time, and on small weights the call costs more than the arithmetic. The calls go through
//! `fused.cpp` beside this file, which takes tensors as torch-sys holds them and turns exceptions into words.

#![expect(unsafe_code, reason = "the functions of fused.cpp are foreign")]

use std::ffi::{CStr, c_char, c_int};

use tch::{Device, TchError, Tensor};
use torch_sys::C_tensor;

/// The numbers of a step of AdamW.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct AdamW {
    /// How far a step goes.
    pub rate: f64,
    /// How much of the mean of the gradients is kept.
    pub beta1: f64,
    /// How much of the mean of their squares is kept.
    pub beta2: f64,
    /// What is added to the root of the mean square.
    pub epsilon: f64,
    /// The share of a weight that is taken from it in a step of rate 1.
    pub decay: f64,
    /// Gradients whose common norm is larger are scaled to it; it may be infinite.
    pub limit: f64,
}

unsafe extern "C" {
    fn apprentice_adamw(
        weights: *const *const C_tensor,
        first: *const *const C_tensor,
        second: *const *const C_tensor,
        count: usize,
        decayed: usize,
        step: *const C_tensor,
        norm: *const C_tensor,
        how: *const AdamW,
        words: *mut c_char,
        room: usize,
    ) -> bool;
    fn apprentice_lerp(
        averages: *const *const C_tensor,
        weights: *const *const C_tensor,
        count: usize,
        share: f64,
        words: *mut c_char,
        room: usize,
    ) -> bool;
    fn apprentice_forget(
        weights: *const *const C_tensor,
        count: usize,
        words: *mut c_char,
        room: usize,
    ) -> bool;
    fn apprentice_autocasts(cuda: bool) -> bool;
    fn apprentice_autocast_begin(cuda: bool, before: *mut c_int, words: *mut c_char, room: usize) -> bool;
    fn apprentice_autocast_end(cuda: bool, before: *const c_int, words: *mut c_char, room: usize) -> bool;
}

/// Where C++ writes what it refused for.
const ROOM: usize = 2048;

fn pointers(tensors: &[Tensor]) -> Vec<*const C_tensor> {
    tensors.iter().map(Tensor::as_ptr).collect()
}

/// Calls with room for words; what was written there is the error.
pub(super) fn heard(call: impl FnOnce(*mut c_char, usize) -> bool) -> Result<(), TchError> {
    let mut words = [0_u8; ROOM];
    if call(words.as_mut_ptr().cast(), ROOM) {
        return Ok(());
    }
    let said = CStr::from_bytes_until_nul(&words).unwrap_or_default();
    Err(TchError::Torch(said.to_string_lossy().into_owned()))
}

/// One step of AdamW (Loshchilov and Hutter 2019, algorithm 2) for all `weights`, of which the first `decayed` decay, after their
/// gradients were scaled to `how.limit`. `step` holds the step's number, counted from 1, as a float; `norm` gets the norm of all
/// gradients before scaling. Where that is not finite nothing moves. Weights without a gradient stay.
pub fn adamw(
    weights: &[Tensor],
    moments: (&[Tensor], &[Tensor]),
    decayed: usize,
    step: &Tensor,
    norm: &Tensor,
    how: &AdamW,
) -> Result<(), TchError> {
    assert!(weights.len() == moments.0.len() && weights.len() == moments.1.len(), "two moments a weight");
    let lists = [weights, moments.0, moments.1].map(pointers);
    heard(|words, room| {
        // SAFETY: each list has `weights.len()` pointers to tensors that outlive the call, of which C++ keeps none; `how` has
        // the layout of its twin there; `words` has `room` bytes.
        unsafe {
            apprentice_adamw(
                lists[0].as_ptr(),
                lists[1].as_ptr(),
                lists[2].as_ptr(),
                weights.len(),
                decayed,
                step.as_ptr(),
                norm.as_ptr(),
                how,
                words,
                room,
            )
        }
    })
}

/// Moves each of `averages` by `share` of the way to its weight.
pub fn lerp(averages: &[Tensor], weights: &[Tensor], share: f64) -> Result<(), TchError> {
    assert_eq!(averages.len(), weights.len(), "an average a weight");
    let lists = [averages, weights].map(pointers);
    heard(|words, room| {
        // SAFETY: both lists have `weights.len()` pointers to tensors that outlive the call; `words` has `room` bytes.
        unsafe { apprentice_lerp(lists[0].as_ptr(), lists[1].as_ptr(), weights.len(), share, words, room) }
    })
}

/// Forgets the gradients of `weights`.
pub fn forget(weights: &[Tensor]) -> Result<(), TchError> {
    let list = pointers(weights);
    heard(|words, room| {
        // SAFETY: the list has `weights.len()` pointers to tensors that outlive the call; `words` has `room` bytes.
        unsafe { apprentice_forget(list.as_ptr(), weights.len(), words, room) }
    })
}

/// Whether bfloat16 is computed in there now.
pub(super) fn computes_in_bfloat16(device: Device) -> bool {
    // SAFETY: it looks at a setting of this thread's.
    unsafe { apprentice_autocasts(matches!(device, Device::Cuda(_))) }
}

/// Has `work` compute in bfloat16 what can be (Micikevicius et al. 2018), with weights as they are; gradients are computed outside.
pub fn in_bfloat16<T>(device: Device, work: impl FnOnce() -> T) -> Result<T, TchError> {
    /// Sets back what was set, also where `work` panics.
    struct Back {
        cuda: bool,
        before: [c_int; 2],
    }
    impl Drop for Back {
        fn drop(&mut self) {
            let done = heard(|words, room| {
                // SAFETY: `before` holds the two numbers that the beginning wrote; `words` has `room` bytes.
                unsafe { apprentice_autocast_end(self.cuda, self.before.as_ptr(), words, room) }
            });
            if let Err(refused) = done {
                tracing::error!("bfloat16 stays on: {refused}");
            }
        }
    }
    let cuda = matches!(device, Device::Cuda(_));
    let mut before = [0; 2];
    heard(|words, room| {
        // SAFETY: `before` has room for the two numbers that are written; `words` has `room` bytes.
        unsafe { apprentice_autocast_begin(cuda, before.as_mut_ptr(), words, room) }
    })?;
    let back = Back { cuda, before };
    let done = work();
    drop(back);
    Ok(done)
}
