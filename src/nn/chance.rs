//! Chance for networks: numbers drawn on the host, brought to where a network computes.
//!
//! Drawn there they would come from a generator of the device and mean something else on every one; drawn here the same seed
//! gives the same noise on a CPU and on a GPU, and the tests can hold both to the same figures.

use tch::{Kind, Tensor};

use crate::noise::Noise;

/// Standard normal numbers, of the kind and on the device of `like`.
pub fn normal(noise: &mut Noise, dims: &[i64], like: &Tensor) -> Tensor {
    drawn(dims, like, || noise.normal())
}

/// Numbers in `[0, 1)`, of the kind and on the device of `like`.
pub fn unit(noise: &mut Noise, dims: &[i64], like: &Tensor) -> Tensor {
    drawn(dims, like, || noise.unit())
}

/// For each of `count` rows one of `0..choices`.
pub fn below(noise: &mut Noise, count: i64, choices: usize) -> Vec<i64> {
    // A choice is an index of something in memory, which an i64 always holds.
    (0..count).map(|_| i64::try_from(noise.below(choices)).unwrap_or(0)).collect()
}

/// `values` as `[count]`, of the kind and on the device of `like`.
pub fn given(values: &[f64], like: &Tensor) -> Tensor {
    moved(&Tensor::from_slice(values), like)
}

fn drawn(dims: &[i64], like: &Tensor, mut draw: impl FnMut() -> f64) -> Tensor {
    let values: Vec<f64> = (0..dims.iter().product::<i64>()).map(|_| draw()).collect();
    moved(&Tensor::from_slice(&values).reshape(dims), like)
}

/// Rounded before it travels, so that half as much does.
fn moved(values: &Tensor, like: &Tensor) -> Tensor {
    let kind = if like.kind() == Kind::Double { Kind::Double } else { Kind::Float };
    values.to_kind(kind).to_device(like.device()).to_kind(like.kind())
}
