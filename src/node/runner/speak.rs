//! The thread that sends what control decided: the command to the robot's own topics and on `command`, and who drives.
//!
//! Making a message asks for memory, and a bus may take its time; so control does neither. What left is noted here too, behind the bus,
//! because that and nothing else is what a policy may take for the past.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::beat::Said;
use super::eyes::Left;
use super::pace::{Hours, Pace};
use super::robot::{Outlet, Robot};
use super::shared::{Shared, add};
use super::{Error, lock};
use crate::bus::typed::Publisher;
use crate::bus::{self, Bus, Complaint};
use crate::control::gate::{Mode, Names};
use crate::control::{Limited, Limits};
use crate::msg::Message;
use crate::msg::own::{Command, Intervention};
use crate::msg::sensor::JointState;
use crate::msg::std::{Duration as Span, Float64MultiArray};
use crate::msg::trajectory::{JointTrajectory, JointTrajectoryPoint};
use crate::node::{diagnostics::header, report};
use crate::time::Stamp;
use crate::wire::Qos;

/// The topic of what really left; relative, so that a namespace may stand in front.
pub const COMMAND: &str = "command";
/// The topic of who drives, and why.
pub const INTERVENTION: &str = "intervention";
/// How often who drives is said where nothing changes.
const REPEATED: Duration = Duration::from_millis(100);
/// How often it is looked whether anybody listens.
const LINKED: Duration = Duration::from_millis(100);

/// How it is, as it was sent last.
#[derive(Clone, Debug)]
pub struct Now {
    /// When.
    pub at: Stamp,
    /// Who drives.
    pub mode: Mode,
    /// Why, in words; empty where the policy drives.
    pub reason: String,
    /// What the limits changed, in words; empty where nothing.
    pub limited: String,
    /// What they changed last, and how often they changed something.
    pub limited_last: String,
    /// At how many ticks.
    pub limits: u64,
    /// Ticks so far.
    pub ticks: u64,
    /// How doubtful the policy is, and from which doubt on a person is asked for.
    pub doubt: [f32; 2],
}

impl Default for Now {
    fn default() -> Self {
        let mode = Mode::Hold(crate::control::Reason::Start);
        let (at, reason, limited, limited_last, limits, ticks) = Default::default();
        Self { at, mode, reason, limited, limited_last, limits, ticks, doubt: [f32::NAN; 2] }
    }
}

/// The sending end of one part.
enum Mouth {
    Numbers(Publisher<Float64MultiArray>),
    Trajectory(Publisher<JointTrajectory>),
    Joints(Publisher<JointState>),
}

impl Mouth {
    fn open(bus: &dyn Bus, outlet: &Outlet) -> Result<Self, bus::Error> {
        let (topic, qos) = (outlet.to.topic.as_str(), Qos::reliable(1));
        Ok(match outlet.to.type_name.as_str() {
            JointTrajectory::TYPE => Self::Trajectory(Publisher::open(bus, topic, qos)?),
            JointState::TYPE => Self::Joints(Publisher::open(bus, topic, qos)?),
            _ => Self::Numbers(Publisher::open(bus, topic, qos)?),
        })
    }

    fn matched(&self) -> usize {
        match self {
            Self::Numbers(publisher) => publisher.matched(),
            Self::Trajectory(publisher) => publisher.matched(),
            Self::Joints(publisher) => publisher.matched(),
        }
    }

    fn send(
        &mut self,
        outlet: &Outlet,
        values: &[f64],
        at: Stamp,
        period: Duration,
    ) -> Result<(), bus::Error> {
        let values = values[outlet.joints.clone()].to_vec();
        match self {
            Self::Numbers(publisher) => {
                publisher.send(&Float64MultiArray { data: values, ..Float64MultiArray::default() })
            }
            // To be there a period from now: a header without a time means at once.
            Self::Trajectory(publisher) => publisher.send(&JointTrajectory {
                joint_names: outlet.names.clone(),
                points: vec![JointTrajectoryPoint {
                    positions: values,
                    time_from_start: Span {
                        sec: i32::try_from(period.as_secs()).unwrap_or(i32::MAX),
                        nanosec: period.subsec_nanos(),
                    },
                    ..JointTrajectoryPoint::default()
                }],
                ..JointTrajectory::default()
            }),
            Self::Joints(publisher) => publisher.send(&JointState {
                header: header(at),
                name: outlet.names.clone(),
                position: values,
                ..JointState::default()
            }),
        }
    }
}

/// Who speaks.
pub(super) struct Speaker {
    pace: Pace,
    hours: Hours,
    shared: Arc<Shared>,
    left: Left,
    now: Arc<Mutex<Now>>,
    joints: Vec<String>,
    period: Duration,
    limits: Limits,
    names: Names,
    mouths: Vec<(Outlet, Mouth)>,
    commands: Publisher<Command>,
    interventions: Publisher<Intervention>,
    repeat: Instant,
    look: Instant,
    /// What was said of the mode last.
    told: Option<Mode>,
    complaint: Complaint,
}

impl Speaker {
    /// Every topic opened, and nothing said yet.
    pub(super) fn open(
        bus: &dyn Bus,
        robot: &Robot,
        pace: Pace,
        hours: Hours,
        shared: Arc<Shared>,
        left: Left,
        now: Arc<Mutex<Now>>,
    ) -> Result<Self, Error> {
        let open = |outlet: &Outlet| Ok((outlet.clone(), Mouth::open(bus, outlet)?));
        Ok(Self {
            commands: Publisher::open(bus, COMMAND, Qos::reliable(1))?,
            interventions: Publisher::open(bus, INTERVENTION, Qos::latched(1))?,
            mouths: robot.outlets.iter().map(open).collect::<Result<_, Error>>()?,
            joints: robot.joints.clone(),
            period: robot.period(),
            limits: robot.limits.clone(),
            names: robot.names(),
            repeat: Instant::now(),
            look: Instant::now(),
            told: None,
            complaint: Complaint::default(),
            pace,
            hours,
            shared,
            left,
            now,
        })
    }

    /// Sends what comes until nothing comes any more; what was sent is given back to be filled anew.
    pub(super) fn run(mut self, said: &Receiver<Box<Said>>, empty: &SyncSender<Box<Said>>) {
        loop {
            self.listened();
            match said.recv_timeout(LINKED) {
                Ok(said) => {
                    self.say(&said);
                    if empty.try_send(said).is_err() {
                        tracing::debug!("control has ended");
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn say(&mut self, said: &Said) {
        let Said { at, known, driven, limited, ref gate, changed, ref values } = *said;
        if driven && known {
            for number in 0..self.mouths.len() {
                let (outlet, mouth) = &mut self.mouths[number];
                let sent = mouth.send(outlet, values, at, self.period);
                self.sent(sent);
            }
        }
        let (names, values) = match known {
            true => (self.joints.clone(), values.clone()),
            false => Default::default(),
        };
        let (driver, limited_at_all) = (gate.mode().driver(), limited.changed());
        let command = Command { header: header(at), names, values, driver, limited: limited_at_all };
        if known {
            // Noted as it will be received: by `/clock` no time passes in between.
            let left = if self.pace == Pace::Wall { self.hours.now() } else { at };
            self.left.note(left, &command.values);
        }
        let sent = self.commands.send(&command);
        self.sent(sent);
        let news = changed || self.told != Some(gate.mode());
        if news || Instant::now() >= self.repeat {
            self.repeat = Instant::now() + REPEATED;
            let intervention = gate.intervention(&self.names, at);
            let sent = self.interventions.send(&intervention);
            self.sent(sent);
            if self.told != Some(gate.mode()) {
                tell(gate.mode(), &intervention.reason);
                self.told = Some(gate.mode());
            }
            let mut now = lock(&self.now);
            (now.mode, now.reason) = (gate.mode(), intervention.reason);
            now.doubt = [intervention.doubt, intervention.threshold];
        }
        self.note(at, limited);
    }

    /// Keeps what is shown of it.
    fn note(&self, at: Stamp, limited: Limited) {
        let mut now = lock(&self.now);
        now.at = at;
        now.ticks += 1;
        if limited.changed() {
            now.limited = limited.words(&self.limits);
            now.limited_last = now.limited.clone();
            now.limits += 1;
        } else {
            now.limited.clear();
        }
    }

    /// Looks whether the robot's controllers listen; in a simulation whoever obeys `command` is one.
    fn listened(&mut self) {
        if Instant::now() < self.look {
            return;
        }
        self.look = Instant::now() + LINKED;
        let controllers = self.mouths.iter().all(|(_, mouth)| mouth.matched() > 0);
        if controllers || (self.pace != Pace::Wall && self.commands.matched() > 0) {
            self.shared.link.set();
        }
    }

    fn sent(&mut self, sent: Result<(), bus::Error>) {
        let Err(error) = sent else { return };
        add(&self.shared.counts.unsent, 1);
        if let Some(times) = self.complaint.raise(Instant::now()) {
            tracing::warn!(times, "the bus did not take what was to be sent: {}", report(&error));
        }
    }
}

/// Says in the log that another drives, or nobody.
fn tell(mode: Mode, reason: &str) {
    match mode {
        Mode::Policy => tracing::info!("the policy drives"),
        Mode::Human => tracing::info!("a person drives: {reason}"),
        Mode::Hold(why) if why.gravity() >= 4 => tracing::warn!("the robot is held: {reason}"),
        Mode::Hold(_) => tracing::info!("the robot is held: {reason}"),
    }
}
