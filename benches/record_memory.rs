//! From memory to disk through the recorder's own path, at a camera rig's pace, beside a bare `write` of the same bytes.
//!
//! ```text
//! cargo bench --bench record_memory -- [SECONDS] [MB_PER_S] [FOLDER]     (30, 300 and the target folder)
//! ```
//!
//! What is measured is the recorder: inbox, queue, MCAP, disk; what the publisher's own thread costs (it makes every
//! picture anew, so that memory is honest) is taken off. The bare write tells what the disk and the kernel alone cost on
//! this machine today; only the ratio says anything about us. Where messages are lost, the alarm has to name the disk.

#[path = "support/verdict.rs"]
mod verdict;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use apprentice::bus::local::Hub;
use apprentice::bus::{Bus, Node};
use apprentice::msg::std::{SetBool, SetBoolRequest, Trigger, TriggerRequest};
use apprentice::msg::{Message, Service};
use apprentice::node::recorder::{self, Alarm, Config, Kept, Noted, Session, Wanted, notes};
use apprentice::node::{Context, Stop};
use apprentice::spec::Expect;
use apprentice::wire::{Qos, Topic};
use bytes::Bytes;
use verdict::verdict;

/// A raw picture of 640×480×3, and how many cameras take turns.
const PICTURE: usize = 640 * 480 * 3;
const CAMERAS: usize = 4;
/// What may wait for the disk. At 300 MB/s a stall of half a second, which disks were seen to have, is 150 MB.
const QUEUE_MEGABYTES: u64 = 256;
const PATIENCE: Duration = Duration::from_secs(120);

/// What a stretch of work cost.
struct Cost {
    wall: Duration,
    cpu: Duration,
    megabytes: f64,
}

impl Cost {
    fn line(&self) -> String {
        let (wall, cpu) = (self.wall.as_secs_f64(), self.cpu.as_secs_f64());
        let (rate, share) = (self.megabytes / wall, cpu / wall);
        format!("{rate:.0} MB/s written · {cpu:.2} CPU-seconds in {wall:.1} s ({share:.2} of a core)")
    }

    fn cpu_per_megabyte(&self) -> f64 {
        self.cpu.as_secs_f64() / self.megabytes
    }
}

fn main() -> anyhow::Result<()> {
    let told: Vec<String> = std::env::args().skip(1).filter(|told| !told.starts_with("--")).collect();
    let number = |at: usize, default: u64| told.get(at).map_or(Ok(default), |told| told.parse());
    let (seconds, rate) = (number(0, 30)?, number(1, 300)?);
    let folder = told.get(2).map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let folder = tempfile::tempdir_in(folder)?;
    let pictures = seconds * rate * 1_000_000 / PICTURE as u64;
    let rig: Vec<Bytes> = (0..CAMERAS).map(picture).collect();

    let bare = bare_write(&folder.path().join("bare"), &rig, pictures)?;
    println!("bare write: {}", bare.line());
    let (ours, kept) = record(folder.path(), &rig, pictures, rate)?;
    println!("recorder:   {}", ours.line());
    println!(
        "ratio:      {:.2} times the CPU of the bare write for each byte on disk",
        ours.cpu_per_megabyte() / bare.cpu_per_megabyte()
    );
    println!("memory:     {} MB resident at most", resident_at_most()? / 1_000_000);
    let bag = apprentice::bag::open(&kept.path)?;
    println!("noted:      {}", bag.notes().get(notes::LOST).context("losses are always noted")?);
    let noted = bag.notes().get(notes::ALARMS).context("alarms are always noted")?;
    let alarms: Vec<Noted> = serde_json::from_str(noted)?;
    let named = alarms.iter().any(|noted| noted.alarm == Alarm::Disk);
    println!(
        "messages:   {} of {pictures} on disk, {} lost  {} (bar: 0, or an alarm names the disk{})",
        kept.messages,
        kept.lost,
        verdict(kept.lost == 0 || named),
        if named { ": it does" } else { "" }
    );
    ensure!(kept.messages + kept.lost == pictures, "messages are missing without a word");
    ensure!(kept.lost == 0 || named, "messages were lost and no alarm names the disk: {noted}");
    Ok(())
}

/// A picture of one camera: an encapsulation, and noise that no file system can fold away.
fn picture(camera: usize) -> Bytes {
    let mut state = camera as u32 + 1;
    let mut bytes = vec![0, 1, 0, 0];
    bytes.extend((4..PICTURE).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    }));
    Bytes::from(bytes)
}

fn bare_write(path: &Path, rig: &[Bytes], pictures: u64) -> anyhow::Result<Cost> {
    let (begun, cpu) = (Instant::now(), cpu_of("self")?);
    let mut file = File::create(path)?;
    for i in 0..pictures {
        file.write_all(&rig[i as usize % CAMERAS])?;
    }
    drop(file);
    let cost = Cost { wall: begun.elapsed(), cpu: cpu_of("self")? - cpu, megabytes: megabytes(pictures) };
    fs::remove_file(path)?;
    Ok(cost)
}

fn record(folder: &Path, rig: &[Bytes], pictures: u64, rate: u64) -> anyhow::Result<(Cost, Kept)> {
    let hub = Hub::default();
    let robot = hub.join(Node::new("robot", "")?);
    let names: Vec<String> = (0..CAMERAS).map(|camera| format!("/camera_{camera}/image_raw")).collect();
    let mut cameras = Vec::new();
    for name in &names {
        cameras.push(robot.advertise(&Topic::new(name, "sensor_msgs/msg/Image").with(Qos::sensor()))?);
    }
    let stop = Stop::default();
    let context = Context::new(Arc::new(hub.join(Node::new("recorder", "")?)), stop.clone());
    let wanted = Wanted { expect: names.iter().map(Expect::any).collect(), all: false };
    let session = Session { out: folder.join("episodes"), ..Session::default() };
    let config = Config { queue_megabytes: QUEUE_MEGABYTES, ..Config::default() };
    let recorder = thread::spawn(move || recorder::run(&context, wanted, config, session));
    let deadline = Instant::now() + PATIENCE;
    while cameras.iter().any(|camera| camera.matched() == 0) {
        ensure!(Instant::now() < deadline, "the recorder does not listen");
        thread::sleep(Duration::from_millis(10));
    }
    robot.call("/recorder/start", Trigger::TYPE, TriggerRequest {}.encode(), PATIENCE)?;
    let (begun, cpu, own) = (Instant::now(), cpu_of("self")?, cpu_of("thread-self")?);
    for i in 0..pictures {
        let due = begun + Duration::from_secs_f64(i as f64 * PICTURE as f64 / (rate as f64 * 1e6));
        thread::sleep(due.saturating_duration_since(Instant::now()));
        cameras[i as usize % CAMERAS].send(Bytes::copy_from_slice(&rig[i as usize % CAMERAS]))?;
    }
    // A picture that still waits in the inbox when the episode ends is neither in it nor lost.
    thread::sleep(Duration::from_millis(200));
    let request = SetBoolRequest { data: true }.encode();
    robot.call("/recorder/stop", SetBool::TYPE, request, PATIENCE)?;
    let cpu = cpu_of("self")? - cpu - (cpu_of("thread-self")? - own);
    let wall = begun.elapsed();
    stop.wish();
    let outcome = recorder.join().map_err(|_panic| anyhow::anyhow!("the recorder panicked"))??;
    let kept = outcome.kept.into_iter().next().context("the episode was kept")?;
    Ok((Cost { wall, cpu, megabytes: megabytes(kept.messages) }, kept))
}

fn megabytes(pictures: u64) -> f64 {
    pictures as f64 * PICTURE as f64 / 1e6
}

/// What this process (`self`) or this thread (`thread-self`) used of the processor: its own work and the kernel's
/// for it.
fn cpu_of(whom: &str) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{whom}/stat"))?;
    // Behind the name, which may hold anything, the 12th and 13th field.
    let fields: Vec<&str> =
        stat.rsplit_once(')').context("a name in brackets")?.1.split_whitespace().collect();
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// The most memory this process ever had resident.
fn resident_at_most() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("a high-water mark")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
}
