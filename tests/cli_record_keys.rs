//! `apprentice record` at a terminal: the live table, and every key that means something.
//!
//! The terminal is a real one, a pseudo terminal of the kernel's, because raw mode, erasing and single keys are its business
//! and no pipe has them. What a key came to is read off the disk and off the screen; nothing here waits by the clock.
#![cfg(feature = "dds")]

#[path = "support/cli.rs"]
mod cli;
#[path = "support/patience.rs"]
mod patience;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use apprentice::bag;
use apprentice::bus::{self, Kind, Options};
use apprentice::node::standin::{self, Fault, Shows, Stream};
use apprentice::node::{Context, Stop};
use cli::command;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

const PATIENCE: Duration = Duration::from_secs(60);
const DOMAIN: u16 = 206;
const ROBOT: &str = "
robot: {name: one, joints: [pan]}
observe:
  rate_hz: 30
  streams:
    arm: {topic: /joint_states, type: sensor_msgs/msg/JointState, fields: [position], align: newest, max_age_ms: 200, rate_hz: 100}
record: {wait_s: 60, min_free_megabytes: 0, ring: {seconds: 5}}
";

/// An arm in this process; dropped, it ends.
struct Robot(Stop, Option<JoinHandle<()>>);

impl Robot {
    fn start() -> Result<Self> {
        let arm = Stream {
            topic: "/joint_states".to_owned(),
            rate_hz: 100.0,
            shows: Shows::Joints { names: vec!["pan".to_owned()], ahead: Duration::ZERO },
            fault: Fault::None,
        };
        let node = "robot".to_owned();
        let bus = bus::open(&Options { kind: Kind::Dds, node, domain: Some(DOMAIN), ..Options::default() })?;
        let stop = Stop::default();
        let context = Context::new(bus, stop.clone());
        let playing = thread::spawn(move || {
            standin::run(&context, vec![arm]).expect("the bus takes what is sent");
        });
        Ok(Self(stop, Some(playing)))
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        self.0.wish();
        if let Some(playing) = self.1.take() {
            playing.join().expect("the stand-in ends by itself");
        }
    }
}

/// The recorder at a terminal, and what it wrote there.
struct Terminal {
    child: Child,
    keys: File,
    written: Arc<Mutex<String>>,
    out: PathBuf,
}

impl Terminal {
    fn start(folder: &Path) -> Result<Self> {
        let robot = folder.join("robot.yaml");
        std::fs::write(&robot, ROBOT)?;
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        unlockpt(&ours)?;
        let theirs = File::from(ioctl_tiocgptpeer(&ours, OpenptFlags::RDWR | OpenptFlags::NOCTTY)?);
        let out = folder.join("bags");
        let domain = DOMAIN.to_string();
        let mut command = command::<&Path>(["record", "--domain", &domain], []);
        command.arg("--config").arg(&robot).arg("--out").arg(&out);
        command.stdin(theirs.try_clone()?).stdout(theirs.try_clone()?).stderr(theirs);
        let child = command.spawn()?;
        let keys = File::from(ours);
        let written = Arc::new(Mutex::new(String::new()));
        let (mut screen, kept) = (keys.try_clone()?, Arc::clone(&written));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The terminal ends with an error once nobody has its other end.
            while let Ok(read) = screen.read(&mut bytes) {
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Ok(Self { child, keys, written, out })
    }

    fn press(&mut self, key: char) -> Result<()> {
        Ok(write!(self.keys, "{key}")?)
    }

    /// What was written since somebody looked last.
    fn seen(&self) -> String {
        std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the screen shows a line as `wanted`.
    fn shows(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<()> {
        let mut all = String::new();
        let shown = patience::until(what, PATIENCE, || {
            all += &self.seen();
            Ok(all.lines().any(&wanted))
        });
        shown.with_context(|| format!("the screen was {all:?}"))
    }

    fn episode(&self, number: u32) -> PathBuf {
        self.out.join(format!("episode_{number:04}"))
    }

    /// Waits until an episode is whole.
    fn whole(&self, number: u32) -> Result<Box<dyn bag::Reader>> {
        let path = self.episode(number);
        patience::until("a whole bag", PATIENCE, || Ok(path.join("metadata.yaml").exists()))
            .with_context(|| format!("{path:?}, the screen was {:?}", self.seen()))?;
        Ok(bag::open(&path)?)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whether a line of the table shows the arm at about its rate.
fn is_live(line: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| !word.ends_with("/joint_states")).skip(1);
    words.next().and_then(|rate| rate.parse::<f64>().ok()).is_some_and(|rate| rate > 30.0)
}

#[test]
fn the_keys_start_stop_discard_save_and_quit_under_a_live_table() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let _robot = Robot::start()?;
    let mut terminal = Terminal::start(folder.path())?;
    terminal.shows("the table with the arm's rate", is_live)?;
    terminal
        .shows("what the keys are", |line| line.contains("space start · l save the last seconds · q quit"))?;

    terminal.press(' ')?;
    terminal.shows("the episode's headline", |line| {
        line.contains("recording · ") && line.contains("episode_0000")
    })?;
    terminal.shows("the table while it records", is_live)?;
    terminal.press('s')?;
    let kept = terminal.whole(0)?;
    ensure!(kept.notes()["success"] == "true" && kept.span().is_some(), "{:?}", kept.notes());
    terminal.shows("that it is idle", |line| line.contains("space start"))?;

    terminal.press(' ')?;
    terminal
        .shows("the next episode", |line| line.contains("recording · ") && line.contains("episode_0001"))?;
    terminal.press('d')?;
    let thrown_away = terminal.episode(1);
    patience::until("the end of what was discarded", PATIENCE, || Ok(!thrown_away.exists()))?;
    terminal.shows("that it is idle again", |line| line.contains("space start"))?;

    terminal.press('l')?;
    let saved = terminal.whole(1)?;
    ensure!(saved.span().is_some() && !saved.notes().contains_key("success"), "{:?}", saved.notes());
    terminal.shows("that it is idle once more", |line| line.contains("space start"))?;

    terminal.press('q')?;
    patience::until("its end", PATIENCE, || Ok(terminal.child.try_wait()?.is_some()))?;
    let status = terminal.child.wait()?;
    ensure!(status.success(), "{status}: {:?}", terminal.seen());
    Ok(())
}
