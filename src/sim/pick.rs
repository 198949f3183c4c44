//! The world `pick`: bring a cube into a bin.
//!
//! The whole of what an arm does all day: see, go there, turn, grip, carry, let go. What slips can be picked up again, so that
//! what counts is how it ends.

use super::Error;
use super::expert::{Aim, Style};
use super::physics::{Body, Physics};
use super::picking::Picking;
use super::world::{Judgement, State, Thing, World};
use crate::noise::Noise;

#[derive(Debug)]
struct Pick {
    picking: Picking,
}

/// Looks up what the scene has.
pub(super) fn open(physics: &Physics) -> Result<Box<dyn World>, Error> {
    Ok(Box::new(Pick { picking: Picking::open(physics)? }))
}

impl World for Pick {
    fn reset(&mut self, physics: &mut Physics, noise: &mut Noise) {
        self.picking.lay(physics, noise);
    }

    fn things(&self, physics: &Physics) -> Vec<Thing> {
        self.picking.things(physics).into()
    }

    fn aim(&self, state: &State, style: &Style) -> Aim {
        self.picking.aim(state, style)
    }

    fn judge(&self, physics: &Physics, state: &State) -> Judgement {
        let success = self.picking.done(physics, state);
        let settled = success || self.picking.lost(state);
        Judgement { success, score: self.picking.score(physics, state), settled }
    }

    fn pushed(&self) -> Option<Body> {
        Some(self.picking.body())
    }
}
