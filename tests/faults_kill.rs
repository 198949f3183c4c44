//! `kill -9` while recording, a hundred times: every bag is made whole, nothing older than a second is missing.
//!
//! The recorder that is killed is a process of its own: this very test file, run again for its ignored test `victim`,
//! which records numbered messages from a publisher in its process. The publisher writes down when it sent which
//! number before it sends it; this side notes the time of the kill. What was sent more than a second before must be
//! in the bag, from the first number on and without a hole.

#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use apprentice::bag::{self, Compression, Mcap, Sqlite, Storage};
use apprentice::bus::local::Hub;
use apprentice::bus::{Bus, Node};
use apprentice::msg::Message;
use apprentice::msg::Service;
use apprentice::msg::std::{Trigger, TriggerRequest, TriggerResponse};
use apprentice::node::recorder::{self, Config};
use apprentice::node::{Context, Stop};
use apprentice::time::{Clock, Stamp, Wall};
use apprentice::wire::Topic;
use bytes::Bytes;
use recording::{Read, config, number, session, topics, wait_until_heard};

const KILLS: u32 = 100;
/// So many at a time: on two cores they spend most of their time waiting for their own pace.
const AT_A_TIME: usize = 4;
/// The longest a victim lives once it records, and the least.
const LIFE_MS: std::ops::Range<u64> = 50..3000;
/// What a kill may cost.
const LAST_SECOND: Duration = Duration::from_secs(1);
/// Where a victim finds its folder; it is run by this test only.
const FOLDER: &str = "VICTIM_FOLDER";
const KIND: &str = "VICTIM_KIND";

/// The storages that take turns.
fn storage(kind: u32) -> Storage {
    let mcap = |compression| Storage::Mcap(Mcap { compression, ..Mcap::default() });
    match kind % 4 {
        0 => mcap(Compression::None),
        1 => mcap(Compression::Lz4),
        2 => mcap(Compression::Zstd),
        _ => Storage::Sqlite(Sqlite::default()),
    }
}

/// A random number in `range` for the `n`th kill; the same in every run.
fn drawn(n: u32, range: std::ops::Range<u64>) -> u64 {
    let mut state = u64::from(n).wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    range.start + (state ^ (state >> 31)) % (range.end - range.start)
}

/// A process that records until it is killed.
struct Victim {
    process: Child,
    folder: tempfile::TempDir,
}

impl Victim {
    fn start(n: u32) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let process = Command::new(std::env::current_exe()?)
            .args(["victim", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(KIND, n.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut victim = Self { process, folder };
        let said = victim.process.stdout.take().context("its output is piped")?;
        let records =
            BufReader::new(said).lines().map_while(Result::ok).any(|line| line.contains("RECORDING"));
        ensure!(records, "the victim never began to record");
        Ok(victim)
    }

    /// Kills it and says when.
    fn kill(&mut self) -> anyhow::Result<Stamp> {
        let at = Wall.now();
        self.process.kill()?;
        self.process.wait()?;
        Ok(at)
    }

    /// The numbers it sent, with the time of each.
    fn sent(&self) -> anyhow::Result<Vec<(u64, Stamp)>> {
        let text = fs::read_to_string(sent_file(self.folder.path()))?;
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let line = |line: &str| -> anyhow::Result<(u64, Stamp)> {
            let (number, stamp) = line.split_once(' ').context("a line without its time")?;
            Ok((number.parse()?, Stamp(stamp.parse()?)))
        };
        whole.lines().map(line).collect()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Only where the test failed before: a victim must not outlive it.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn sent_file(folder: &Path) -> PathBuf {
    folder.join("sent")
}

/// Kills a recorder at a random moment and looks at what is left. How long before the kill the last message was
/// sent that is in the bag.
fn kill_once(n: u32) -> anyhow::Result<Duration> {
    let mut victim = Victim::start(n)?;
    // Not a wait for anything: this is the random moment.
    patience::due_at(Instant::now() + Duration::from_millis(drawn(n, LIFE_MS)));
    let killed = victim.kill()?;
    let out = victim.folder.path().join("out");
    let torn = bag::unfinished(&out);
    ensure!(torn == [recording::episode(&out, 0)], "what was torn is {torn:?}");
    bag::recover(&torn[0])?;
    ensure!(bag::unfinished(&out).is_empty(), "it is still torn");
    let numbers = Read::open(&torn[0])?.numbers("/numbers")?;
    ensure!(numbers.iter().copied().eq(0..numbers.len() as u64), "there is a hole in what was kept");
    let sent = victim.sent()?;
    let safe = sent.iter().filter(|(_, at)| *at + LAST_SECOND <= killed).count();
    ensure!(numbers.len() >= safe, "{} of {safe} messages older than a second are there", numbers.len());
    let first_missing = sent.get(numbers.len()).map_or(killed, |(_, at)| *at);
    Ok(killed.since(first_missing))
}

#[test]
fn after_a_hundred_kills_nothing_older_than_a_second_is_missing() -> anyhow::Result<()> {
    let next = Mutex::new(0..KILLS);
    let results = Mutex::new(Vec::new());
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some(n) = next.lock().expect("nobody panics").next() else { return };
                    let result = kill_once(n);
                    results.lock().expect("nobody panics").push((n, result));
                }
            });
        }
    });
    let results = results.into_inner()?;
    let mut worst = Duration::ZERO;
    for (n, result) in results {
        let lost = result.with_context(|| format!("kill {n} of {:?}", storage(n)))?;
        worst = worst.max(lost);
    }
    println!("{KILLS} kills in {:?}: at most the last {worst:?} was lost", begun.elapsed());
    Ok(())
}

#[test]
#[ignore = "this is the process that is killed"]
fn victim() -> anyhow::Result<()> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(()) };
    let kind = std::env::var(KIND)?.parse()?;
    let hub = Hub::default();
    let robot = hub.join(Node::new("robot", "")?);
    let mut sink = robot.advertise(&Topic::new("/numbers", "std_msgs/msg/Float64MultiArray"))?;
    let context = Context::new(std::sync::Arc::new(hub.join(Node::new("recorder", "")?)), Stop::default());
    let out = session(&folder.join("out"));
    let config = Config { storage: storage(kind), ..config() };
    thread::spawn(move || recorder::run(&context, topics(&["/numbers"]), config, out));
    wait_until_heard(sink.as_ref())?;
    let request = TriggerRequest {}.encode();
    let answer = robot.call("/recorder/start", Trigger::TYPE, request, recording::PATIENCE)?;
    ensure!(TriggerResponse::decode(&answer)?.success, "no start");
    println!("RECORDING");
    let mut sent = fs::File::create(sent_file(&folder))?;
    for i in 0.. {
        // Written down before: what was sent is never less than what is written.
        sent.write_all(format!("{i} {}\n", Wall.now().0).as_bytes())?;
        sink.send(padded(i))?;
        patience::due_at(Instant::now() + Duration::from_millis(2));
    }
    Ok(())
}

/// A message with a number; every tenth is as large as a compressed picture.
fn padded(i: u64) -> Bytes {
    let mut bytes = number(i).to_vec();
    let noise = (0..if i.is_multiple_of(10) { 30_000 } else { 100 }).map(|at| drawn(at, 0..256) as u8);
    bytes.extend(noise);
    Bytes::from(bytes)
}
