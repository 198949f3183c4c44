//! A shared attempt to look at: its film, with a border in the colour of whoever drives, and where the tool was meanwhile.
//!
//! It is had again from what was told in it, as it is when it is recorded: nothing has to be kept for a film that may never be made, and
//! one can be made of any recording that says what left for the arm and by whom.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::msg::own::Intervention;
use crate::sim::{JOINTS, Light, Simulation};
use crate::train::evaluate::Error;
use crate::train::film::{Colour, Film};

/// Who drives, in the colours of a page on a light ground.
const POLICY: Colour = [31, 95, 168];
const EXPERT: Colour = [226, 112, 32];
const HOLD: Colour = [128, 128, 128];

/// What left for the arm in an attempt, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Drove {
    /// The world's name.
    pub world: String,
    /// What everything by chance in it followed from.
    pub seed: u64,
    /// Whether the task was done.
    pub success: bool,
    /// How long a tick takes.
    pub tick: Duration,
    /// Every tick: every joint in the order of the world's, and who drove, which is one of [`Intervention`]'s constants.
    pub ticks: Vec<([f64; JOINTS], u8)>,
}

/// Who drove for how long, one after another, in seconds, where `drivers` did at ticks of that length.
pub fn turns(drivers: impl IntoIterator<Item = u8>, tick: Duration) -> Vec<(u8, f64)> {
    let mut turns: Vec<(u8, f64)> = Vec::new();
    let tick = tick.as_secs_f64();
    for driver in drivers {
        match turns.last_mut() {
            Some((before, seconds)) if *before == driver => *seconds += tick,
            _ => turns.push((driver, tick)),
        }
    }
    turns
}

impl Drove {
    /// Who drove for how long, one after another, in seconds.
    pub fn turns(&self) -> Vec<(u8, f64)> {
        turns(self.ticks.iter().map(|(_, driver)| *driver), self.tick)
    }

    /// How often the expert took over.
    pub fn takeovers(&self) -> usize {
        self.turns().iter().filter(|(driver, _)| *driver == Intervention::HUMAN).count()
    }

    /// Has the attempt again; films it into `path`, where one is given. Where the tool was at every tick, m from the arm's base.
    pub fn again(&self, path: Option<&Path>) -> Result<Vec<[f64; 3]>, Error> {
        let mut world = Simulation::open(&self.world, self.tick, Light::Plain)?;
        world.reset(self.seed);
        let mut film = path.map(|path| Film::begin(PathBuf::from(path), self.tick));
        let mut places = Vec::with_capacity(self.ticks.len());
        for (command, driver) in &self.ticks {
            let colour = match *driver {
                Intervention::POLICY => POLICY,
                Intervention::HUMAN => EXPERT,
                _ => HOLD,
            };
            if let Some(film) = &mut film {
                film.look(&mut world, Some(colour))?;
            }
            let at = world.state().tool.translation.vector;
            places.push([at.x, at.y, at.z]);
            world.step(command);
        }
        if world.judge().success != self.success {
            return Err(Error::Otherwise { seed: self.seed });
        }
        film.map_or(Ok(()), Film::end)?;
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_last_as_long_as_the_same_one_drives() {
        let of = |driver| ([0.0; JOINTS], driver);
        let (policy, human) = (Intervention::POLICY, Intervention::HUMAN);
        let drove = Drove {
            world: "reach".to_owned(),
            seed: 1,
            success: false,
            tick: Duration::from_millis(500),
            ticks: [policy, policy, human, policy, human, human].map(of).to_vec(),
        };
        assert_eq!(drove.turns(), [(policy, 1.0), (human, 0.5), (policy, 0.5), (human, 1.0)]);
        assert_eq!(drove.takeovers(), 2);
    }
}
