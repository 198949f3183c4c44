//! One tick of control: from what is seen to the command that leaves.
//!
//! A robot's runner calls it on time, an evaluation in lockstep; there is no second loop that could differ from it. It asks nothing,
//! waits for nothing and cannot fail: whatever is wrong is a reason to hold, and to hold is to brake within the limits and stay.
//!
//! ```text
//!   ages ──► watchdog ──► fault ─┐
//!   person, policy, doubt ───────┴─► gate ──► mode ──► plan's action | person's command | braking
//!                                                             └──► hand-over ──► limits ──► command
//! ```

mod begin;
mod held;
mod moment;

use std::time::Duration;

use super::gate::{Expert, Gate, Mode, Plan, Reason, Signs};
use super::limits::{Bound, Limited, Limits};
use super::watchdog::Watchdog;
use super::{Config, Handover, handover};
use crate::time::Stamp;
use held::Held;

pub use moment::Moment;

/// What a tick came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Who drives.
    pub mode: Mode,
    /// Whether that is another than at the tick before.
    pub changed: bool,
    /// What the limits did to the command.
    pub limited: Limited,
}

/// Everything that decides what leaves for a robot, and what it remembers.
#[derive(Clone, Debug)]
pub struct Control {
    gate: Gate,
    watchdog: Watchdog,
    handover: Handover,
    held: Held,
    period: Duration,
    /// How far a person's command may be from each joint where he takes over.
    agree: Vec<f64>,
    wanted: Vec<f64>,
    /// What was wrong with what the driver wanted at the last tick.
    fault: Option<Reason>,
    /// The person wanted at the last tick what nobody can be brought nearer to.
    astray: bool,
    driven: bool,
    /// A joint does not come along with its commands.
    behind: bool,
    /// What does not come along was told to stay where it is.
    left: bool,
}

impl Control {
    /// Of joints that are commanded once in a `period`, of which `slides` says which do not turn; nobody drives yet. `streams` are the
    /// ages that the streams which the policy sees by may have. Without limits every command leaves as it is: for a simulated robot only.
    pub fn new(
        config: &Config,
        limits: Option<Limits>,
        slides: &[bool],
        streams: Vec<Duration>,
        period: Duration,
        now: Stamp,
    ) -> Self {
        let joints = slides.len();
        let held = Held::new(limits, joints);
        let mut agree = config.gate.agree.bounds(slides);
        // What a gripper holds is no disagreement.
        agree
            .iter_mut()
            .enumerate()
            .filter(|(joint, _)| held.grips(*joint))
            .for_each(|(_, may)| *may = f64::INFINITY);
        Self {
            gate: Gate::new(&config.gate, None, now),
            watchdog: Watchdog::new(&config.watchdog, streams),
            handover: Handover::new(joints, super::gate::milliseconds(config.gate.blend_ms)),
            held,
            period,
            agree,
            wanted: vec![0.0; joints],
            fault: None,
            astray: false,
            driven: false,
            behind: false,
            left: false,
        }
    }

    /// Decides who drives at this moment, and what the robot is told.
    pub fn tick(&mut self, moment: &Moment<'_>) -> Outcome {
        let before = self.gate.mode();
        let signs = self.signs(moment);
        let mode = self.gate.step(&signs, moment.now);
        (self.fault, self.astray) = (None, false);
        self.begin(before, mode, moment);
        let limited = self.go(mode, moment);
        if limited.is_fault() {
            self.blame(mode, limited);
        }
        if let Some(command) = self.held.command() {
            self.handover.sent(command, moment.now);
        }
        self.driven = match mode {
            Mode::Policy | Mode::Human => true,
            // Controllers that were gone may come back somewhere else, and would leap to where the robot was told to stay.
            Mode::Hold(Reason::Link | Reason::Blind(_)) => self.driven && !self.rests(),
            Mode::Hold(reason) => {
                let lost = self.left || self.behind || matches!(reason, Reason::Behind(_));
                self.driven && !(lost && self.rests() && self.leave(moment.measured))
            }
        };
        self.left &= self.driven && matches!(mode, Mode::Hold(_));
        Outcome { mode, changed: mode != before, limited }
    }

    /// What the robot is told; nothing before it is known where it is.
    pub fn command(&self) -> Option<&[f64]> {
        self.held.command()
    }

    /// Whether anybody has driven since the robot was last out of reach. Before, it is better left to whatever holds it now.
    pub fn has_driven(&self) -> bool {
        self.driven
    }

    /// Whether the command stands still.
    pub fn rests(&self) -> bool {
        self.held.rests()
    }

    /// Who drives, and why.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The limits, for whoever puts what they did into words.
    pub fn limits(&self) -> Option<&Limits> {
        self.held.limits()
    }

    /// Takes the threshold of doubt of another policy.
    pub fn calibrate(&mut self, threshold: Option<f32>) {
        self.gate.calibrate(threshold);
    }

    /// Time is known to begin anew.
    pub fn restart(&mut self) {
        self.watchdog.restart();
    }

    fn signs(&mut self, moment: &Moment<'_>) -> Signs {
        let policy = moment.plan != Plan::NoPolicy;
        let (now, monotonic) = (moment.now, moment.monotonic);
        let wrong = moment.ages.and_then(|ages| self.watchdog.look(&ages, policy, now, monotonic));
        // What nobody is told needs no one to follow it.
        let measured = moment.measured.filter(|_| self.driven);
        let behind = measured.and_then(|measured| self.held.behind(measured));
        self.behind = behind.is_some();
        let wrong = graver(graver(wrong, behind.map(Reason::Behind)), self.unfelt(moment));
        Signs {
            button: moment.button,
            service: moment.service,
            moved: moment.moved,
            another: moment.another,
            expert: self.expert(moment),
            // An action that is due and is not there leaves nothing to do.
            plan: if moment.plan == Plan::Due && moment.planned.is_none() { Plan::Over } else { moment.plan },
            doubt: moment.doubt,
            fault: graver(wrong, self.fault),
            resume: moment.resume,
            released: moment.released,
            stop: moment.stop,
        }
    }

    /// A bound on what nobody feels would be none.
    fn unfelt(&self, moment: &Moment<'_>) -> Option<Reason> {
        let gripper = self.held.limits()?.gripper()?;
        let felt = moment.measured.is_none() || moment.effort.is_some_and(f64::is_finite);
        (!felt).then_some(Reason::Unfelt(gripper))
    }

    fn expert(&self, moment: &Moment<'_>) -> Expert {
        let Some(wish) = moment.expert.filter(|_| !self.astray) else { return Expert::Silent };
        // Against what the robot is told where it is driven: it is never quite where it was told to be.
        let robot = if self.rests() { moment.measured } else { self.command() };
        match robot.and_then(|robot| handover::disagreement(wish, robot, &self.agree)) {
            Some(_) => Expert::Disagrees,
            None => Expert::Ready,
        }
    }

    fn go(&mut self, mode: Mode, moment: &Moment<'_>) -> Limited {
        self.held.feel(moment.effort);
        let wish = match mode {
            Mode::Policy => moment.planned,
            Mode::Human => moment.expert,
            Mode::Hold(_) => None,
        };
        let Some(wish) = wish else { return self.held.brake(self.period) };
        if wish.len() != self.wanted.len() {
            // A fault as any other wish that is none, and said to be one.
            return self.held.apply(wish, self.period);
        }
        self.wanted.copy_from_slice(wish);
        self.handover.blend(&mut self.wanted, moment.now);
        self.held.apply(&self.wanted, self.period)
    }

    /// Notes what was wrong with what the driver wanted, for the gate to see.
    fn blame(&mut self, mode: Mode, limited: Limited) {
        match mode {
            Mode::Policy => {
                self.fault = Some(match limited.bound() {
                    Some(Bound::Jump) => Reason::Jump,
                    Some(Bound::Nowhere) => Reason::Blind(0),
                    _ => Reason::NoNumber,
                });
            }
            Mode::Human => self.astray = true,
            Mode::Hold(_) => {}
        }
    }
}

/// The graver of two reasons; the first where they are alike.
fn graver(one: Option<Reason>, other: Option<Reason>) -> Option<Reason> {
    match (one, other) {
        (Some(one), Some(other)) if other.gravity() > one.gravity() => Some(other),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::gate::Button;
    use crate::control::limits;

    const PERIOD: Duration = Duration::from_millis(10);

    fn control(extra: &str) -> Control {
        let limits: limits::Config = serde_json::from_str(
            r#"{"position": {"a": [-1, 1], "b": [-1, 1]}, "speed": 1, "acceleration": 10, "jerk": 200, "jump": 0.5}"#,
        )
        .expect("they are limits");
        let names = ["a", "b"].map(str::to_owned);
        let limits = Limits::load(&limits, None, &names).expect("they are complete");
        let config: Config = serde_json::from_str(extra).expect("it is a section");
        Control::new(&config, Some(limits), &[false; 2], vec![], PERIOD, Stamp(0))
    }

    fn at(tick: i64) -> Moment<'static> {
        let now = Stamp(1_000_000_000) + PERIOD * u32::try_from(tick).expect("ticks count up");
        Moment { now, measured: Some(&[0.1, -0.2]), plan: Plan::Due, ..Moment::default() }
    }

    /// Lets the policy go on, which wants the robot to stay where it was measured, and gives the tick after the next.
    fn released(control: &mut Control) -> i64 {
        let here: &[f64] = &[0.1, -0.2];
        let moment = |tick| Moment { planned: Some(here), resume: tick == 1, ..at(tick) };
        (0..20).for_each(|tick| {
            control.tick(&moment(tick));
        });
        assert_eq!(control.gate().mode(), Mode::Policy);
        20
    }

    #[test]
    fn nothing_moves_before_somebody_lets_it_and_then_from_where_the_robot_is() {
        let mut control = control("{}");
        let far: &[f64] = &[0.4, 0.2];
        let outcome = control.tick(&Moment { planned: Some(far), ..at(0) });
        assert_eq!(outcome.mode, Mode::Hold(Reason::Start));
        assert_eq!((control.command(), control.has_driven()), (Some(&[0.1, -0.2][..]), false));
        // It sagged meanwhile.
        let sagged: &[f64] = &[0.05, -0.25];
        let moment = Moment { planned: Some(far), measured: Some(sagged), resume: true, ..at(30) };
        assert_eq!(control.tick(&moment).mode, Mode::Policy);
        let first = control.command().expect("it has begun").to_vec();
        assert!((first[0] - 0.05).abs() < 1e-3 && (first[1] + 0.25).abs() < 1e-3, "{first:?}");
        assert!(control.has_driven());
    }

    #[test]
    fn what_is_no_number_never_leaves_and_holds_the_robot() {
        let mut control = control("{}");
        let tick = released(&mut control);
        let before = control.command().expect("it has begun").to_vec();
        let outcome = control.tick(&Moment { planned: Some(&[f64::NAN, 0.0]), ..at(tick) });
        assert!(outcome.limited.is_fault());
        let after = control.tick(&Moment { planned: Some(&[0.1, -0.2]), ..at(tick + 1) });
        assert_eq!(after.mode, Mode::Hold(Reason::NoNumber));
        assert_eq!(control.command(), Some(&before[..]));
    }

    #[test]
    fn a_leap_is_braked_and_holds_the_robot() {
        let mut control = control("{}");
        let tick = released(&mut control);
        control.tick(&Moment { planned: Some(&[0.9, -0.2]), ..at(tick) });
        let after = control.tick(&Moment { planned: Some(&[0.9, -0.2]), ..at(tick + 1) });
        assert_eq!(after.mode, Mode::Hold(Reason::Jump));
        assert_eq!(control.command(), Some(&[0.1, -0.2][..]));
    }

    #[test]
    fn a_person_takes_over_within_the_tick_and_the_command_does_not_jump() {
        let mut control = control(r#"{"gate": {"human": {"button": 4}}}"#);
        let tick = released(&mut control);
        let wish: &[f64] = &[0.3, 0.0];
        let held = |tick| Moment { expert: Some(wish), button: Button::Held, ..at(tick) };
        control.tick(&Moment { planned: Some(&[0.1, -0.2]), button: Button::Free, ..at(tick) });
        let mut before = control.command().expect("it has begun").to_vec();
        assert_eq!(control.tick(&held(tick + 1)).mode, Mode::Human);
        for tick in tick + 2..tick + 200 {
            let now = control.command().expect("it has begun").to_vec();
            assert!(now.iter().zip(&before).all(|(now, before)| (now - before).abs() < 0.011), "{now:?}");
            before = now;
            control.tick(&held(tick));
        }
        assert_eq!(control.command(), Some(wish));
    }

    #[test]
    fn a_person_who_wants_what_is_no_number_loses_the_robot() {
        let mut control = control(r#"{"gate": {"human": {"button": 4}}}"#);
        let tick = released(&mut control);
        control.tick(&Moment { planned: Some(&[0.1, -0.2]), button: Button::Free, ..at(tick) });
        let held = |tick, wish| Moment { expert: Some(wish), button: Button::Held, ..at(tick) };
        assert_eq!(control.tick(&held(tick + 1, &[0.1, -0.2])).mode, Mode::Human);
        control.tick(&held(tick + 2, &[f64::INFINITY, -0.2]));
        assert_eq!(control.tick(&held(tick + 3, &[0.1, -0.2])).mode, Mode::Hold(Reason::ExpertGone));
    }

    #[test]
    fn a_wish_for_other_joints_is_a_fault_and_no_silent_stop() {
        for limits in [true, false] {
            let mut control = control("{}");
            if !limits {
                control = Control::new(&Config::default(), None, &[false; 2], vec![], PERIOD, Stamp(0));
            }
            let tick = released(&mut control);
            let outcome = control.tick(&Moment { planned: Some(&[0.1]), ..at(tick) });
            assert!(outcome.limited.is_fault(), "{outcome:?}");
            let after = control.tick(&Moment { planned: Some(&[0.1, -0.2]), ..at(tick + 1) });
            assert_eq!(after.mode, Mode::Hold(Reason::NoNumber));
        }
        let mut control = control("{}");
        let tick = released(&mut control);
        assert_eq!(control.tick(&at(tick)).mode, Mode::Hold(Reason::PlanOver), "due, and not there");
    }

    #[test]
    fn without_limits_a_command_leaves_as_it_is() {
        let mut control = Control::new(&Config::default(), None, &[false; 2], vec![], PERIOD, Stamp(0));
        let wish: &[f64] = &[3.0, -4.0];
        control.tick(&Moment { planned: Some(wish), ..at(0) });
        let outcome = control.tick(&Moment { planned: Some(wish), resume: true, ..at(1) });
        assert_eq!((outcome.mode, control.command()), (Mode::Policy, Some(wish)));
        control.tick(&Moment { planned: Some(&[f64::NAN, 1.0]), ..at(2) });
        assert_eq!(control.command(), Some(wish));
    }
}
