//! How far what is seen is from what was learned from.
//!
//! Of the windows that were learned from as many as tell them apart are remembered with the weights, by chance and evenly: their
//! numbers as the network sees them. A distance is the mean one to the nearest few of them, as in density estimates by neighbours
//! (Loftsgaarden and Quesenberry 1965; for networks Sun et al. 2022, "Out-of-Distribution Detection with Deep Nearest Neighbors"), in
//! the measure of Mahalanobis 1936: two numbers that always go together do not count twice, and one that hardly moves counts as
//! much as one that moves far.

use tch::{Device, Kind, Tensor};

use super::super::fence::fenced;
use super::super::{Error, Policy};
use crate::data::Gathered;
use crate::data::batch::Batch;

/// The most windows that are remembered.
pub const MOST: usize = 2000;
/// To how many of them a distance is measured.
const NEAREST: i64 = 5;
/// What every number is taken to spread at the least, squared, in scaled units: what moves less is noise.
const LEAST: f64 = 1e-3;

/// What a policy remembers of what it learned from.
#[derive(Debug)]
pub struct Landmarks {
    /// `[N, numbers]`, scaled as the network sees them.
    rows: Tensor,
    /// The same in the measure of their covariance.
    measured: Tensor,
    /// Takes numbers into that measure: `[numbers, numbers]`.
    measure: Tensor,
}

impl Landmarks {
    /// Of windows that were learned from; nothing for a policy that sees pictures, of which numbers are not all.
    pub fn of(policy: &Policy, windows: &Gathered) -> Result<Option<Self>, Error> {
        if policy.sees_pictures() || windows.count == 0 {
            return Ok(None);
        }
        Self::new(policy.numbers(windows)?).map(Some)
    }

    /// Of rows that were kept.
    pub(in crate::policy) fn new(rows: Tensor) -> Result<Self, Error> {
        fenced("measuring distances", || {
            let rows = rows.to_kind(Kind::Double).to_device(Device::Cpu);
            let mean = rows.mean_dim([0_i64].as_slice(), true, Kind::Double);
            let off = &rows - mean;
            let covariance = off.transpose(0, 1).matmul(&off) / rows.size()[0] as f64;
            let covariance = covariance + Tensor::eye(rows.size()[1], (Kind::Double, Device::Cpu)) * LEAST;
            // x ↦ x·V·D^(−1/2) of the covariance V·D·Vᵀ.
            let (values, vectors) = covariance.linalg_eigh("L");
            let measure = vectors * values.clamp_min(LEAST).rsqrt().unsqueeze(0);
            Ok(Self { measured: rows.matmul(&measure), rows, measure })
        })
    }

    /// What is kept of them, `[N, numbers]`.
    pub(in crate::policy) fn rows(&self) -> Tensor {
        self.rows.to_kind(Kind::Float)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        usize::try_from(self.rows.size()[0]).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How far each window is from them.
    pub(super) fn distances(&self, policy: &Policy, windows: &Gathered) -> Result<Vec<f32>, Error> {
        let numbers = policy.numbers(windows)?;
        let (wanted, found) = (self.rows.size()[1], numbers.size()[1]);
        if wanted != found {
            let why = format!("the checkpoint remembers {wanted} numbers of a window where {found} are seen");
            return Err(Error::Doubt { why });
        }
        let distances = fenced("measuring distances", || {
            let _off = tch::no_grad_guard();
            let at = numbers.to_kind(Kind::Double).matmul(&self.measure);
            // By differences, not by products of which most cancel: a window that was learned from is at zero.
            let off = (at.unsqueeze(1) - self.measured.unsqueeze(0)).square();
            let all = off.sum_dim_intlist([2_i64].as_slice(), false, Kind::Double).sqrt();
            let (nearest, _) = all.topk(NEAREST.min(self.rows.size()[0]), 1, false, true);
            Ok(Vec::<f32>::try_from(nearest.mean_dim([1_i64].as_slice(), false, Kind::Float)))
        })?;
        distances.map_err(|source| Error::Torch { doing: "measuring distances", why: source.to_string() })
    }
}

impl Policy {
    /// What it sees of each window besides pictures, scaled: `[B, numbers]`.
    fn numbers(&self, windows: &Gathered) -> Result<Tensor, Error> {
        fenced("looking", || {
            let _off = tch::no_grad_guard();
            let batch = Batch::of(windows, self.device());
            let state = self.normal.state(&batch.state).flatten(1, -1);
            let goal = self.normal.goal(&batch.goal);
            Ok(Tensor::cat(&[state, goal], 1).to_device(Device::Cpu))
        })
    }
}
