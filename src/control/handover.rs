//! The hand-over: how the command gets from one driver's way to the other's.
//!
//! Two drivers never want the same, and a robot that is told to be elsewhere jerks, whatever limits come after. So for a set time
//! the command is a mean of two ways: where the old driver was going, brought to rest, and what the new one wants, which has all
//! the weight at the end.
//!
//! ```text
//!   command = (1 − w) · old + w · new       w = 10 s³ − 15 s⁴ + 6 s⁵,   s = time since the change / blend_ms
//! ```
//!
//! w is the course of least jerk from 0 to 1 (Flash and Hogan 1985, "The Coordination of Arm Movements", equation 2): it and its
//! first two derivatives are those of a constant at both ends. So position, speed and acceleration of the command are the old way's
//! where the change begins and the new driver's where it ends, whatever either does in between.

use std::fmt;
use std::time::Duration;

use crate::time::Stamp;

/// Speed and acceleration are taken from the last so many commands.
const MEMORY: usize = 3;

/// The share of the blend within which the old way's acceleration fades. It is the difference of differences of commands, and so
/// the least certain thing that is known of the old way; a whole blend would carry it too far.
const FADE: f64 = 0.5;

/// What left last, and the way from it to the new driver's commands.
#[derive(Clone, Debug)]
pub struct Handover {
    over: Duration,
    /// The last commands, the newest first; only the first `known` are any.
    sent: [Sent; MEMORY],
    known: usize,
    /// What the old driver's way begins with, while there is a hand-over.
    old: Sent,
    speed: Vec<f64>,
    acceleration: Vec<f64>,
    active: bool,
}

#[derive(Clone, Debug)]
struct Sent {
    at: Stamp,
    values: Vec<f64>,
}

impl Handover {
    /// For so many joints; a change takes the time `over`.
    pub fn new(joints: usize, over: Duration) -> Self {
        let nothing = || Sent { at: Stamp(0), values: vec![0.0; joints] };
        Self {
            over,
            sent: [nothing(), nothing(), nothing()],
            known: 0,
            old: nothing(),
            speed: vec![0.0; joints],
            acceleration: vec![0.0; joints],
            active: false,
        }
    }

    /// Remembers what really left for the robot, behind the limits.
    ///
    /// Values for other joints are not remembered, nor those that are no numbers; of two for one tick the later counts.
    pub fn sent(&mut self, values: &[f64], at: Stamp) {
        if values.len() != self.joints() || values.iter().any(|value| !value.is_finite()) {
            return;
        }
        if self.known > 0 && at < self.sent[0].at {
            // Time began anew: there is no speed between the two.
            self.known = 0;
        }
        if self.known == 0 || at > self.sent[0].at {
            self.sent.rotate_right(1);
            self.known = (self.known + 1).min(MEMORY);
        }
        self.sent[0].at = at;
        self.sent[0].values.copy_from_slice(values);
    }

    /// Forgets every command and begins where the robot was measured to stand, as after a start or a hold.
    pub fn start(&mut self, measured: &[f64], at: Stamp) {
        self.known = 0;
        self.active = false;
        self.sent(measured, at);
    }

    /// Another drives from now on: what is wanted is blended in from where the last command was and how it moved.
    pub fn begin(&mut self, now: Stamp) {
        self.active = self.known > 0 && !self.over.is_zero();
        if !self.active {
            return;
        }
        self.old.at = self.sent[0].at;
        self.old.values.copy_from_slice(&self.sent[0].values);
        self.speed.fill(0.0);
        self.acceleration.fill(0.0);
        // What left long ago says where the robot is, but not how it moves.
        let recent = now >= self.old.at && now.since(self.old.at) <= self.over / 2;
        match recent {
            true => self.differences(),
            false => self.old.at = now,
        }
    }

    /// Speed and acceleration at the newest command, by Newton's divided differences over the last three.
    fn differences(&mut self) {
        let [newest, middle, oldest] = &self.sent;
        if self.known < 2 {
            return;
        }
        let near = newest.at.since(middle.at).as_secs_f64();
        let far = middle.at.since(oldest.at).as_secs_f64();
        for joint in 0..self.speed.len() {
            let late = (newest.values[joint] - middle.values[joint]) / near;
            self.speed[joint] = late;
            if self.known == MEMORY {
                let early = (middle.values[joint] - oldest.values[joint]) / far;
                let bend = (late - early) / (near + far);
                self.speed[joint] = late + bend * near;
                self.acceleration[joint] = 2.0 * bend;
            }
        }
    }

    /// Whether a change is under way at `now`.
    pub fn is_under_way(&self, now: Stamp) -> bool {
        self.active && now.since(self.old.at) < self.over
    }

    /// Makes of what the driver `wanted` what is to be commanded at `now`.
    pub fn blend(&mut self, wanted: &mut [f64], now: Stamp) {
        if now < self.old.at {
            // Time began anew under way. The rest of the change begins where the robot is.
            self.old.at = now;
            self.old.values.copy_from_slice(&self.sent[0].values);
            self.speed.fill(0.0);
            self.acceleration.fill(0.0);
        }
        if !self.is_under_way(now) || wanted.len() != self.joints() {
            self.active &= self.is_under_way(now);
            return;
        }
        let span = self.over.as_secs_f64();
        let share = now.since(self.old.at).as_secs_f64() / span;
        let weight = least_jerk(share);
        for (joint, wanted) in wanted.iter_mut().enumerate() {
            let old = self.old.values[joint]
                + self.speed[joint] * span * coasting(share)
                + self.acceleration[joint] * (span * FADE).powi(2) * fading((share / FADE).min(1.0));
            *wanted = (1.0 - weight) * old + weight * *wanted;
        }
    }

    fn joints(&self) -> usize {
        self.speed.len()
    }
}

/// From 0 at 0 to 1 at 1, resting at both.
fn least_jerk(s: f64) -> f64 {
    s * s * s * (10.0 + s * (6.0 * s - 15.0))
}

/// The way of one that has speed 1 and no acceleration at 0, and rests from 1 on: its speed is 1 − 3 s² + 2 s³.
fn coasting(s: f64) -> f64 {
    s * (1.0 + s * s * (0.5 * s - 1.0))
}

/// The way of one that has acceleration 1 and no speed at 0, and rests from 1 on: its speed is s (1 − s)².
fn fading(s: f64) -> f64 {
    s * s * (0.5 + s * (0.25 * s - 2.0 / 3.0))
}

/// A leader that is too far from the robot to take over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disagreement {
    /// The joint that is furthest beyond its bound, by its number.
    pub joint: usize,
    /// Where the person would have it.
    pub leader: f64,
    /// Where it is.
    pub robot: f64,
    /// So far they may be apart.
    pub bound: f64,
}

/// What a person's command and the robot disagree in, if in any joint by more than its bound. What is no number disagrees, and so
/// does a command for other joints.
pub fn disagreement(leader: &[f64], robot: &[f64], bounds: &[f64]) -> Option<Disagreement> {
    let joints = leader.len().max(robot.len()).max(bounds.len());
    let at = |values: &[f64], joint: usize| values.get(joint).copied().unwrap_or(f64::NAN);
    let mut worst: Option<(f64, Disagreement)> = None;
    for joint in 0..joints {
        let found = Disagreement {
            joint,
            leader: at(leader, joint),
            robot: at(robot, joint),
            bound: at(bounds, joint),
        };
        let excess = (found.leader - found.robot).abs() / found.bound;
        let excess = if excess.is_nan() { f64::INFINITY } else { excess };
        if excess > 1.0 && worst.is_none_or(|(most, _)| excess > most) {
            worst = Some((excess, found));
        }
    }
    worst.map(|(_, found)| found)
}

impl Disagreement {
    /// What the operator reads, given the names of the joints.
    pub fn words(self, joints: &[String]) -> impl fmt::Display {
        let name = joints.get(self.joint).cloned().unwrap_or_else(|| format!("#{}", self.joint));
        let Self { leader, robot, bound, .. } = self;
        format!(
            "{name:?} of the leader is at {leader:.3}, of the robot at {robot:.3}: over the bound of {bound:.3}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_that_is_too_far_off_is_refused_by_its_worst_joint() {
        let names = ["elbow", "gripper"].map(str::to_owned);
        let bounds = [0.35, 0.05];
        assert_eq!(disagreement(&[0.3, 0.02], &[0.0, 0.06], &bounds), None);
        let found = disagreement(&[0.5, 0.2], &[0.0, 0.0], &bounds).expect("both are too far");
        assert_eq!(
            found.words(&names).to_string(),
            "\"gripper\" of the leader is at 0.200, of the robot at 0.000: over the bound of 0.050"
        );
        assert_eq!(disagreement(&[0.0, f64::NAN], &[0.0, 0.0], &bounds).map(|found| found.joint), Some(1));
        assert_eq!(disagreement(&[0.0], &[0.0, 0.0], &bounds).map(|found| found.joint), Some(1));
    }

    #[test]
    fn a_way_that_is_left_comes_to_rest() {
        for way in [coasting, fading] {
            let step = 1e-4;
            let speed = |s: f64| (way(s + step) - way(s - step)) / (2.0 * step);
            assert!(speed(1.0 - step).abs() < 1e-6 && way(0.0) == 0.0);
        }
        assert_eq!((coasting(1.0), least_jerk(1.0)), (0.5, 1.0));
        assert!((fading(1.0) - 1.0 / 12.0).abs() < 1e-15);
    }

    #[test]
    fn time_that_begins_anew_leaves_no_jump() {
        let mut handover = Handover::new(1, Duration::from_millis(100));
        for tick in 0..5 {
            handover.sent(&[tick as f64], Stamp(1_000_000_000 + tick * 1_000_000));
        }
        handover.begin(Stamp(1_005_000_000));
        let mut wanted = [50.0];
        handover.blend(&mut wanted, Stamp(10));
        assert_eq!(wanted, [4.0]);
        handover.sent(&wanted, Stamp(10));
        handover.begin(Stamp(20));
        let mut wanted = [50.0];
        handover.blend(&mut wanted, Stamp(20));
        assert!((wanted[0] - 4.0).abs() < 1e-6, "one command says nothing of speed: {wanted:?}");
    }
}
