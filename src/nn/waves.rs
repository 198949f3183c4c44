//! Numbers as waves: a time or a place becomes sines and cosines of it, slow and fast ones.
//!
//! A network tells times apart by such a vector far better than by the number itself (Vaswani et al. 2017, section 3.5, and
//! every diffusion model since).

use tch::{Kind, Tensor};

/// How many times slower the slowest wave is than the fastest.
const SLOWEST: f64 = 10_000.0;

/// `at: [N]` as `[N, width]`: first the sines of falling frequency, then the cosines. `width` is even and at least four.
pub fn waves(at: &Tensor, width: i64) -> Tensor {
    let half = width / 2;
    let places = Tensor::arange(half, (Kind::Double, at.device()));
    let frequencies = (places * (-SLOWEST.ln() / (half - 1) as f64)).exp();
    let angles = at.to_kind(Kind::Double).unsqueeze(-1) * frequencies;
    Tensor::cat(&[angles.sin(), angles.cos()], -1).to_kind(at.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wave_is_the_fastest_and_the_last_ten_thousand_times_slower() {
        let seen = waves(&Tensor::from_slice(&[0.5_f64]), 8);
        let seen: Vec<f64> = Vec::try_from(seen.flatten(0, 1)).expect("eight numbers");
        let wanted = [0.5_f64.sin(), (0.5 / SLOWEST).sin(), 0.5_f64.cos(), (0.5 / SLOWEST).cos()];
        for (place, wanted) in [0, 3, 4, 7].into_iter().zip(wanted) {
            assert!((seen[place] - wanted).abs() < 1e-12, "{seen:?}");
        }
    }
}
