//! What was commanded last, and how it was changing: all that the limits remember.
//!
//! It begins where the robot was measured, at rest, and never anywhere else: a robot whose first command is a guess leaps to that
//! guess. Everything has its place from the start, so that no tick asks for memory.

use std::time::Duration;

use super::joint::{Course, Want};
use super::{LONGEST, Limited, Limits, SHARES, SHORTEST};

/// What was commanded last, joint by joint.
#[derive(Clone, Debug, PartialEq)]
pub struct Going {
    pub(super) courses: Vec<Course>,
    pub(super) wants: Vec<Want>,
    /// The magnitude of what the gripper was last felt to press with.
    pub(super) effort: f64,
    /// The command that is being made, and what it is made from.
    pub(super) next: Vec<Course>,
    pub(super) stopped: Vec<Course>,
    /// How much of what is sought is tried at the edge of the workspace.
    pub(super) share: f64,
    positions: Vec<f64>,
    begun: bool,
    /// Time that was too short to be a tick.
    owed: Duration,
    said: Limited,
}

impl Going {
    /// Nothing yet: it goes nowhere before it has begun.
    pub fn new(limits: &Limits) -> Self {
        let courses = vec![Course::default(); limits.joints.len()];
        Self {
            wants: vec![Want::default(); courses.len()],
            effort: 0.0,
            next: courses.clone(),
            stopped: courses.clone(),
            share: SHARES[0],
            positions: vec![0.0; courses.len()],
            courses,
            begun: false,
            owed: Duration::ZERO,
            said: Limited::default(),
        }
    }

    /// Begins at rest where the robot was `measured`: at the start, and after whatever it was not this that moved it.
    ///
    /// Says whether it did: it does not where those are no positions of this robot.
    pub fn begin(&mut self, measured: &[f64]) -> bool {
        self.resume(measured, &[], &[])
    }

    /// The same for a robot that is on its way; joints without a speed or an acceleration have none.
    pub fn resume(&mut self, position: &[f64], speed: &[f64], acceleration: &[f64]) -> bool {
        let numbers = [position, speed, acceleration];
        let sound = numbers.iter().all(|numbers| numbers.iter().all(|number| number.is_finite()));
        if position.len() != self.courses.len() || !sound {
            return false;
        }
        for (joint, course) in self.courses.iter_mut().enumerate() {
            let of = |numbers: &[f64]| numbers.get(joint).copied().unwrap_or_default();
            *course = Course { position: position[joint], speed: of(speed), acceleration: of(acceleration) };
            self.wants[joint] = Want::rest(position[joint]);
        }
        self.positions.copy_from_slice(position);
        (self.begun, self.owed, self.said) = (true, Duration::ZERO, Limited::default());
        true
    }

    /// The effort that was last measured at [`Limits::gripper`]; no number means that nothing is known of it.
    pub fn feel(&mut self, effort: f64) {
        self.effort = effort.abs();
    }

    /// The last command; `None` before the first beginning.
    pub fn position(&self) -> Option<&[f64]> {
        self.begun.then_some(&self.positions)
    }

    /// Whether it stands still.
    pub fn rests(&self) -> bool {
        self.courses.iter().all(|course| course.speed == 0.0 && course.acceleration == 0.0)
    }

    /// The speed and the acceleration of a joint's last command.
    pub fn motion(&self, joint: usize) -> Option<[f64; 2]> {
        self.courses.get(joint).map(|course| [course.speed, course.acceleration])
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// The seconds that a tick of `tick` counts for; `None` while they are too few.
    pub(super) fn tick(&mut self, tick: Duration) -> Option<f64> {
        let tick = self.owed.saturating_add(tick);
        if tick < SHORTEST {
            self.owed = tick;
            return None;
        }
        self.owed = Duration::ZERO;
        Some(tick.min(LONGEST).as_secs_f64())
    }

    /// Goes on to the command that was made.
    pub(super) fn go(&mut self, said: Limited) -> Limited {
        std::mem::swap(&mut self.courses, &mut self.next);
        for (position, course) in self.positions.iter_mut().zip(&self.courses) {
            *position = course.position;
        }
        self.say(said)
    }

    pub(super) fn say(&mut self, said: Limited) -> Limited {
        self.said = said;
        said
    }

    /// What was said last.
    pub(super) fn said(&self) -> Limited {
        self.said
    }
}
