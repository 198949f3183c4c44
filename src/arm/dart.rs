//! DART: noise on what is executed while the intention stays the label, so that demonstrations also show the way back.
//!
//! A policy drifts from where its teacher was. Laskey et al. (DART: Noise Injection for Robust Imitation Learning, 2017) have
//! the teacher drift as the policy will: commands are disturbed by noise with the covariance of the policy's own errors on
//! demonstrations it has not seen (their equation 3), and the teacher corrects what comes of it. Errors on demonstrations are
//! smaller than those of the final policy on its own way, so the covariance is scaled until its sum over an
//! episode is the final error one expects (their section 4.3): Σ′ = α / (T · tr Σ) · Σ.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::noise::Noise;

/// What is added to every variance, as a share of the largest, so that joints which never erred have a square root too.
const FLOOR: f64 = 1e-9;

/// The covariance of the noise, joint by joint.
///
/// ```yaml
/// joints: [elbow, gripper]
/// covariance: [[4.0e-4, 0.0], [0.0, 1.0e-6]]
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Dart {
    /// The joints, in the order of the covariance.
    pub joints: Vec<String>,
    /// Rows of the covariance: rad² for joints that turn, m² for those that slide.
    pub covariance: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    joints: Vec<String>,
    covariance: Vec<Vec<f64>>,
}

impl TryFrom<Raw> for Dart {
    type Error = Error;

    fn try_from(raw: Raw) -> Result<Self, Error> {
        let dart = Self { joints: raw.joints, covariance: raw.covariance };
        dart.root()?;
        Ok(dart)
    }
}

impl Dart {
    /// The covariance of a policy's errors, one row of them for each step of each held-out demonstration.
    pub fn fit(joints: Vec<String>, errors: &[Vec<f64>]) -> Result<Self, Error> {
        let joint_count = joints.len();
        let refused = |why: String| Error::Dart { why };
        if errors.len() < 2 || joint_count == 0 {
            return Err(refused(format!(
                "{} steps with {joint_count} joints say nothing of errors",
                errors.len()
            )));
        }
        let mut sum = DMatrix::<f64>::zeros(joint_count, joint_count);
        for error in errors {
            if error.len() != joint_count || error.iter().any(|value| !value.is_finite()) {
                return Err(refused(format!("{error:?} is no error of {joint_count} joints")));
            }
            let error = DVector::from_column_slice(error);
            sum.ger(1.0, &error, &error, 1.0);
        }
        sum /= errors.len() as f64;
        let covariance = sum.row_iter().map(|row| row.iter().copied().collect()).collect();
        let dart = Self { joints, covariance };
        dart.root()?;
        Ok(dart)
    }

    /// The same in one line, which the reader of its file reads too.
    pub fn in_one_line(&self) -> String {
        format!("{{joints: {:?}, covariance: {:?}}}", self.joints, self.covariance)
    }

    /// The sum of the variances.
    pub fn trace(&self) -> f64 {
        (0..self.joints.len()).map(|joint| self.covariance[joint][joint]).sum()
    }

    /// Scaled so that over an episode of `steps` the variances sum to `final_error`.
    pub fn scaled(&self, final_error: f64, steps: usize) -> Result<Self, Error> {
        let factor = final_error / (steps as f64 * self.trace());
        if !(factor.is_finite() && factor >= 0.0) {
            let trace = self.trace();
            let why = format!(
                "a final error of {final_error} over {steps} steps cannot be had from variances of {trace}"
            );
            return Err(Error::Dart { why });
        }
        let covariance = self.covariance.iter().map(|row| row.iter().map(|value| value * factor).collect());
        Ok(Self { joints: self.joints.clone(), covariance: covariance.collect() })
    }

    /// The noise for the joints `names`, in their order; those that nothing is said of get none.
    pub fn noise(&self, names: &[&str], noise: Noise) -> Result<Injector, Error> {
        let places = self.joints.iter().map(|joint| {
            let place = names.iter().position(|name| name == joint);
            place.ok_or_else(|| Error::Dart { why: format!("{joint:?} is none of the joints {names:?}") })
        });
        Ok(Injector { places: places.collect::<Result<_, _>>()?, root: self.root()?, noise })
    }

    /// The lower triangle L with L·Lᵀ = Σ.
    fn root(&self) -> Result<DMatrix<f64>, Error> {
        let count = self.joints.len();
        let refused = |why: &str| Error::Dart { why: why.to_owned() };
        if count == 0
            || self.covariance.len() != count
            || self.covariance.iter().any(|row| row.len() != count)
        {
            return Err(refused("a covariance has a row and a column for each joint"));
        }
        let sigma = DMatrix::from_fn(count, count, |row, column| self.covariance[row][column]);
        let largest = sigma.diagonal().max();
        if !sigma.iter().all(|value| value.is_finite())
            || (&sigma - sigma.transpose()).amax() > 1e-9 * largest.max(1e-12)
        {
            return Err(refused("a covariance is symmetric and finite"));
        }
        let floor = DMatrix::identity(count, count) * (largest * FLOOR).max(f64::MIN_POSITIVE);
        let root = Cholesky::<f64, Dyn>::new(sigma + floor);
        Ok(root.ok_or_else(|| refused("a covariance has no negative variances, in any direction"))?.l())
    }
}

/// Noise that is put on commands.
#[derive(Clone, Debug)]
pub struct Injector {
    /// The place of each joint in a command.
    places: Vec<usize>,
    root: DMatrix<f64>,
    noise: Noise,
}

impl Injector {
    /// What is executed where `intended` was meant.
    pub fn executed(&mut self, intended: &[f64]) -> Vec<f64> {
        let drawn = DVector::from_fn(self.places.len(), |_, _| self.noise.normal());
        let mut executed = intended.to_vec();
        for (place, off) in self.places.iter().zip((&self.root * drawn).iter()) {
            executed[*place] += off;
        }
        executed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Vec<String> {
        ["elbow", "gripper"].map(str::to_owned).to_vec()
    }

    /// Errors with the covariance [[4, 2], [2, 2]] × 10⁻⁴.
    fn errors(seed: u64) -> Vec<Vec<f64>> {
        let mut noise = Noise::new(seed);
        (0..50_000)
            .map(|_| {
                let (a, b) = (noise.normal(), noise.normal());
                vec![0.02 * a, 0.01 * (a + b)]
            })
            .collect()
    }

    #[test]
    fn what_is_injected_has_the_covariance_that_was_fitted() -> Result<(), Error> {
        let dart = Dart::fit(two(), &errors(1))?;
        let names = ["shoulder", "gripper", "elbow"];
        let mut injector = dart.noise(&names, Noise::new(2))?;
        let shaken: Vec<Vec<f64>> = (0..50_000).map(|_| injector.executed(&[1.0, 0.0, 0.0])).collect();
        assert!(shaken.iter().all(|command| command[0] == 1.0), "a joint nothing is said of");
        let again: Vec<_> = shaken.into_iter().map(|command| vec![command[2], command[1]]).collect();
        let refitted = Dart::fit(two(), &again)?;
        for (row, wanted) in [(4e-4, 2e-4), (2e-4, 2e-4)].into_iter().enumerate() {
            for fitted in [&dart, &refitted] {
                let (first, second) = (fitted.covariance[row][0], fitted.covariance[row][1]);
                assert!((first - wanted.0).abs() < 2e-5 && (second - wanted.1).abs() < 2e-5, "{fitted:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn scaling_brings_an_episode_to_the_final_error_that_is_expected() -> Result<(), Error> {
        let dart = Dart::fit(two(), &errors(1))?.scaled(0.3, 100)?;
        assert!((dart.trace() * 100.0 - 0.3).abs() < 1e-12);
        assert!((dart.covariance[0][0] / dart.covariance[1][1] - 2.0).abs() < 0.05, "its shape stays");
        assert!(
            Dart::fit(two(), &[vec![0.0; 2], vec![0.0; 2]])?.scaled(0.3, 100).is_err(),
            "nothing to scale"
        );
        Ok(())
    }

    #[test]
    fn a_covariance_that_is_none_is_refused_in_words() {
        let refused = |covariance: &[[f64; 2]]| {
            let covariance = covariance.iter().map(|row| row.to_vec()).collect();
            Dart::try_from(Raw { joints: two(), covariance }).expect_err("it is none").to_string()
        };
        assert!(refused(&[[1.0, 0.0]]).contains("a row and a column for each joint"));
        assert!(refused(&[[1.0, 0.5], [0.0, 1.0]]).contains("symmetric"));
        assert!(refused(&[[1.0, 2.0], [2.0, 1.0]]).contains("negative"));
        assert!(refused(&[[f64::NAN, 0.0], [0.0, 1.0]]).contains("finite"));
        assert!(Dart::fit(two(), &[vec![0.1, f64::INFINITY], vec![0.0; 2]]).is_err());
    }
}
