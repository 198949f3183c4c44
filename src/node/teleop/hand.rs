//! What a hand on a stick or a key wants, as shares of full deflection, and the speeds that this means.
//!
//! Gamepad and keyboard say the same in different ways; from here on they are the same.

use super::config::Speed;
use super::drive::Wish;
use super::robot::Robot;
use crate::arm::Twist;

/// What a hand wants: shares of full deflection from −1 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hand {
    /// Forward, left, up, and about these three axes; or a share for every joint but the gripper, in order. Which of the
    /// two it is, the mode says.
    pub shares: Vec<f64>,
    /// Whether the shares are of joints.
    pub joints: bool,
    /// Opening the gripper; closing it below zero.
    pub gripper: f64,
    /// Whether all but the gripper goes faster.
    pub turbo: bool,
}

impl Hand {
    /// The speeds that are wanted of `robot`.
    pub fn wish(&self, robot: &Robot, speed: &Speed) -> Wish {
        let factor = if self.turbo { speed.turbo } else { 1.0 };
        let share = |number: usize| self.shares.get(number).copied().unwrap_or(0.0).clamp(-1.0, 1.0);
        let gripper = robot
            .gripper
            .map_or(0.0, |joint| self.gripper.clamp(-1.0, 1.0) * speed.gripper * robot.joints[joint].speed);
        if self.joints || robot.arm.is_none() {
            let mut speeds = vec![0.0; robot.joints.len()];
            for (number, joint) in robot.limbs().enumerate() {
                let most = robot.joints[joint].speed;
                speeds[joint] = share(number) * (speed.joint * factor).min(1.0) * most;
            }
            if let Some(joint) = robot.gripper {
                speeds[joint] = gripper;
            }
            return Wish::Joints(speeds);
        }
        let scales = [speed.linear, speed.linear, speed.linear, speed.angular, speed.angular, speed.angular];
        let twist = Twist::from_fn(|row, _| share(row) * scales[row] * factor);
        Wish::Tip { twist, gripper }
    }
}

/// A stick's deflection without its dead band: nothing within `deadband`, from there on growing from nothing to one, and
/// bent by `expo` so that small deflections are finer.
pub(super) fn shaped(deflection: f64, deadband: f64, expo: f64) -> f64 {
    let beyond = ((deflection.abs() - deadband) / (1.0 - deadband)).clamp(0.0, 1.0);
    (beyond * (1.0 - expo) + beyond.powi(3) * expo).copysign(deflection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_band_ends_without_a_step() {
        assert_eq!(shaped(0.1, 0.1, 0.0), 0.0);
        assert!((shaped(0.1001, 0.1, 0.5) - 0.0).abs() < 1e-3);
        assert_eq!((shaped(1.0, 0.1, 0.3), shaped(-1.2, 0.1, 0.3)), (1.0, -1.0));
        assert!((shaped(-0.55, 0.1, 0.0) + 0.5).abs() < 1e-12);
        assert!(shaped(0.55, 0.1, 1.0) < 0.2, "bent");
    }
}
