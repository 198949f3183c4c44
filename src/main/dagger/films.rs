//! Films for the page of the rounds: of attempts that were corrected, with a border in the colour of whoever drives.
//!
//! A figure says that corrections help, a film says what one is. Where nothing can be drawn that is said, and all else is done as well.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use apprentice::config::Settings;
use apprentice::sim::{Light, Simulation};
use apprentice::train::film::film_of;
use apprentice::train::interact::Drove;

use super::Dagger;
use super::attempts::attempts;
use super::step::{Corrected, Filmed};
use crate::command::progress::Progress;

/// The size of a picture by which it is found out whether any can be drawn.
const TRIED: [u32; 2] = [64, 48];
/// How many heights are kept of an attempt.
const HEIGHTS: usize = 120;

/// Why no pictures of that world can be drawn here, where that is so.
pub(crate) fn blind(world: &str) -> Option<String> {
    let drawn = Simulation::open(world, Duration::from_millis(10), Light::Plain)
        .and_then(|mut world| world.picture("slide", TRIED));
    drawn.err().map(|error| error.to_string())
}

impl Dagger {
    /// The period of control.
    pub(super) fn tick(settings: &Settings) -> anyhow::Result<Duration> {
        let act = settings.act.as_ref().context("the robot's file has no section `act`")?;
        Ok(Duration::from_secs_f64(1.0 / act.rate_hz))
    }

    /// Films of attempts of that round in which the expert took over and the task was done.
    pub(super) fn corrected(&self, settings: &Settings, round: u32) -> anyhow::Result<Vec<Corrected>> {
        let folder = self.folder(round);
        let films = PathBuf::from("films");
        fs::create_dir_all(folder.join(&films)).with_context(|| format!("the folder {folder:?}"))?;
        let mut shown = attempts(&folder.join("bags"), Self::tick(settings)?)?;
        shown.retain(|attempt| attempt.success && attempt.takeovers() > 0);
        shown.truncate(self.films.div_ceil(2) as usize);
        let mut progress = Progress::begin(self.world(), shown.len() as u64, "films");
        let film = |attempt: &Drove| {
            let file = films.join(format!("corrected_{}", film_of(self.world(), attempt.seed)));
            let places = attempt.again(Some(&folder.join(&file)))?;
            progress.step();
            let every = places.len().div_ceil(HEIGHTS).max(1);
            Ok(Corrected {
                filmed: Filmed {
                    seed: attempt.seed,
                    success: attempt.success,
                    seconds: attempt.tick.as_secs_f64() * attempt.ticks.len() as f64,
                    file,
                },
                turns: attempt.turns(),
                heights: places.iter().step_by(every).map(|[.., height]| *height).collect(),
            })
        };
        shown.iter().map(film).collect()
    }
}
