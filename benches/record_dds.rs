//! The recorder against publishers that are not ours: four cameras and two arms over DDS, idle and under load.
//!
//! The publishers are another process on Cyclone DDS, because a recorder that only hears itself proves nothing. Each
//! message carries its number, so that what is missing or out of order is read off the bag and not taken from the
//! recorder's own account, which is then held against it. A message that is lost without need, out of order, or missing in
//! that account ends the benchmark with an error; what it cost is told beside its bar.
//! `cargo bench --bench record_dds -- SECONDS`.

#[path = "support/verdict.rs"]
mod verdict;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use apprentice::bag;
use rustix::process::{Pid, Signal, kill_process};
use verdict::verdict;

/// Four cameras of 640×480×3 at 30 Hz and two arms at 500 Hz: 111 MB/s.
const CAMERAS: usize = 4;
const ARMS: usize = 2;

/// Keeps the publishers on the loopback interface, where the recorder is.
const ON_LOOPBACK: &str = "<CycloneDDS><Domain><General><Interfaces><NetworkInterface name=\"lo\"/></Interfaces>\
                           </General></Domain></CycloneDDS>";

struct Case {
    name: &'static str,
    best_effort: bool,
    busy: usize,
    /// Whether the recorder is stopped for a while, so that the sockets must overflow and the account must show it.
    stopped: bool,
}

const CASES: [Case; 5] = [
    Case { name: "idle, reliable", best_effort: false, busy: 0, stopped: false },
    Case { name: "idle, best effort", best_effort: true, busy: 0, stopped: false },
    Case { name: "4 busy processes, reliable", best_effort: false, busy: 4, stopped: false },
    Case { name: "4 busy processes, best effort", best_effort: true, busy: 4, stopped: false },
    Case { name: "recorder stopped for 3 s", best_effort: true, busy: 0, stopped: true },
];

/// The most a recorder may take of a core and of memory, MB.
const CORE: f64 = 0.2;
const MEMORY: f64 = 200.0;

/// How long a recorder is stopped: at 111 MB/s, several times what its sockets hold.
const STOPPED: Duration = Duration::from_secs(3);

/// What one run came to.
struct Figures {
    sent: u64,
    recorded: u64,
    /// Sent before the episode began, which is when every topic has delivered.
    before: u64,
    missing: u64,
    out_of_order: u64,
    cpu: f64,
    publisher_cpu: f64,
    resident_mb: [f64; 2],
    peak_mb: f64,
    /// What the recorder itself says it lost, in the bag's notes; nothing where there is no account.
    noted: Option<u64>,
}

/// A child that does not outlive the benchmark.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn main() -> Result<()> {
    let seconds = std::env::args().filter_map(|word| word.parse::<f64>().ok()).next().unwrap_or(60.0);
    println!(
        "recording {CAMERAS} cameras 640×480×3 at 30 Hz and {ARMS} arms at 500 Hz over DDS for {seconds} s each"
    );
    println!(
        "{:<30} {:>7} {:>7} {:>8} {:>7} {:>6} {:>6} {:>9} {:>15} {:>7}",
        "", "sent", "before", "recorded", "MISSING", "order", "core", "publisher", "resident MB", "peak MB"
    );
    let mut wrong = Vec::new();
    for (place, case) in CASES.iter().enumerate() {
        let figures = run(case, seconds, 150 + place).with_context(|| case.name)?;
        println!(
            "{:<30} {:>7} {:>7} {:>8} {:>7} {:>6} {:>6.3} {:>9.3} {:>6.0} → {:>6.0} {:>7.0}{}",
            case.name,
            figures.sent,
            figures.before,
            figures.recorded,
            figures.missing,
            if figures.out_of_order == 0 { "kept" } else { "BROKEN" },
            figures.cpu,
            figures.publisher_cpu,
            figures.resident_mb[0],
            figures.resident_mb[1],
            figures.peak_mb,
            figures.noted.map(|lost| format!("   the bag says: {lost} lost")).unwrap_or_default(),
        );
        wrong.extend(judge(case, &figures));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    Ok(())
}

/// What the bag says was lost.
fn said(noted: Option<u64>) -> String {
    noted.map_or_else(|| "nothing".to_owned(), |lost| lost.to_string())
}

/// Says which bars a run cleared; what of that must never be, in words.
fn judge(case: &Case, figures: &Figures) -> Vec<String> {
    let Figures { missing, out_of_order, noted, cpu, peak_mb, .. } = figures;
    let must = [
        (case.stopped || *missing == 0, format!("{missing} lost (bar: 0)")),
        (*out_of_order == 0, format!("{out_of_order} out of order (bar: 0)")),
        (*noted == Some(*missing), format!("{} in the bag's account (bar: {missing})", said(*noted))),
    ];
    let costs = [
        (*cpu <= CORE, format!("{cpu:.2} of a core (bar: {CORE})")),
        (*peak_mb <= MEMORY, format!("{peak_mb:.0} MB (bar: {MEMORY})")),
    ];
    let words: Vec<String> =
        must.iter().chain(&costs).map(|(cleared, what)| format!("{} {what}", verdict(*cleared))).collect();
    println!("  {}", words.join(" · "));
    let failed = must.into_iter().filter(|(cleared, _)| !cleared);
    failed.map(|(_, what)| format!("{}: {what}", case.name)).collect()
}

fn run(case: &Case, seconds: f64, domain: usize) -> Result<Figures> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("record_dds");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let recorder = record(&folder, domain)?;
    let _load: Vec<Running> = (0..case.busy).map(|_| busy()).collect::<Result<_>>()?;
    let mut publisher = publish(case, seconds, domain)?;

    let watched = watch(&recorder, &mut publisher, seconds, case.stopped)?;
    let sent = publisher.0.stdout.take().context("the publisher's output")?;
    let sent: BTreeMap<String, u64> = serde_json::from_reader(sent).context("the publisher's account")?;
    interrupt(recorder)?;

    let episode = folder.join("episode_0000");
    let tracks = read_back(&episode)?;
    let mut figures = watched;
    for (topic, sent) in &sent {
        let track = tracks.get(topic).with_context(|| format!("{topic} is not in the bag"))?;
        let before = track.first.unwrap_or_default();
        figures.before += before;
        figures.sent += sent;
        figures.recorded += track.count;
        figures.missing += (sent - before).checked_sub(track.count).context("more recorded than sent")?;
        figures.out_of_order += track.out_of_order;
    }
    figures.noted = match bag::open(&episode)?.notes().get("apprentice.lost") {
        Some(noted) => serde_json::from_str::<serde_json::Value>(noted)?["total"].as_u64(),
        None => None,
    };
    fs::remove_dir_all(&folder)?;
    Ok(figures)
}

fn record(folder: &PathBuf, domain: usize) -> Result<Running> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apprentice"));
    command.args(["record", "--no-keys", "--domain", &domain.to_string(), "--out"]).arg(folder);
    for camera in 0..CAMERAS {
        command.args(["--topic", &format!("/camera_{camera}/image_raw:sensor_msgs/msg/Image")]);
    }
    for arm in 0..ARMS {
        command.args(["--topic", &format!("/arm_{arm}/joint_states:sensor_msgs/msg/JointState")]);
    }
    Ok(Running(command.stdout(Stdio::null()).spawn().context("the recorder")?))
}

fn publish(case: &Case, seconds: f64, domain: usize) -> Result<Running> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("python3");
    command.arg(root.join("tests/peers/dds_publish.py")).env("PYTHONPATH", root.join(".setup/peers"));
    command.env("CYCLONEDDS_URI", ON_LOOPBACK);
    command.args(["--domain", &domain.to_string(), "--seconds", &seconds.to_string(), "--wait", "30"]);
    command.args(["--cameras", &CAMERAS.to_string(), "--joints", &ARMS.to_string()]);
    if case.best_effort {
        command.arg("--best-effort");
    }
    Ok(Running(command.stdout(Stdio::piped()).spawn().context("the publisher: run `make setup` first")?))
}

fn busy() -> Result<Running> {
    Ok(Running(Command::new("sh").args(["-c", "while :; do :; done"]).spawn()?))
}

/// Watches the recorder's processor time and memory until the publisher is done; in between, may stop it for a while.
fn watch(recording: &Running, publisher: &mut Running, seconds: f64, stopped: bool) -> Result<Figures> {
    let recorder = recording.0.id();
    let mut signals = stopped.then(|| {
        let half = Duration::from_secs_f64(seconds / 2.0);
        [(half, Signal::STOP), (half + STOPPED, Signal::CONT)].into_iter().peekable()
    });
    let (start, before) = (Instant::now(), cpu_seconds(recorder)?);
    let mut resident = Vec::new();
    let mut publisher_cpu = 0.0;
    let status = loop {
        if let Some(status) = publisher.0.try_wait()? {
            break status;
        }
        ensure!(start.elapsed().as_secs_f64() < seconds + 90.0, "the publisher does not end");
        let due = |(at, _): &(Duration, Signal)| start.elapsed() >= *at;
        if let Some((_, signal)) = signals.as_mut().and_then(|signals| signals.next_if(due)) {
            kill_process(Pid::from_child(&recording.0), signal)?;
        }
        resident.push(memory_mb(recorder, "VmRSS")?);
        publisher_cpu = cpu_seconds(publisher.0.id()).unwrap_or(publisher_cpu);
        std::thread::sleep(Duration::from_millis(250));
    };
    ensure!(status.success(), "the publisher ended with {status}");
    Ok(Figures {
        sent: 0,
        recorded: 0,
        before: 0,
        missing: 0,
        out_of_order: 0,
        cpu: (cpu_seconds(recorder)? - before) / seconds,
        publisher_cpu: publisher_cpu / seconds,
        resident_mb: [resident[resident.len() / 3], resident[resident.len() - 1]],
        peak_mb: memory_mb(recorder, "VmHWM")?,
        noted: None,
    })
}

/// User and system time of a process so far.
fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(") ").next().context("the fields of stat")?.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / rustix::param::clock_ticks_per_second() as f64)
}

fn memory_mb(process: u32, what: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with(what)).context("the line of the status")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("its number")?.parse()?;
    Ok(kilobytes / 1024.0)
}

/// Ends the recorder as Ctrl-C does and waits for its bag.
fn interrupt(mut recorder: Running) -> Result<()> {
    kill_process(Pid::from_child(&recorder.0), Signal::INT)?;
    let status = recorder.0.wait()?;
    ensure!(status.success(), "the recorder ended with {status}");
    Ok(())
}

/// What a bag has of one topic.
#[derive(Default)]
struct Track {
    /// The number of its first message: those before it came before the episode began.
    first: Option<u64>,
    last: u64,
    count: u64,
    /// Messages whose number is not above the one before.
    out_of_order: u64,
}

fn read_back(episode: &Path) -> Result<BTreeMap<String, Track>> {
    let mut reader = bag::open(episode)?;
    let mut tracks: BTreeMap<String, Track> = BTreeMap::new();
    for sample in reader.samples(&[]) {
        let sample = sample?;
        // Encapsulation, stamp and string length come before the eight digits of the frame's name.
        let number: u64 = std::str::from_utf8(&sample.cdr[16..24])?.parse()?;
        let track = tracks.entry(sample.topic.name.clone()).or_default();
        track.out_of_order += u64::from(track.first.is_some() && number <= track.last);
        track.first.get_or_insert(number);
        (track.last, track.count) = (number, track.count + 1);
    }
    Ok(tracks)
}
