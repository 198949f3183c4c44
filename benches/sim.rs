//! How fast worlds go: physics alone, physics and pictures, and demonstrations into bags.
//!
//! `cargo bench --no-default-features --features sim --bench sim`. The bars: `reach` without cameras, 10,000 periods of
//! control of ten physics steps each a second and core; a world with two cameras of 96×96, physics and both pictures, 300 a
//! second; fifty demonstrations with these cameras in three minutes. Time that others took from this thread is told
//! apart, because a shared machine would otherwise measure its neighbours.

#[path = "support/verdict.rs"]
mod verdict;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use apprentice::bus::Node;
use apprentice::config::Settings;
use apprentice::node::Stop;
use apprentice::node::recorder::Session;
use apprentice::node::simulator::{self, Options, Pace};
use apprentice::sim::{CAMERAS, Disturbance, Light, Simulation, WORLDS};
use verdict::verdict;

const SIZE: [u32; 2] = [96, 96];
/// How many demonstrations.
const DEMONSTRATIONS: u32 = 50;
/// The bars: periods of `reach` without cameras a second and core, periods with both pictures a second, and seconds for
/// the demonstrations.
const BLIND: f64 = 10_000.0;
const SEEING: f64 = 300.0;
const LONGEST: f64 = 180.0;

/// Nanoseconds for which this thread had a processor.
fn worked() -> anyhow::Result<Duration> {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(said.split(' ').next().unwrap_or_default().parse()?))
}

/// Periods of control a second of the wall and of this thread's processor, the expert's own thinking told apart.
fn periods(name: &str, tick: Duration, periods: u32, looking: bool, bar: Option<f64>) -> anyhow::Result<()> {
    let mut world = Simulation::open(name, tick, Light::Plain)?;
    let mut thinking = Duration::ZERO;
    let mut seed = 0;
    let (begun, before) = (Instant::now(), worked()?);
    for _ in 0..periods {
        if world.over() {
            seed += 1;
            world.reset(seed);
        }
        let asked = Instant::now();
        let command = world.expert();
        thinking += asked.elapsed();
        world.step(&command);
        if looking {
            for camera in CAMERAS {
                let picture = world.picture(camera, SIZE)?;
                assert!(picture.rgb.iter().any(|byte| *byte != picture.rgb[0]), "a picture of nothing");
            }
        }
    }
    let (wall, worked) = (begun.elapsed(), worked()? - before);
    let rate = |took: Duration| f64::from(periods) / took.as_secs_f64();
    let what = if looking { "with both pictures" } else { "physics alone" };
    println!(
        "{name}, {what}, {tick:?} a period: {:.0} a second, {:.0} a second of this thread's work, {:.0} without the expert{}",
        rate(wall),
        rate(worked),
        rate(worked.saturating_sub(thinking)),
        bar.map(|bar| {
            // With pictures others draw along; what counts is how fast it goes. Alone, what this thread did.
            let came_to = if looking { rate(wall) } else { rate(worked.saturating_sub(thinking)) };
            format!("  {} (bar: {bar:.0} a second)", verdict(came_to >= bar))
        })
        .unwrap_or_default(),
    );
    Ok(())
}

fn demonstrations(world: &str) -> anyhow::Result<()> {
    let settings = Settings::parse(include_str!("../config/sim_arm.yaml"), "sim_arm.yaml")?;
    let options = Options {
        world: world.to_owned(),
        seed: 0,
        pace: Pace::Fast,
        joints: settings.robot.joints.clone(),
        observe: settings.observe.clone(),
        act: settings.act.clone().context("our arm is moved")?,
        commands: None,
        cameras: None,
        size: Some(SIZE),
        jpeg: false,
        disturbance: Disturbance::default(),
        conduct: Default::default(),
        teach: false,
        linger: Duration::ZERO,
        dart: None,
        expert: true,
        auto_reset: false,
        episodes: Some(DEMONSTRATIONS),
    };
    let expected = settings.expected(&Node::new("recorder", "")?)?;
    let out = tempfile::tempdir()?;
    let session = Session { out: out.path().to_owned(), ..Session::default() };
    let (mut well, mut seconds) = (0, 0.0);
    let begun = Instant::now();
    let outcome =
        simulator::collect(&options, &expected, settings.record.clone(), session, &Stop::default(), |one| {
            well += u32::from(one.attempt.success);
            seconds += one.attempt.seconds;
        })?;
    let took = begun.elapsed().as_secs_f64();
    let lost: u64 = outcome.kept.iter().map(|kept| kept.lost).sum();
    let bytes: u64 = outcome.kept.iter().map(|kept| kept.bytes).sum();
    println!(
        "{world}, {DEMONSTRATIONS} demonstrations: {took:.1} s for {seconds:.0} s of the world ({:.1} times real time), \
         {well} successful, {:.0} MB  {} (bar: {LONGEST} s), {lost} lost  {} (bar: 0)",
        seconds / took,
        bytes as f64 / 1e6,
        verdict(took <= LONGEST),
        verdict(lost == 0)
    );
    ensure!(lost == 0, "{lost} messages were lost where a world can wait");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    periods("reach", Duration::from_millis(20), 50_000, false, Some(BLIND))?;
    // The world with the most contact there is.
    let busy = WORLDS.iter().find(|entry| entry.name == "pick").unwrap_or(&WORLDS[1]).name;
    periods(busy, Duration::from_millis(10), 20_000, false, None)?;
    periods(busy, Duration::from_millis(10), 3_000, true, Some(SEEING))?;
    demonstrations(busy)
}
