//! The thread that sends the robot what control decided, on the robot's own topics and on nothing else.
//!
//! Making a message asks for memory, and a bus may take its time; so control does neither. Whoever listens to a runner besides its
//! robot may be slow, or gone without a word, and a bus that waits for him would have the robot wait too: what is for all others is
//! handed to a [thread of its own](super::tell). What a slow bus let grow old is told to them, but not to the robot, which gets the
//! newest or nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};

use super::Error;
use super::beat::Said;
use super::eyes::Left;
use super::pace::{Hours, Pace};
use super::robot::{Outlet, Robot};
use super::shared::{Shared, add};
use crate::bus::typed::Publisher;
use crate::bus::{self, Bus, Complaint};
use crate::msg::Message;
use crate::msg::sensor::JointState;
use crate::msg::std::{Duration as Span, Float64MultiArray};
use crate::msg::trajectory::{JointTrajectory, JointTrajectoryPoint};
use crate::node::{diagnostics::header, report};
use crate::precedence::Precedence;
use crate::time::Stamp;
use crate::wire::Qos;

/// How often it is looked whether anybody listens.
pub(super) const LINKED: Duration = Duration::from_millis(100);
/// A bus that takes so long for a command does not bring it to anybody.
const STALLED: Duration = Duration::from_millis(50);

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

/// Who speaks to the robot.
pub(super) struct Speaker {
    pace: Pace,
    hours: Hours,
    shared: Arc<Shared>,
    left: Left,
    period: Duration,
    mouths: Vec<(Outlet, Mouth)>,
    look: Instant,
    /// The bus took long for the last command.
    stalls: bool,
    complaint: Complaint,
}

/// The ways that what was decided takes: from control, to whoever tells all others, and back empty.
pub(super) struct Ways {
    pub(super) said: Receiver<Box<Said>>,
    pub(super) telling: SyncSender<Box<Said>>,
    pub(super) empty: SyncSender<Box<Said>>,
}

impl Speaker {
    /// Every topic of the robot opened, and nothing said yet.
    pub(super) fn open(
        bus: &dyn Bus,
        robot: &Robot,
        pace: Pace,
        hours: Hours,
        shared: Arc<Shared>,
        left: Left,
    ) -> Result<Self, Error> {
        let open = |outlet: &Outlet| Ok((outlet.clone(), Mouth::open(bus, outlet)?));
        Ok(Self {
            mouths: robot.outlets.iter().map(open).collect::<Result<_, Error>>()?,
            period: robot.period(),
            look: Instant::now(),
            stalls: false,
            complaint: Complaint::default(),
            pace,
            hours,
            shared,
            left,
        })
    }

    /// Sends what comes until nothing comes any more.
    pub(super) fn run(mut self, ways: &Ways) {
        // A command that waits behind ordinary work comes late.
        Precedence::Receiving.take();
        loop {
            self.listened();
            match ways.said.recv_timeout(LINKED) {
                Ok(mut newest) => {
                    while let Ok(newer) = ways.said.try_recv() {
                        // The last tick is said twice where nothing comes after it.
                        add(&self.shared.counts.outdated, u64::from(newer.at != newest.at));
                        self.pass(std::mem::replace(&mut newest, newer), ways);
                    }
                    self.say(&newest);
                    self.pass(newest, ways);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn say(&mut self, said: &Said) {
        if !(said.driven && said.known) {
            // What is not sent takes no time: whether it would may be tried again.
            self.stalls = false;
            return;
        }
        let begun = Instant::now();
        for (outlet, mouth) in &mut self.mouths {
            let sent = mouth.send(outlet, &said.values, said.at, self.period);
            unsent(&self.shared, &mut self.complaint, sent);
        }
        self.stalls = begun.elapsed() > STALLED;
    }

    /// Notes what left, which and nothing else is what a policy may take for the past, and hands it on to whoever tells it.
    fn pass(&self, said: Box<Said>, ways: &Ways) {
        if said.known {
            // Noted as it will be received: by `/clock` no time passes in between.
            let left = if self.pace == Pace::Wall { self.hours.now() } else { said.at };
            self.left.note(left, &said.values);
        }
        if let Err(TrySendError::Full(said) | TrySendError::Disconnected(said)) = ways.telling.try_send(said)
        {
            add(&self.shared.counts.unsent, 1);
            give_back(said, &ways.empty);
        }
    }

    /// Looks whether the robot's controllers listen, and get what is sent.
    pub(super) fn listened(&mut self) {
        if Instant::now() < self.look {
            return;
        }
        self.look = Instant::now() + LINKED;
        if self.mouths.iter().all(|(_, mouth)| mouth.matched() > 0) {
            self.shared.obeyed.store(true, Relaxed);
            if !self.stalls {
                self.shared.link.set();
            }
        }
    }
}

/// Has a box filled anew.
pub(super) fn give_back(said: Box<Said>, empty: &SyncSender<Box<Said>>) {
    if empty.try_send(said).is_err() {
        tracing::debug!("control has ended");
    }
}

/// Counts what the bus did not take, and says so.
pub(super) fn unsent(shared: &Shared, complaint: &mut Complaint, sent: Result<(), bus::Error>) {
    let Err(error) = sent else { return };
    add(&shared.counts.unsent, 1);
    if let Some(times) = complaint.raise(Instant::now()) {
        tracing::warn!(times, "the bus did not take what was to be sent: {}", report(&error));
    }
}
