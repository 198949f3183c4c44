//! A kernel that grants the sockets too little: what is lost is counted, shown at once, and noted topic by topic.
//!
//! The buffer is made small by an option, since a test cannot take the right to a large one from a machine that has it. The
//! publisher is another process on Cyclone DDS whose bursts are larger than the buffer, and it numbers its messages, so that
//! what is missing is read off the bag.
#![cfg(feature = "dds")]

#[path = "support/numbered.rs"]
mod numbered;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use apprentice::bus::{self, Bus, Inbox, Kind, Limit, Options};
use apprentice::msg::Message as _;
use apprentice::msg::own::{Recording, Stream};
use apprentice::node::recorder::{self, Config, Session, Wanted};
use apprentice::node::{Context, Stop};
use apprentice::spec::Expect;
use apprentice::wire::{Qos, Topic};
use numbered::{account, gone, noted, numbers};

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const DOMAIN: u16 = 207;
/// A quarter of one picture below.
const SMALL: usize = 64 << 10;
const TOPICS: [&str; 3] = ["/camera_0/image_raw", "/camera_1/image_raw", "/arm_0/joint_states"];

fn join(node: &str, buffer: Option<usize>) -> Result<Arc<dyn Bus>> {
    let node = node.to_owned();
    Ok(bus::open(&Options { kind: Kind::Dds, node, domain: Some(DOMAIN), buffer, ..Options::default() })?)
}

/// A publisher that does not outlive the test.
struct Publisher(Child);

impl Publisher {
    fn start() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let on_loopback = "<CycloneDDS><Domain><General><Interfaces><NetworkInterface name=\"lo\"/></Interfaces>\
                           </General></Domain></CycloneDDS>";
        let mut command = Command::new("python3");
        command.arg(root.join("tests/peers/dds_publish.py")).args(["--domain", &DOMAIN.to_string()]);
        command.args("--wait 40 --seconds 300 --best-effort --cameras 2 --width 320 --height 240".split(' '));
        command.env("PYTHONPATH", root.join(".setup/peers")).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("CYCLONEDDS_URI", on_loopback).stdout(Stdio::null());
        Ok(Self(command.spawn().context("the publisher: run `make setup` first")?))
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The first stream whose losses the recorder shows while it records.
fn first_shown(status: &Inbox) -> Result<Stream> {
    let deadline = Instant::now() + PATIENCE;
    let mut last = None;
    while let Some(sample) = status.wait(deadline) {
        let said = Recording::decode(&sample.cdr)?;
        let lossy = |stream: &&Stream| stream.lost > 0 && stream.alarm.contains("lost");
        if said.state == Recording::RECORDING
            && let Some(stream) = said.streams.iter().find(lossy)
        {
            return Ok(stream.clone());
        }
        last = Some(said);
    }
    bail!("no loss was shown; the last status was {last:?}")
}

#[test]
fn what_a_small_buffer_loses_is_shown_at_once_and_noted_topic_by_topic() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bus = join("recorder", Some(SMALL))?;
    let granted = bus.granted().context("over a network it matters what was granted")?;
    ensure!(granted.buffer_asked == SMALL && granted.buffer <= 2 * SMALL, "{granted:?}");
    let watcher = join("operator", None)?;
    let status = Inbox::new(Limit { samples: 1000, bytes: 1 << 24 });
    let topic = Topic::new("/recorder/status", Recording::TYPE).with(Qos::latched(1));
    let _subscribed = watcher.subscribe(&topic, &status)?;

    let wanted = Wanted { expect: TOPICS.iter().map(|topic| Expect::any(*topic)).collect(), all: false };
    let config = Config { min_free_megabytes: 0, wait_s: 0.0, ..Config::default() };
    let session = Session { out: folder.path().to_owned(), auto: true, ..Session::default() };
    let stop = Stop::default();
    let context = Context::new(bus, stop.clone());
    let recorder = thread::spawn(move || recorder::run(&context, wanted, config, session));
    let publisher = Publisher::start()?;
    let shown = first_shown(&status);
    stop.wish();
    let outcome = recorder.join().map_err(|_panic| anyhow::anyhow!("the recorder panicked"))??;
    drop(publisher);
    let shown = shown?;

    let episode = &outcome.kept.first().context("an episode was kept")?.path;
    let (account, numbers) = (account(episode)?, numbers(episode)?);
    ensure!(noted(&account, &shown.topic) >= shown.lost, "{shown:?} was shown: {account}");
    for (topic, there) in &numbers {
        // What was lost just before the episode's first message may count as the episode's.
        let (noted, gone) = (noted(&account, topic), gone(there));
        ensure!((gone..=gone + there[0]).contains(&noted), "{gone} of {topic} are gone: {account}");
    }
    Ok(())
}
