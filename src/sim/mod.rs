//! The simulator.
//!
//! It stands behind a feature of its own: MuJoCo is a library to be fetched, which recording on a robot does not need.

pub mod physics;
pub mod render;

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
    /// Something the scene does not have.
    #[error("the scene has no {what} {name:?}")]
    Name {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A state that is not this scene's.
    #[error("the state is not one of this scene: {why}")]
    State {
        /// What MuJoCo said.
        why: String,
    },
    /// A picture nobody can draw.
    #[error("a picture of {size:?} pixels is none: both sides lie above zero and are {most:?} at the most")]
    Size {
        /// Width and height.
        size: [u32; 2],
        /// The largest there are.
        most: [u32; 2],
    },
    /// No cameras on this machine.
    #[error(
        "cameras need EGL, which did not work ({why}); on Debian and Ubuntu: sudo apt install libegl1 libgl1-mesa-dri. \
         Worlds without cameras run without it"
    )]
    Blind {
        /// What the drawing library said.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_ball_falls_as_far_as_it_should() -> Result<(), Error> {
        physics::check()
    }
}
