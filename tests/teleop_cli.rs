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

use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use apprentice::bus::typed::{self, Publisher};
use apprentice::bus::{self, Kind};
use apprentice::msg::own::Command;
use apprentice::msg::sensor::{JointState, Joy};
use apprentice::node::Stop;
use apprentice::wire::Qos;
use recording::{Read, episode};
use running::Running;

/// A domain that nobody else has.
const DOMAIN: u16 = 149;
const ROBOT: &str = "config/sim_arm_teleop.yaml";
/// The button that has to be held, and the axis that goes forward.
const DEAD_MAN: usize = 4;
const FORWARD: usize = 1;

/// Somebody who pushes the stick forward and back, fifty times a second, until `stop` is wished. He lets go of the button once a
/// second: after a fault, as while the robot is not yet heard, it takes that to go on.
fn gamepad(stop: Stop) -> JoinHandle<anyhow::Result<()>> {
    std::thread::spawn(move || {
        let node = "gamepad".to_owned();
        let options = bus::Options { kind: Kind::Dds, node, domain: Some(DOMAIN), ..Default::default() };
        let bus = bus::open(&options)?;
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

#[test]
fn an_arm_driven_by_a_gamepad_is_recorded_with_what_the_person_meant() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let domain = DOMAIN.to_string();
    // Cameras are left out, so that no machine is too slow and none needs EGL.
    let robot =
        ["--config", ROBOT, "--set", "observe.streams.front=null", "--set", "observe.streams.wrist=null"];
    let bus = ["--bus", "dds", "--domain", &domain];
    let start = |words: &str, last: &str, paths: &[&Path]| {
        Running::start(words.split(' ').chain(robot).chain(bus).chain(last.split(' ')), paths)
    };
    let simulator = start("sim --world reach", "--commands expert/command", &[])?;
    let teleop = start("teleop joy --no-keys", "--ros-args -p use_sim_time:=true", &[])?;
    let stop = Stop::default();
    let person = gamepad(stop.clone());
    let recorded = out.path().to_str().context("it is text")?;
    let words = format!("record --no-keys --episodes 1 --seconds 2 --out {recorded}");
    let (code, said) = start(&words, "--ros-args -p use_sim_time:=true", &[])?.end()?;
    stop.wish();
    person.join().expect("it does not panic")?;
    let mut all = said;
    for process in [teleop, simulator] {
        process.stop()?;
        let (code, said) = process.end()?;
        all.push_str(&said);
        ensure!(code == Some(0), "{code:?}: {all}");
    }
    ensure!(code == Some(0), "{code:?}: {all}");

    let bag = episode(out.path(), 0);
    let mut read = Read::open(&bag)?;
    let commands = read.samples("/expert/command")?;
    ensure!(commands.len() > 50, "{} commands in two seconds", commands.len());
    let stamp = |header: &apprentice::msg::std::Header| f64::from(header.stamp.sec);
    let command: Command = typed::read(&commands[0])?;
    ensure!(
        command.names.len() == 7 && stamp(&command.header) < 10_000.0,
        "{command:?}: by the world's clock"
    );
    let states = read.samples("/joint_states")?;
    let states: Vec<JointState> = states.iter().map(typed::read).collect::<Result<_, _>>()?;
    let lift = states.iter().map(|state| state.position[1]);
    let (least, most) = lift.fold((f64::MAX, f64::MIN), |(least, most), at| (least.min(at), most.max(at)));
    ensure!(most - least > 0.02, "the arm went by {} rad", most - least);
    Ok(())
}
