//! The simulated arm driven by hand and recorded, as the README has it: three processes over DDS and a gamepad on `/joy`.
//!
//! Each of them works for itself in other tests; that their files, topics and clocks fit together shows only here.
#![cfg(all(feature = "dds", feature = "sim"))]

#[path = "support/cli.rs"]
mod cli;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;
#[path = "support/running.rs"]
mod running;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use apprentice::bus::typed::{self, Publisher, call_typed};
use apprentice::bus::{self, Bus, Inbox, Kind, Limit};
use apprentice::msg::own::{Command, Recording};
use apprentice::msg::sensor::{JointState, Joy};
use apprentice::msg::std::{Header, SetBool, SetBoolRequest};
use apprentice::node::Stop;
use apprentice::wire::Qos;
use recording::{Read, episode};
use running::Running;

/// A domain that nobody else has.
const DOMAIN: u16 = 149;
const ROBOT: &str = "config/sim_arm_teleop.yaml";
/// No condition takes longer on a machine that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// The button that has to be held, and the axis that goes forward.
const DEAD_MAN: usize = 4;
const FORWARD: usize = 1;

/// No cameras and much patience, so that no machine is too slow and none needs EGL.
const SETS: [&str; 5] = [
    "observe.streams.front=null",
    "observe.streams.wrist=null",
    "observe.streams.joints.max_age_ms=2000",
    "teleop.quiet_ms=2000",
    "record.wait_s=60",
];

/// Starts the binary with these words before and after those that all three have in common.
fn start(words: &str, last: &str) -> anyhow::Result<Running> {
    let domain = DOMAIN.to_string();
    let robot = ["--config", ROBOT].into_iter().chain(SETS.into_iter().flat_map(|set| ["--set", set]));
    let bus = ["--bus", "dds", "--domain", &domain];
    Running::start(words.split(' ').chain(robot).chain(bus).chain(last.split(' ')), &[])
}

/// Somebody who pushes the stick forward and back, fifty times a second, until `stop` is wished. He lets go of the button once a
/// second: after a fault, as while the robot is not yet heard, it takes that to go on.
fn gamepad(bus: Arc<dyn Bus>, stop: Stop) -> JoinHandle<anyhow::Result<()>> {
    std::thread::spawn(move || {
        let mut publisher = Publisher::<Joy>::open(bus.as_ref(), "/joy", Qos::reliable(1))?;
        let begun = Instant::now();
        for turn in 0.. {
            if stop.wished() {
                break;
            }
            patience::due_at(begun + Duration::from_millis(20) * turn);
            let mut joy = Joy { axes: vec![0.0; 8], buttons: vec![0; 11], ..Joy::default() };
            joy.buttons[DEAD_MAN] = i32::from(turn % 50 >= 5);
            joy.axes[FORWARD] = if turn / 25 % 2 == 0 { 0.6 } else { -0.6 };
            publisher.send(&joy)?;
        }
        Ok(())
    })
}

/// Waits until the recorder has so many messages of what the person means, and has it end the episode.
fn enough(bus: &dyn Bus, wanted: u64) -> anyhow::Result<()> {
    let heard = Inbox::new(Limit { samples: 1000, bytes: 1 << 24 });
    let _status = typed::subscribe::<Recording>(bus, "/recorder/status", Qos::latched(1), &heard)?;
    let mut last = None;
    let waited = patience::until("enough commands are recorded", PATIENCE, || {
        while let Some(sample) = heard.take() {
            last = Some(typed::read::<Recording>(&sample)?);
        }
        let meant = last.iter().filter(|status| status.state == Recording::RECORDING);
        let mut meant = meant.flat_map(|status| &status.streams).filter(|of| of.topic == "/expert/command");
        Ok(meant.any(|stream| stream.received >= wanted))
    });
    waited.with_context(|| format!("{last:?}"))?;
    let answer = call_typed::<SetBool>(bus, "/recorder/stop", &SetBoolRequest { data: true }, PATIENCE)?;
    ensure!(answer.success, "{}", answer.message);
    Ok(())
}

#[test]
fn an_arm_driven_by_a_gamepad_is_recorded_with_what_the_person_meant() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let simulator = start("sim --world reach", "--commands expert/command")?;
    let teleop = start("teleop joy --no-keys", "--ros-args -p use_sim_time:=true")?;
    let words = format!("record --no-keys --episodes 1 --out {}", out.path().display());
    let recorder = start(&words, "--ros-args -p use_sim_time:=true")?;
    let node = "gamepad".to_owned();
    let options = bus::Options { kind: Kind::Dds, node, domain: Some(DOMAIN), ..Default::default() };
    let (bus, stop) = (bus::open(&options)?, Stop::default());
    let person = gamepad(bus.clone(), stop.clone());
    let done = enough(bus.as_ref(), 100);
    if done.is_err() {
        recorder.stop()?;
    }
    let ended = recorder.end()?;
    stop.wish();
    person.join().expect("it does not panic")?;
    teleop.stop()?;
    simulator.stop()?;
    let all = [ended, teleop.end()?, simulator.end()?];
    done.with_context(|| format!("{all:?}"))?;
    ensure!(all.iter().all(|(code, _)| *code == Some(0)), "{all:?}");

    let bag = episode(out.path(), 0);
    let mut read = Read::open(&bag)?;
    let commands = read.samples("/expert/command")?;
    ensure!(commands.len() >= 50, "{} commands", commands.len());
    let by_the_world = |header: &Header| (1000..10_000).contains(&header.stamp.sec);
    let command: Command = typed::read(&commands[0])?;
    ensure!(command.names.len() == 7 && by_the_world(&command.header), "{command:?}");
    let states = read.samples("/joint_states")?;
    let states: Vec<JointState> = states.iter().map(typed::read).collect::<Result<_, _>>()?;
    let lift = states.iter().map(|state| state.position[1]);
    let (least, most) = lift.fold((f64::MAX, f64::MIN), |(least, most), at| (least.min(at), most.max(at)));
    ensure!(most - least > 0.02, "the arm went by {} rad", most - least);
    Ok(())
}
