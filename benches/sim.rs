//! How fast worlds go: physics alone, physics and pictures, and demonstrations into bags.
//!
//! `cargo bench --no-default-features --features sim --bench sim`. The bars: `reach` without cameras, 10,000 periods of
//! control of ten physics steps each a second and core; a world with two cameras of 96×96, physics and both pictures, 300 a
//! second; fifty demonstrations with these cameras in three minutes. Time that others took from this thread is told
//! apart, because a shared machine would otherwise measure its neighbours.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use apprentice::bus::Node;
use apprentice::config::Settings;
use apprentice::node::Stop;
use apprentice::node::recorder::Session;
use apprentice::node::simulator::{self, Options, Pace};
use apprentice::sim::{CAMERAS, Disturbance, Light, Simulation, WORLDS};

const SIZE: [u32; 2] = [96, 96];
/// How many demonstrations.
const DEMONSTRATIONS: u32 = 50;

/// Nanoseconds for which this thread had a processor.
fn worked() -> anyhow::Result<Duration> {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(said.split(' ').next().unwrap_or_default().parse()?))
}

/// Periods of control a second of the wall and of this thread's processor, the expert's own thinking told apart.
fn periods(name: &str, tick: Duration, periods: u32, looking: bool) -> anyhow::Result<()> {
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
        "{name}, {what}, {tick:?} a period: {:.0} a second, {:.0} a second of this thread's work, {:.0} without the expert",
        rate(wall),
        rate(worked),
        rate(worked.saturating_sub(thinking)),
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
         {well} successful, {:.0} MB, {lost} lost  (bar: 180 s, 0 lost)",
        seconds / took,
        bytes as f64 / 1e6
    );
    assert_eq!(lost, 0, "nothing is lost where a world can wait");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    println!("bars: reach 10,000 a second and core; with both pictures 300 a second");
    periods("reach", Duration::from_millis(20), 50_000, false)?;
    // The world with the most contact there is.
    let busy = WORLDS.iter().find(|entry| entry.name == "pick").unwrap_or(&WORLDS[1]).name;
    periods(busy, Duration::from_millis(10), 20_000, false)?;
    periods(busy, Duration::from_millis(10), 3_000, true)?;
    demonstrations(busy)
}
