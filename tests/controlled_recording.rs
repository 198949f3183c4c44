//! The shipped files of a UR5e and an SO-101 under ros2_control: what they say is recorded, checked, and read by name.
//!
//! The controllers are a mock that publishes as the real ones do: in their own order of joints, with others beside them, and kept for
//! those who come late, as Fast DDS has it where nobody says otherwise.

#[path = "support/cameras.rs"]
mod cameras;
#[path = "support/cli.rs"]
mod cli;
#[path = "support/controllers.rs"]
mod controllers;
#[path = "support/judge.rs"]
mod judge;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use apprentice::bag;
use apprentice::bus::Node;
use apprentice::bus::typed::{self, Publisher};
use apprentice::config::Settings;
use apprentice::data::Layout;
use apprentice::data::observe::{Decoder, Reading};
use apprentice::msg::own::{Command, Recording, Stream};
use apprentice::msg::sensor::JointState;
use apprentice::msg::std::Float64MultiArray;
use apprentice::node::diagnostics::header;
use apprentice::node::recorder::Wanted;
use apprentice::time::Clock as _;
use apprentice::wire::{Durability, Qos};
use controllers::{Arm, Kit, SO101, UR5E};
use recording::{Read, Recorder, Stage, config, episode, session};

const AT: [f64; 6] = [0.3, -1.2, 1.1, -0.4, 0.2, 0.1];

/// Whoever the file takes actions from, and what a gate makes of them.
enum Person {
    Commands(Publisher<Command>),
    Leads(Publisher<JointState>),
}

impl Person {
    fn new(stage: &Stage, file: &str) -> anyhow::Result<Self> {
        Ok(match file {
            "ur5e.yaml" => {
                Self::Commands(Publisher::open(&stage.robot, "/expert/command", Qos::reliable(1))?)
            }
            _ => Self::Leads(Publisher::open(&stage.robot, "/leader/joint_states", controllers::PUBLISHED)?),
        })
    }

    fn speak(&mut self, stage: &Stage, joints: &[String]) -> anyhow::Result<()> {
        let (header, name, position) = (header(stage.clock.now()), joints.to_vec(), AT.to_vec());
        match self {
            Self::Commands(to) => {
                to.send(&Command { header, names: name, values: position, ..Command::default() })?;
            }
            Self::Leads(to) => to.send(&JointState { header, name, position, ..JointState::default() })?,
        }
        Ok(())
    }
}

/// A robot, a person who commands it, and a recorder of all that its file names.
struct Scene {
    stage: Stage,
    settings: Settings,
    arm: Arm,
    person: Person,
    commands: Publisher<Float64MultiArray>,
    recorder: Recorder,
    cycles: u64,
}

impl Scene {
    fn new(file: &str, kit: Kit, out: &Path) -> anyhow::Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(file);
        let (stage, settings) = (Stage::new()?, Settings::load(&[path], &[])?);
        let mut arm = Arm::new(&stage.robot, &settings, kit)?;
        arm.put(&AT);
        let person = Person::new(&stage, file)?;
        let topic = "/forward_position_controller/commands";
        let commands = Publisher::open(&stage.robot, topic, Qos::reliable(1))?;
        let wanted = Wanted { expect: settings.expected(&Node::new("recorder", "/")?)?, all: false };
        let recorder = stage.record(wanted, config(), session(out))?;
        Ok(Self { stage, settings, arm, person, commands, recorder, cycles: 0 })
    }

    /// So long goes by.
    fn passes(&mut self, time: Duration) -> anyhow::Result<()> {
        let act = self.settings.act.as_ref().context("it is commanded")?;
        let every = (1.0 / act.rate_hz / self.arm.period.as_secs_f64()).round() as u64;
        let joints = act.parts["arm"].joints.clone();
        let end = self.stage.clock.now() + time;
        while self.stage.clock.now() < end {
            self.stage.advance(self.arm.period);
            self.arm.cycle(self.stage.clock.now())?;
            if self.cycles.is_multiple_of(every.max(1)) {
                self.person.speak(&self.stage, &joints)?;
                self.commands
                    .send(&Float64MultiArray { data: AT.to_vec(), ..Float64MultiArray::default() })?;
            }
            self.cycles += 1;
        }
        Ok(())
    }

    /// Waits until the recorder has heard so many joint states since it was started.
    fn heard(&self, states: u64) -> anyhow::Result<()> {
        let all = |status: &Recording| {
            status.streams.iter().any(|stream| stream.topic == "/joint_states" && stream.received == states)
        };
        self.recorder.status_where(all)?;
        Ok(())
    }
}

/// The joints' positions of an importer, from the first message of a bag.
fn imported(settings: &Settings, read: &mut Read) -> anyhow::Result<Vec<f64>> {
    let act = settings.act.as_ref().context("it is commanded")?;
    let layout = Layout::resolve(&settings.robot, &settings.observe, act, None, &Default::default())?;
    let number = layout.streams().position(|name| name == "joints").context("it is seen")?;
    let sample = read.samples("/joint_states")?.into_iter().next().context("there is one")?;
    let (_, reading) = Decoder::new(&layout, &settings.observe).read(number, &sample)?;
    match reading {
        Reading::Numbers(numbers) => Ok(numbers),
        other => anyhow::bail!("{other:?} is no position"),
    }
}

#[test]
fn an_episode_of_each_arm_is_whole_without_an_alarm_and_its_joints_are_found_by_name() -> anyhow::Result<()> {
    for (file, kit) in [("ur5e.yaml", UR5E), ("so101.yaml", SO101)] {
        let out = tempfile::tempdir()?;
        let mut scene = Scene::new(file, kit.clone(), out.path())?;
        let found = |stream: &Stream| !stream.r#type.is_empty();
        scene.recorder.status_where(|status| status.streams.iter().all(found))?;
        scene.passes(Duration::from_secs(1))?;
        let rate = (1.0 / scene.arm.period.as_secs_f64()).round() as u64;
        scene.heard(rate)?;
        scene.recorder.start()?;
        scene.passes(Duration::from_secs(5))?;
        scene.heard(5 * rate)?;
        let answer = scene.recorder.stop(true)?;
        ensure!(answer.success, "{}", answer.message);
        let (settings, outcome) = (scene.settings, scene.recorder.end()?);
        ensure!(outcome.kept.len() == 1 && outcome.kept[0].lost == 0, "{outcome:?}");

        let (bag, robot) = (episode(out.path(), 0), format!("config/{file}"));
        let mut read = Read::open(&bag)?;
        ensure!(read.alarms()?.is_empty(), "{file}: {:?}", read.alarms()?);
        let first: JointState = typed::read(&read.samples("/joint_states")?[0])?;
        ensure!(first.name.iter().eq(kit.order), "as the broadcaster says it: {first:?}");
        let seen = imported(&settings, &mut read)?;
        ensure!(seen.iter().zip(AT).all(|(seen, at)| (seen - at).abs() < 1e-6), "{file}: {seen:?}");
        let expected = settings.expected(&Node::new("recorder", "/")?)?;
        let report = bag::check(bag::open(&bag)?.as_mut(), &expected, &bag);
        ensure!(report.findings.is_empty(), "{file}: {:#?}", report.findings);
        let said = cli::apprentice(["bag", "check", "--config", &robot], [&bag]);
        ensure!(said.status.code() == Some(0), "{}{}", cli::text(&said.stdout), cli::text(&said.stderr));
    }
    Ok(())
}

#[test]
fn what_a_controller_said_before_it_was_stopped_is_not_in_the_next_episode() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let mut scene = Scene::new("ur5e.yaml", UR5E, out.path())?;
    ensure!(controllers::PUBLISHED.durability == Durability::TransientLocal);
    let topics =
        ["/joint_states", "/force_torque_sensor_broadcaster/wrench", "/front/camera/color/image_raw"];
    let found = |stream: &Stream| !stream.r#type.is_empty() || !topics.contains(&stream.topic.as_str());
    scene.recorder.status_where(|status| status.streams.iter().all(found))?;
    scene.passes(Duration::from_millis(100))?;
    scene.heard(50)?;
    // The driver is stopped for an hour, and the arm is moved meanwhile.
    scene.stage.advance(Duration::from_secs(3600));
    scene.recorder.start()?;
    scene.stage.advance(Duration::from_millis(10));
    scene.passes(Duration::from_millis(100))?;
    scene.recorder.stop(true)?;
    scene.recorder.end()?;
    let mut read = Read::open(&episode(out.path(), 0))?;
    for topic in topics {
        let samples = read.samples(topic)?;
        ensure!(!samples.is_empty(), "{topic} was not recorded");
        for sample in samples {
            // Each of these messages begins with its header's stamp, behind four bytes that say how it is written.
            let stamp = i32::from_le_bytes(sample.cdr[4..8].try_into()?);
            ensure!(sample.received.parts().0 - stamp <= 1, "{topic}: of another life: {sample:?}");
        }
    }
    Ok(())
}
