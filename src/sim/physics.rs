//! MuJoCo's door.
//!
//! A build that links may still have found the wrong library: the check has a ball fall and measures it, because a version
//! number alone would not show that.

use mujoco_rs::prelude::*;

/// What goes wrong in the simulator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// MuJoCo refused the model.
    #[error("the simulator refused the model: {why}")]
    Model {
        /// What it said.
        why: String,
    },
    /// It ran, but physics did not happen.
    #[error("a ball dropped for a second fell {fell_m} m where 4.9 m is right")]
    Physics {
        /// How far it fell.
        fell_m: f64,
    },
}

/// The version of MuJoCo that is linked.
pub fn version() -> String {
    mujoco_rs::mujoco_version().to_string()
}

/// Drops a ball for a second and looks how far it fell.
pub fn check() -> Result<(), Error> {
    let falling = "<mujoco><option timestep='0.001'/><worldbody><body><freejoint/><geom size='0.1'/></body></worldbody></mujoco>";
    let model = MjModel::from_xml_string(falling).map_err(|cause| Error::Model { why: cause.to_string() })?;
    let mut data = MjData::new(&model);
    for _ in 0..1000 {
        data.step();
    }
    let fell_m = -data.qpos()[2];
    if (fell_m - 4.905).abs() < 0.01 { Ok(()) } else { Err(Error::Physics { fell_m }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_ball_falls_as_far_as_it_should() -> Result<(), Error> {
        check()
    }
}
