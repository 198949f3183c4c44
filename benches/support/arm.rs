//! The robot of the benchmark of control: its file, a policy that learned a little of it, and its process.
//!
//! The process tells joints and pictures as a robot's drivers do, and holds a person's button. It counts what it takes until a press
//! is felt, because what counts is when the robot hears of it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use apprentice::bus::typed::{self, Publisher};
use apprentice::bus::{self, Bus, Inbox, Kind, Limit};
use apprentice::config::Settings;
use apprentice::msg::own::{self, Intervention};
use apprentice::msg::sensor::{Image, JointState, Joy};
use apprentice::noise::Noise;
use apprentice::time::{Clock as _, Stamp, Wall};
use apprentice::wire::Qos;

use crate::patience;
use crate::training::Setup;
use crate::waves::demonstrations::{self, Said, header, said};

/// The robot of the benchmark; RATE is that of its commands.
const ROBOT: &str = "
robot: {name: timed, joints: [a, b]}
observe:
  rate_hz: 25
  streams:
    front: {topic: /front, type: sensor_msgs/msg/Image, size: [96, 96], align: newest, max_age_ms: 2000, time: receive}
    joints: {topic: /joint_states, type: sensor_msgs/msg/JointState, fields: [position], align: linear, max_age_ms: 1000, time: receive}
    wrist: {topic: /wrist, type: sensor_msgs/msg/Image, size: [96, 96], align: newest, max_age_ms: 2000, time: receive}
act:
  rate_hz: RATE
  parts:
    arm: {joints: [a, b], from: {topic: expert/command, type: apprentice/msg/Command},
          to: {topic: /arm/commands, type: std_msgs/msg/Float64MultiArray}}
policy: {history: 2, chunk: 16, width: 64, encoder: {convnet: {}}, head: {flow: {network: {perceptron: {}}}}}
train: {steps: 10, batch: 8, threads: 1}
control:
  limits: {position: {a: [-2, 2], b: [-2, 2]}, speed: 2, acceleration: 20, jerk: 400}
  join: {ensemble: {}}
  gate: {human: {button: 1}}
  watchdog: {joints_ms: 2000, expert_ms: 2000, link_ms: 5000, leap_ms: 5000}
";
/// What cameras send, and how often.
const SIZE: [u32; 2] = [320, 240];
const CAMERAS_HZ: u64 = 30;
/// Where the process finds its domain; it is run by this benchmark only.
const DOMAIN: &str = "CONTROL_BENCH_DOMAIN";

pub(crate) fn settings(rate: u32) -> Result<Settings> {
    Ok(Settings::parse(&ROBOT.replace("RATE", &rate.to_string()), "timed.yaml")?)
}

fn picture(at: i64, size: [u32; 2]) -> Image {
    let mut picture = demonstrations::picture(at, size);
    let bytes: Vec<u8> = (0..picture.data.len()).map(|place| (place as i64 * 7 + at / 10) as u8).collect();
    picture.data = bytes.into();
    picture
}

/// A demonstration of a second and a half.
fn demonstration(number: i64) -> Vec<Said> {
    let at = |at: i64| [0.3, -0.2].map(|joint| joint + 0.4 * ((at + 300 * number) as f64 / 500.0).sin());
    let names = || ["a", "b"].map(str::to_owned).to_vec();
    let mut all = Vec::new();
    let shown = picture(40, SIZE);
    for ms in (0..1500).step_by(10) {
        let state = JointState {
            header: header(ms),
            name: names(),
            position: at(ms).to_vec(),
            ..JointState::default()
        };
        all.push(said(ms, "/joint_states", &state));
        if ms % 40 == 0 {
            all.extend(
                ["/front", "/wrist"]
                    .map(|topic| said(ms, topic, &Image { header: header(ms), ..shown.clone() })),
            );
        }
        let wish = own::Command { names: names(), values: at(ms + 80).to_vec(), ..own::Command::default() };
        all.push(said(ms, "/expert/command", &wish));
    }
    all
}

/// A checkpoint of a policy that learned a little, and the settings it learned with.
pub(crate) fn learned(folder: &Path) -> Result<PathBuf> {
    let bag =
        |number: i64| demonstrations::write(&folder.join(number.to_string()), &demonstration(number), &[]);
    let bags: Vec<PathBuf> = (0..4).map(bag).collect::<Result<_>>()?;
    let run = folder.join("run");
    Setup::with(settings(250)?, &bags, &folder.join("cache")).train(&run, false)?;
    Ok(run.join("best"))
}

/// The robot's process; it is told on its input to come to an end, and then says what it counted.
pub(crate) struct Away {
    process: Child,
    said: BufReader<ChildStdout>,
}

impl Away {
    pub(crate) fn start(domain: u16) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .env(DOMAIN, domain.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = BufReader::new(process.stdout.take().context("its output is piped")?);
        Ok(Self { process, said })
    }

    /// How many commands it took each time until one was the person's, and how long.
    pub(crate) fn end(mut self) -> Result<Vec<(u32, Duration)>> {
        drop(self.process.stdin.take());
        let mut all = Vec::new();
        for line in self.said.by_ref().lines() {
            let line = line?;
            let (ticks, nanos) = line.split_once(' ').context("two numbers")?;
            all.push((ticks.parse()?, Duration::from_nanos(nanos.parse()?)));
        }
        self.process.wait()?;
        Ok(all)
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        self.process.kill().unwrap_or_default();
    }
}

fn join(domain: u16, node: &str) -> Result<Arc<dyn Bus>> {
    let node = node.to_owned();
    Ok(bus::open(&bus::Options { kind: Kind::Dds, node, domain: Some(domain), ..bus::Options::default() })?)
}

/// The buses over which the robot is driven, by name: the one that needs no ROS 2, and beside it ROS 2's where it is built in.
pub(crate) fn buses(domain: u16) -> Result<Vec<(&'static str, Arc<dyn Bus>)>> {
    #[cfg_attr(not(feature = "ros"), allow(unused_mut, reason = "without ROS 2 there is one"))]
    let mut all = vec![("dds", join(domain, "policy")?)];
    #[cfg(feature = "ros")]
    all.push((
        "ros",
        bus::open(&bus::Options { kind: Kind::Ros, node: "driver".to_owned(), ..bus::Options::default() })?,
    ));
    Ok(all)
}

/// A domain of this benchmark's own. ROS 2 takes it, and how far it reaches, from the environment alone, once for a process: so where
/// it is built in the benchmark is run again in a process that has both, and there is nothing left to be done here.
pub(crate) fn domain() -> Result<Option<u16>> {
    let own = u16::try_from(180 + std::process::id() % 40)?;
    if cfg!(not(feature = "ros")) {
        return Ok(Some(own));
    }
    if let (Ok(domain), Ok(_)) = (std::env::var("ROS_DOMAIN_ID"), std::env::var("ROS_LOCALHOST_ONLY")) {
        return Ok(Some(domain.parse()?));
    }
    let again = Command::new(std::env::current_exe()?)
        .args(std::env::args().skip(1))
        .env("ROS_DOMAIN_ID", own.to_string())
        .env("ROS_LOCALHOST_ONLY", "1")
        .status()?;
    anyhow::ensure!(again.success(), "the benchmark in a domain of its own: {again}");
    Ok(None)
}

/// What the robot says, and how it counts.
struct Body {
    states: Publisher<JointState>,
    cameras: [Publisher<Image>; 2],
    experts: Publisher<own::Command>,
    joys: Publisher<Joy>,
    inbox: Inbox,
    joints: Vec<f64>,
    driver: u8,
    /// When the button was pressed, and how many commands were stamped since.
    pressed: Option<(Stamp, u32)>,
    held: bool,
    /// When commands came lately.
    lately: u32,
}

impl Body {
    fn said(&mut self) -> Result<()> {
        while let Some(sample) = self.inbox.take() {
            let command: own::Command = typed::read(&sample)?;
            let stamp = command.header.stamp;
            let stamp = Stamp::from_parts(stamp.sec, stamp.nanosec);
            (self.driver, self.lately) = (command.driver, self.lately + 1);
            if let Some((at, count)) = self.pressed.filter(|(at, _)| stamp > *at) {
                self.pressed = Some((at, count + 1));
                if command.driver == Intervention::HUMAN {
                    println!("{} {}", count + 1, stamp.since(at).as_nanos());
                    self.pressed = None;
                }
            }
            if !command.values.is_empty() {
                self.joints = command.values;
            }
        }
        Ok(())
    }

    fn press(&mut self, held: bool) -> Result<()> {
        self.held = held;
        // Only what takes over from a policy that commands often is counted.
        self.pressed =
            (held && self.driver == Intervention::POLICY && self.lately > 20).then(|| (Wall.now(), 0));
        self.lately = 0;
        Ok(self.joys.send(&Joy { buttons: vec![0, i32::from(held)], ..Joy::default() })?)
    }
}

/// The robot: joints 250 times a second, two cameras at thirty, a person who wants what the robot does, and his button.
fn robot(domain: u16) -> Result<()> {
    let bus = join(domain, "robot")?;
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    std::thread::spawn(move || {
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap_or_default();
        end.store(true, Relaxed);
    });
    let inbox = Inbox::new(Limit { samples: 10_000, bytes: 1 << 24 });
    let _heard = typed::subscribe::<own::Command>(&*bus, "/command", Qos::sensor(), &inbox)?;
    let arm = Inbox::new(Limit { samples: 1, bytes: 1 << 16 });
    let told = apprentice::wire::Topic::new("/arm/commands", "std_msgs/msg/Float64MultiArray");
    let _obeyed = bus.subscribe(&told.with(Qos::reliable(1)), &arm)?;
    let mut body = Body {
        states: Publisher::open(&*bus, "/joint_states", Qos::sensor())?,
        cameras: [
            Publisher::open(&*bus, "/front", Qos::sensor())?,
            Publisher::open(&*bus, "/wrist", Qos::sensor())?,
        ],
        experts: Publisher::open(&*bus, "/expert/command", Qos::reliable(1))?,
        joys: Publisher::open(&*bus, "/joy", Qos::sensor())?,
        joints: vec![0.3, -0.2],
        driver: Intervention::HOLD,
        pressed: None,
        held: false,
        lately: 0,
        inbox,
    };
    let (mut noise, begun, mut tick) = (Noise::new(1), Instant::now(), 0_u64);
    let (pictures, names) = ([picture(10, SIZE), picture(900, SIZE)], ["a", "b"].map(str::to_owned).to_vec());
    let (mut shown, mut turn) = (0, 500);
    while !ended.load(Relaxed) {
        tick += 1;
        patience::due_at(begun + Duration::from_millis(4) * u32::try_from(tick)?);
        body.said()?;
        let (name, position) = (names.clone(), body.joints.clone());
        body.states.send(&JointState {
            name: name.clone(),
            position: position.clone(),
            ..JointState::default()
        })?;
        body.experts.send(&own::Command { names: name, values: position, ..own::Command::default() })?;
        if tick * 4 * CAMERAS_HZ / 1000 > shown {
            shown += 1;
            body.cameras.iter_mut().zip(&pictures).try_for_each(|(camera, picture)| camera.send(picture))?;
        }
        if tick >= turn {
            turn = tick + 100 + noise.below(200) as u64;
            let held = !body.held;
            // Anywhere within a tick.
            patience::due_at(Instant::now() + Duration::from_micros(noise.below(4000) as u64));
            body.press(held)?;
        } else if tick.is_multiple_of(10) {
            let buttons = vec![0, i32::from(body.held)];
            body.joys.send(&Joy { buttons, ..Joy::default() })?;
        }
    }
    Ok(())
}

/// Whether this is the robot's process; if so, it has come to its end.
pub(crate) fn is_away() -> Result<bool> {
    let Ok(domain) = std::env::var(DOMAIN) else { return Ok(false) };
    robot(domain.parse()?)?;
    Ok(true)
}
