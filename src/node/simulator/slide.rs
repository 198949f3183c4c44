//! A picture of a world as one puts it on a slide: with shadows and smooth edges, half-way through the expert's attempt.
//!
//! It is drawn from the same scene that learns and is learned from: nobody has to build a second one for those who are to be shown.

use std::path::{Path, PathBuf};
use std::time::Duration;

use image::ExtendedColorType;

use super::Error;
use crate::sim::{self, Light, Picture, Simulation};

/// The camera that stands where one would photograph from.
const CAMERA: &str = "slide";
/// Width and height where nobody says any.
const SIZE: [u32; 2] = [1920, 1080];
/// The period in which the expert acts.
const TICK: Duration = Duration::from_millis(10);

/// Draws the attempt with that seed into `path`, whose ending says how: png, jpg or gif.
pub fn slide(world: &str, seed: u64, size: Option<[u32; 2]>, path: &Path) -> Result<(), Error> {
    let size = size.unwrap_or(SIZE);
    let picture = half_way(world, seed, size)
        .map_err(|source| Error::World { world: world.to_owned(), source: Box::new(source) })?;
    image::save_buffer(path, &picture.rgb, size[0], size[1], ExtendedColorType::Rgb8)
        .map_err(|source| Error::Slide { path: PathBuf::from(path), source })
}

fn half_way(name: &str, seed: u64, size: [u32; 2]) -> Result<Picture, sim::Error> {
    let mut world = Simulation::open(name, TICK, Light::Fine)?;
    // Once to its end, and once more half of it.
    world.reset(seed);
    let all = act(&mut world, u64::MAX);
    world.reset(seed);
    act(&mut world, all / 2);
    world.picture(CAMERA, size)
}

/// Lets the expert act for so many ticks or until it is over; for how many he did.
fn act(world: &mut Simulation, most: u64) -> u64 {
    let mut ticks = 0;
    while ticks < most && !world.over() {
        let command = world.expert();
        world.step(&command);
        ticks += 1;
    }
    ticks
}
