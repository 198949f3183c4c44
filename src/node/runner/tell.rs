//! The thread that tells everybody else: the command as it left on `command`, and who drives on `intervention`.
//!
//! Recorders, simulators and people listen here, any number of them and any of them slowly. The robot is spoken to by
//! [another thread](super::speak), so that none of them can have it wait.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::beat::Said;
use super::draw::Drawing;
use super::pace::Pace;
use super::robot::Robot;
use super::shared::Shared;
use super::speak::{LINKED, give_back, unsent};
use super::{Error, lock};
use crate::bus::typed::Publisher;
use crate::bus::{Bus, Complaint};
use crate::control::gate::{Mode, Names};
use crate::control::{Limited, Limits};
use crate::msg::own::{Command, Intervention};
use crate::node::diagnostics::header;
use crate::time::Stamp;
use crate::wire::Qos;

/// The topic of what really left; relative, so that a namespace may stand in front.
pub const COMMAND: &str = "command";
/// The topic of who drives, and why.
pub const INTERVENTION: &str = "intervention";
/// How often who drives is said where nothing changes.
const REPEATED: Duration = Duration::from_millis(100);

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

/// Who tells.
pub(super) struct Teller {
    pace: Pace,
    shared: Arc<Shared>,
    now: Arc<Mutex<Now>>,
    joints: Vec<String>,
    limits: Limits,
    names: Names,
    commands: Publisher<Command>,
    interventions: Publisher<Intervention>,
    drawing: Option<Drawing>,
    repeat: Instant,
    look: Instant,
    /// What was said of the mode last.
    told: Option<Mode>,
    complaint: Complaint,
}

impl Teller {
    /// Both topics opened, and nothing said yet.
    pub(super) fn open(
        bus: &dyn Bus,
        robot: &Robot,
        pace: Pace,
        shared: Arc<Shared>,
        now: Arc<Mutex<Now>>,
    ) -> Result<Self, Error> {
        Ok(Self {
            commands: Publisher::open(bus, COMMAND, Qos::reliable(1))?,
            interventions: Publisher::open(bus, INTERVENTION, Qos::latched(1))?,
            drawing: Drawing::of_drivers(bus, robot)?,
            joints: robot.joints.clone(),
            limits: robot.limits.clone(),
            names: robot.names(),
            repeat: Instant::now(),
            look: Instant::now(),
            told: None,
            complaint: Complaint::default(),
            pace,
            shared,
            now,
        })
    }

    /// Tells what comes until nothing comes any more; what was told is given back to be filled anew.
    pub(super) fn run(mut self, telling: &Receiver<Box<Said>>, empty: &SyncSender<Box<Said>>) {
        loop {
            self.listened();
            match telling.recv_timeout(LINKED) {
                Ok(said) => {
                    self.say(&said);
                    give_back(said, empty);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn say(&mut self, said: &Said) {
        let Said { at, known, limited, ref gate, changed, ref values, .. } = *said;
        let (names, values) = match known {
            true => (self.joints.clone(), values.clone()),
            false => Default::default(),
        };
        let (driver, limited_at_all) = (gate.mode().driver(), limited.changed());
        let command = Command { header: header(at), names, values, driver, limited: limited_at_all };
        let sent = self.commands.send(&command);
        unsent(&self.shared, &mut self.complaint, sent);
        let news = changed || self.told != Some(gate.mode());
        if news || Instant::now() >= self.repeat {
            self.repeat = Instant::now() + REPEATED;
            let intervention = gate.intervention(&self.names, at);
            let sent = self.interventions.send(&intervention);
            unsent(&self.shared, &mut self.complaint, sent);
            if let Some(drawing) = &mut self.drawing {
                drawing.driver(&command, gate.mode(), &intervention.reason, at);
            }
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

    /// In a simulation whoever obeys `command` is the robot's controller; unless there are others, beside whom a recorder listens.
    pub(super) fn listened(&mut self) {
        if self.pace == Pace::Wall || Instant::now() < self.look {
            return;
        }
        self.look = Instant::now() + LINKED;
        let obeyed = self.pace == Pace::Lockstep || !self.shared.obeyed.load(Relaxed);
        if self.commands.matched() > 0 && obeyed {
            self.shared.link.set();
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
