//! How fast a data set is loaded: from cold bags to the first batch, and batch after batch from the cache.
//!
//! `cargo bench --no-default-features --bench loader`. The shape is that on which the best-known Python peer was measured at 57 to 300
//! samples a second: 20 episodes of 200 frames, two cameras of 96×96, two observations, chunks of 16, batches of 64. The bars:
//! 20,000 samples a second from one thread, the first batch from cold bags in 5 s, and a process that grows by its numbers alone when
//! the pictures are ten times as many. Time that others took from this thread is told apart.

#[path = "../tests/support/demonstrations.rs"]
mod demonstrations;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apprentice::config::Settings;
use apprentice::data::{Config, Dataset, Gathered, Rules, Shape, Subject, Windows};
use apprentice::msg::sensor::Image;
use apprentice::noise::Noise;
use demonstrations::{PERIOD, ROBOT, Said, header, joints, leader, said, state, write};

const SHAPE: Shape = Shape { history: 2, chunk: 16 };
const BATCH: usize = 64;
const EPISODES: usize = 20;
const FRAMES: i64 = 200;

/// The demonstrations' robot with larger pictures, and with a second camera like the first.
fn robot() -> String {
    let robot = ROBOT.replace("size: [8, 6]", "size: [96, 96]");
    let front = robot.lines().find(|line| line.trim().starts_with("front:")).expect("it has a camera");
    robot.replace(front, &format!("{front}\n{}", front.replace("front", "wrist")))
}

/// A picture of which no two are the same.
fn picture(at: i64, size: u32, noise: &mut Noise) -> Image {
    let data: Vec<u8> = (0..size * size * 3 / 8).flat_map(|_| noise.bits().to_le_bytes()).collect();
    Image {
        header: header(at),
        width: size,
        height: size,
        encoding: "rgb8".into(),
        step: size * 3,
        data: data.into(),
        ..Image::default()
    }
}

fn demonstration(seed: u64, size: u32) -> Vec<Said> {
    let (mut heard, mut noise) = (Vec::new(), Noise::new(seed));
    for at in (0..FRAMES * PERIOD).step_by(10) {
        heard.push(said(at, "/joint_states", &state(at, joints(at))));
        heard.push(said(at, "/leader", &state(at, leader(at))));
        if at % PERIOD == 0 {
            heard.push(said(at, "/front", &picture(at, size, &mut noise)));
            heard.push(said(at, "/wrist", &picture(at, size, &mut noise)));
        }
    }
    heard
}

/// Time for which this thread had a processor.
fn worked() -> anyhow::Result<Duration> {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(said.split(' ').next().unwrap_or_default().parse()?))
}

/// Time for which all threads of this process, those that ended included, had a processor.
fn worked_by_all() -> anyhow::Result<Duration> {
    let said = std::fs::read_to_string("/proc/self/stat")?;
    // After the name in brackets; the times of user and system are the fourteenth and fifteenth field of all.
    let fields: Vec<&str> = said.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(Duration::from_secs_f64(ticks / rustix::param::clock_ticks_per_second() as f64))
}

/// Memory of this process that is no file's, in megabytes.
fn resident() -> anyhow::Result<f64> {
    let said = std::fs::read_to_string("/proc/self/status")?;
    let line = said.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1e3)
}

fn open(folder: &Path, episodes: usize, settings: &Settings) -> anyhow::Result<Arc<Dataset>> {
    let Settings { robot, observe, act, .. } = settings;
    let subject = Subject { robot, observe, act: act.as_ref().expect("the robot is moved") };
    let bags: Vec<_> = (0..episodes).map(|episode| folder.join(format!("episode_{episode:04}"))).collect();
    Ok(Arc::new(Dataset::open(&bags, subject, &Config::default(), &folder.join("cache"), &|_| {})?))
}

fn windows(dataset: &Arc<Dataset>) -> anyhow::Result<Windows> {
    let (learned, _) = dataset.split(0.0, 0);
    Ok(Windows::new(dataset, &learned, SHAPE, Rules::default())?)
}

/// Samples a second over some epochs, by the wall and by this thread's processor.
fn gather(windows: &Windows, epochs: u64) -> anyhow::Result<[f64; 2]> {
    let (mut out, mut noise, mut samples) = (Gathered::default(), Noise::new(1), 0);
    let (begun, before) = (Instant::now(), worked()?);
    for epoch in 0..epochs {
        for batch in windows.order(3, epoch).chunks(BATCH) {
            windows.gather(batch, &mut noise, &mut out)?;
            samples += batch.len();
        }
    }
    let (wall, worked) = (begun.elapsed(), worked()? - before);
    Ok([wall, worked].map(|took| samples as f64 / took.as_secs_f64()))
}

fn measure(what: &str, size: u32, settings: &Settings) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    for episode in 0..EPISODES {
        let path = folder.path().join(format!("episode_{episode:04}"));
        write(&path, &demonstration(episode as u64, size), &[])?;
    }
    let (begun, before) = (Instant::now(), worked_by_all()?);
    let dataset = open(folder.path(), EPISODES, settings)?;
    let first = windows(&dataset)?;
    let mut out = Gathered::default();
    first.gather(&first.order(1, 0)[..BATCH], &mut Noise::new(1), &mut out)?;
    let (took, worked) = (begun.elapsed(), worked_by_all()? - before);
    println!(
        "{what}: first batch from cold bags {took:.2?}, {worked:.2?} of work (bar: 5 s), {} windows",
        first.len()
    );
    drop((dataset, first));
    let begun = Instant::now();
    let dataset = open(folder.path(), EPISODES, settings)?;
    println!("{what}: opened from the cache in {:?}, {} decoded", begun.elapsed(), dataset.summary().decoded);
    let warm = windows(&dataset)?;
    gather(&warm, 1)?;
    let [wall, worked] = gather(&warm, 10)?;
    println!("{what}: {wall:.0} samples/s, {worked:.0} of this thread's work (bar: 20000)");
    Ok(())
}

fn large(settings: &Settings) -> anyhow::Result<()> {
    const TIMES: usize = 10;
    let folder = tempfile::tempdir()?;
    let mut held = Vec::new();
    for episode in 0..EPISODES * TIMES {
        let path = folder.path().join(format!("episode_{episode:04}"));
        write(&path, &demonstration(episode as u64, 96), &[])?;
    }
    for episodes in [EPISODES, EPISODES * TIMES] {
        let dataset = open(folder.path(), episodes, settings)?;
        let warm = windows(&dataset)?;
        let [wall, _] = gather(&warm, 1)?;
        let bytes: usize = dataset.pictures().iter().map(|count| count * 96 * 96 * 3).sum();
        held.push(resident()?);
        println!(
            "{episodes} episodes, {:.0} MB of pictures: {:.1} MB resident, {wall:.0} samples/s",
            bytes as f64 / 1e6,
            held[held.len() - 1]
        );
    }
    println!("ten times the data: {:.1} MB more", held[1] - held[0]);
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let settings = Settings::parse(&robot(), "robot.yaml")?;
    measure("pictures of 96×96 as they are", 96, &settings)?;
    measure("pictures of 320×320 made smaller", 320, &settings)?;
    large(&settings)
}
