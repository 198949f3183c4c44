//! `apprentice gate` as a process of its own over DDS beside a UR5e under ros2_control, and a planner that is not ours.
//!
//! On one bus in one process a robot's rates, discovery and qualities of service are whatever the test makes them; here a controller that
//! runs at its 500 Hz offers what Fast DDS offers, and is asked for what the gate asks for.
#![cfg(feature = "dds")]

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
#[path = "support/running.rs"]
mod running;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use apprentice::bus::typed::{self, Publisher, call_typed};
use apprentice::bus::{self, Bus, Inbox, Kind, Limit};
use apprentice::config::Settings;
use apprentice::msg::own::{Intervention, Plan};
use apprentice::msg::std::{Trigger, TriggerRequest};
use apprentice::msg::trajectory::JointTrajectory;
use apprentice::node::diagnostics::header;
use apprentice::time::{Clock as _, Wall};
use apprentice::wire::Qos;
use controllers::{Arm, UR5E};
use running::Running;
use rustix::process::Signal;

const ROBOT: &str = "config/ur5e.yaml";
const COMMANDS: &str = "/forward_position_controller/commands";
/// A small machine that does something else beside.
const PATIENCE: Duration = Duration::from_secs(60);
const AT: [f64; 6] = [0.3, -1.2, 1.1, -0.4, 0.2, 0.1];
const THERE: [f64; 6] = [0.0, -1.0, 0.9, -0.2, 0.0, 0.3];

/// A robot, whoever plans for it, and what is said of who drives.
struct Scene {
    arm: Arm,
    plans: Publisher<Plan>,
    /// Where plans end.
    there: [f64; 6],
    inbox: Inbox,
    said: Intervention,
    due: Instant,
    cycles: u64,
}

impl Scene {
    /// A cycle of the controllers, no sooner than it is due; twenty times a second it is planned anew.
    fn cycle(&mut self) -> anyhow::Result<()> {
        patience::due_at(self.due);
        // What was not computed in time is not made up for: a controller_manager that overran goes on from there.
        self.due = (self.due + self.arm.period).max(Instant::now());
        self.arm.cycle(Wall.now())?;
        if self.cycles.is_multiple_of(25) {
            let from = self.arm.at();
            let row = |share: f64| {
                from.iter()
                    .zip(self.there)
                    .map(move |(from, to)| from + share * (to - from))
                    .collect::<Vec<_>>()
            };
            self.plans.send(&Plan {
                header: header(Wall.now()),
                names: UR5E.order.iter().map(|name| (*name).to_owned()).collect(),
                due: vec![0.0, 0.15, 0.3],
                values: [0.0, 0.5, 1.0].into_iter().flat_map(|share| in_its_order(&row(share))).collect(),
                state: Plan::WELL,
                ..Plan::default()
            })?;
        }
        self.cycles += 1;
        while let Some(sample) = self.inbox.take() {
            self.said = typed::read(&sample)?;
        }
        Ok(())
    }

    fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            ensure!(
                Instant::now() < deadline,
                "waited in vain: {what}; {:?}, at {:?}",
                self.said,
                self.arm.at()
            );
            self.cycle()?;
        }
        Ok(())
    }

    /// The operator lets plans go on, until the gate knows enough to.
    fn release(&mut self, bus: &Arc<dyn Bus>) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.said.driver != Intervention::POLICY {
            ensure!(Instant::now() < deadline, "it is not let go on: {:?}", self.said);
            let asking = Arc::clone(bus);
            let asked = std::thread::spawn(move || {
                call_typed::<Trigger>(&*asking, "/gate/resume", &TriggerRequest {}, PATIENCE)
            });
            self.until("an answer", |_| asked.is_finished())?;
            asked.join().expect("it does not panic")?;
        }
        Ok(())
    }

    fn off(&self, there: &[f64]) -> f64 {
        self.arm.at().iter().zip(there).map(|(is, there)| (is - there).abs()).fold(0.0, f64::max)
    }
}

/// A row in the order of the robot's file in that of the broadcaster.
fn in_its_order(row: &[f64]) -> Vec<f64> {
    let file = [
        "shoulder_pan_joint",
        "shoulder_lift_joint",
        "elbow_joint",
        "wrist_1_joint",
        "wrist_2_joint",
        "wrist_3_joint",
    ];
    let place = |name: &&str| file.iter().position(|other| other == name).map(|at| row[at]);
    UR5E.order.iter().filter_map(place).collect()
}

#[test]
fn a_gate_over_dds_brings_a_ur5e_to_where_plans_end_and_holds_it_where_its_controller_is_gone()
-> anyhow::Result<()> {
    let domain = u16::try_from(180 + std::process::id() % 20)?;
    // A participant each, as each of these is a process of its own.
    let joins = |node: &str| {
        let node = node.to_owned();
        bus::open(&bus::Options { kind: Kind::Dds, node, domain: Some(domain), ..Default::default() })
    };
    let bus = joins("controller_manager")?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(ROBOT);
    // Nobody looks at pictures here, and a busy machine may be late.
    let sets = ["observe.streams.front=null", "observe.streams.wrist=null"].map(str::to_owned);
    let mut arm = Arm::new(&*bus, &Settings::load(&[path], &sets)?, UR5E)?;
    arm.put(&AT);
    arm.judge.near = 0.15;
    let inbox = Inbox::new(Limit { samples: 100, bytes: 1 << 20 });
    let _heard = typed::subscribe::<Intervention>(&*bus, "/intervention", Qos::latched(1), &inbox)?;
    let plans = Publisher::open(&*bus, "/plan", Qos::sensor())?;
    let number = domain.to_string();
    let words = ["gate", "--no-keys", "--bus", "dds", "--domain", &number, "--config", ROBOT];
    let late =
        ["control.watchdog.joints_ms=2000", "control.watchdog.link_ms=5000", "control.limits.lead=1.5"];
    let gate = Running::start(words.into_iter().chain(late.into_iter().flat_map(|set| ["--set", set])), &[])?;
    let said = Intervention::default();
    let mut scene = Scene { arm, plans, there: THERE, inbox, said, due: Instant::now(), cycles: 0 };
    scene.until("it is held", |scene| !scene.said.reason.is_empty())?;
    let heard = scene.cycles + 250;
    scene.until("it had time to move by itself", |scene| scene.cycles > heard)?;
    ensure!(scene.arm.taken == 0 && scene.off(&AT) == 0.0, "it moved by itself");
    scene.release(&bus)?;
    scene.until("it is there", |scene| scene.off(&THERE) < 0.01)?;
    // The controller is unloaded, and somebody loads one that takes another type under its name.
    scene.arm.unload();
    let none = Inbox::new(Limit { samples: 10, bytes: 1 << 16 });
    let strange = joins("strange")?;
    let _other = typed::subscribe::<JointTrajectory>(&*strange, COMMANDS, Qos::sensor(), &none)?;
    scene.until("it is held", |scene| scene.said.reason.contains("nobody listens to the commands"))?;
    // What the gate says until it stands is of no use to a controller that comes later.
    let stands = scene.cycles + 250;
    scene.until("it stands", |scene| scene.cycles > stands)?;
    scene.there = AT;
    let at = scene.arm.at();
    let anew = joins("controller_manager_anew")?;
    scene.arm.configure(&*anew)?;
    scene.arm.activate();
    let heard = scene.cycles + 500;
    scene.until("the gate knows of it", |scene| scene.cycles > heard)?;
    ensure!(scene.off(&at) == 0.0, "it moved by itself from {at:?} to {:?}", scene.arm.at());
    scene.release(&bus)?;
    scene.until("it is where it began", |scene| scene.off(&AT) < 0.01)?;
    gate.signal(Signal::INT)?;
    let (code, said) = gate.end()?;
    ensure!(code == Some(0), "{said}");
    let at = scene.arm.at();
    (0..100).try_for_each(|_| scene.cycle())?;
    ensure!(scene.off(&at) < 0.01, "it went on from {at:?} to {:?}", scene.arm.at());
    // How far apart commands come is the machine's; where they lead, and that none leaps, is the gate's.
    let judge = &scene.arm.judge;
    let wrong = |words: &&String| !["speed", "acceleration", "jerk"].iter().any(|of| words.contains(of));
    ensure!(!judge.wrong.iter().any(|words| wrong(&words)) && judge.greatest[0] < 5.0, "{judge:?}");
    Ok(())
}
