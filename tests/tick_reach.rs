//! What was wished for a robot that could not do it, and what becomes of that later: nothing.
//!
//! Controllers that were started anew stand where the arm is now, which may have sagged or been moved by hand meanwhile, and a person who
//! could not take a robot has gone elsewhere. Whatever happens then has to be of now.

use std::time::Duration;

use apprentice::control::gate::{self, Expert, Gate, Plan, Signs};
use apprentice::control::limits;
use apprentice::control::watchdog::Ages;
use apprentice::control::{Config, Control, Limits, Mode, Moment, Reason};
use apprentice::time::Stamp;

const PERIOD: Duration = Duration::from_millis(10);
const YOUNG: [Option<Duration>; 2] = [Some(Duration::ZERO); 2];

fn control() -> Control {
    let limits: limits::Config = serde_json::from_str(
        r#"{"position": {"a": [-1, 1], "b": [-1, 1]}, "speed": 1, "acceleration": 10, "jerk": 200, "jump": 0.5, "lead": {"b": 0.25}}"#,
    )
    .expect("they are limits");
    let limits = Limits::load(&limits, None, &["a", "b"].map(str::to_owned)).expect("they are complete");
    Control::new(&Config::default(), Some(limits), &[false; 2], vec![], PERIOD, Stamp(0))
}

/// So many ticks from the number `tick` on, in which the policy wants `wish` of an arm that stands `at`, and somebody lets it go on
/// where he `resumes`; whether anybody listens to the commands says `link`.
fn ticks(
    control: &mut Control,
    tick: &mut u32,
    count: u32,
    at: &[f64],
    wish: &[f64],
    link: bool,
    resumes: bool,
) -> Mode {
    let mut mode = control.gate().mode();
    for _ in 0..count {
        *tick += 1;
        let time = PERIOD * *tick;
        let link = Some(if link { Duration::ZERO } else { Duration::from_secs(9) });
        let ages = Ages { streams: &[], joints: &YOUNG, thinking: Some(Duration::ZERO), link };
        let moment = Moment {
            now: Stamp(1_000_000_000) + time,
            monotonic: time,
            measured: Some(at),
            planned: Some(wish),
            plan: Plan::Due,
            resume: resumes,
            ages: Some(ages),
            ..Moment::default()
        };
        mode = control.tick(&moment).mode;
    }
    mode
}

#[test]
fn an_arm_that_was_out_of_reach_is_told_nothing_old() {
    let (mut control, mut tick) = (control(), 0);
    ticks(&mut control, &mut tick, 5, &[0.0; 2], &[0.0; 2], true, false);
    let mode = ticks(&mut control, &mut tick, 50, &[0.0; 2], &[0.1; 2], true, true);
    assert_eq!((mode, control.has_driven()), (Mode::Policy, true));
    // Nobody listens any more: it is braked, and then there is nothing to be said.
    let mode = ticks(&mut control, &mut tick, 100, &[0.1; 2], &[0.1; 2], false, false);
    assert_eq!((mode, control.has_driven()), (Mode::Hold(Reason::Link), false));
    // The controllers come back, and the arm has sagged by a fifth of a radian.
    let sagged = &[-0.1; 2];
    let mode = ticks(&mut control, &mut tick, 100, sagged, &[0.1; 2], true, false);
    assert_eq!((mode, control.has_driven()), (Mode::Hold(Reason::Link), false), "nobody has let it go on");
    let mode = ticks(&mut control, &mut tick, 1, sagged, &[0.1; 2], true, true);
    assert_eq!((mode, control.has_driven()), (Mode::Policy, true));
    let first = control.command().expect("it is told something");
    assert!(first.iter().all(|joint| (joint + 0.1).abs() < 0.01), "it goes on from where it is: {first:?}");
}

#[test]
fn an_arm_that_does_not_come_along_is_held_and_told_nothing_old() {
    let (mut control, mut tick) = (control(), 0);
    ticks(&mut control, &mut tick, 5, &[0.0; 2], &[0.0; 2], true, false);
    // The first joint may be anywhere: nothing is said of it, as of a gripper that presses.
    let mode = ticks(&mut control, &mut tick, 100, &[0.0; 2], &[0.4, 0.2], true, true);
    assert_eq!((mode, control.has_driven()), (Mode::Policy, true));
    let mode = ticks(&mut control, &mut tick, 100, &[0.0; 2], &[0.4, 0.4], true, false);
    assert_eq!((mode, control.has_driven()), (Mode::Hold(Reason::Behind(1)), false));
    // The gripper presses on; the other joint is told to stay where it is, so that it does not press against what keeps it.
    assert_eq!(control.command(), Some(&[0.4, 0.0][..]));
    let mode = ticks(&mut control, &mut tick, 100, &[0.0; 2], &[0.4, 0.4], true, false);
    assert_eq!(mode, Mode::Hold(Reason::Behind(1)), "nobody has let it go on");
    let mode = ticks(&mut control, &mut tick, 1, &[0.0; 2], &[0.1, 0.1], true, true);
    assert_eq!((mode, control.has_driven()), (Mode::Policy, true));
    let first = control.command().expect("it is told something");
    assert!(first.iter().all(|joint| joint.abs() < 0.01), "it goes on from where it is: {first:?}");
}

#[test]
fn a_gripper_that_is_still_told_what_to_do_goes_on_pressing_when_a_hold_is_left() {
    let (mut control, mut tick) = (control(), 0);
    ticks(&mut control, &mut tick, 5, &[0.0; 2], &[0.0; 2], true, false);
    // The first joint presses: it is told to close further than it comes.
    let mode = ticks(&mut control, &mut tick, 100, &[0.0, 0.2], &[0.4, 0.2], true, true);
    assert_eq!((mode, control.command()), (Mode::Policy, Some(&[0.4, 0.2][..])));
    let held = control.tick(&Moment {
        stop: true,
        now: Stamp(1_000_000_000) + PERIOD * (tick + 1),
        measured: Some(&[0.0, 0.2]),
        plan: Plan::Due,
        ..Moment::default()
    });
    assert_eq!(held.mode, Mode::Hold(Reason::Stopped));
    tick += 1;
    let sagged = &[0.0, 0.1];
    ticks(&mut control, &mut tick, 50, sagged, &[0.4, 0.1], true, false);
    assert_eq!(control.command(), Some(&[0.4, 0.2][..]));
    let mode = ticks(&mut control, &mut tick, 1, sagged, &[0.4, 0.1], true, true);
    assert_eq!(mode, Mode::Policy);
    let first = control.command().expect("it is told something");
    assert!((first[0] - 0.4).abs() < 0.01, "it would drop what it holds: {first:?}");
    assert!((first[1] - 0.1).abs() < 0.01, "the arm goes on from where it is: {first:?}");
}

#[test]
fn a_gripper_whose_force_is_bounded_and_not_felt_holds_the_robot() {
    let limits: limits::Config = serde_json::from_str(
        r#"{"position": {"a": [-1, 1], "b": [-1, 1]}, "speed": 1, "acceleration": 10, "jerk": 200, "gripper": {"joint": "b", "effort": 5}}"#,
    )
    .expect("they are limits");
    let limits = Limits::load(&limits, None, &["a", "b"].map(str::to_owned)).expect("they are complete");
    let mut control = Control::new(&Config::default(), Some(limits), &[false; 2], vec![], PERIOD, Stamp(0));
    let mut tick = 0;
    let mut mode = |effort, resume| {
        tick += 1;
        let now = Stamp(1_000_000_000) + PERIOD * tick;
        let (measured, planned): (Option<&[f64]>, Option<&[f64]>) = (Some(&[0.0; 2]), Some(&[0.0; 2]));
        let plan = Plan::Due;
        control.tick(&Moment { now, measured, effort, planned, plan, resume, ..Moment::default() }).mode
    };
    let unfelt = Mode::Hold(Reason::Unfelt(1));
    assert_eq!(mode(None, false), unfelt);
    assert_eq!(mode(None, true), unfelt, "a word does not make it felt");
    assert_eq!(mode(Some(1.0), false), unfelt, "nobody has let it go on");
    assert_eq!(mode(Some(1.0), true), Mode::Policy);
    assert_eq!(mode(Some(f64::NAN), false), unfelt);
}

#[test]
fn an_arm_that_is_moved_while_it_is_held_for_the_clock_binds_nobody() {
    let (mut control, mut tick) = (control(), 0);
    ticks(&mut control, &mut tick, 5, &[0.0; 2], &[0.0; 2], true, false);
    ticks(&mut control, &mut tick, 50, &[0.0; 2], &[0.0; 2], true, true);
    // An hour passes at once.
    let mode = leapt(&mut control, &mut tick);
    assert!(matches!(mode, Mode::Hold(Reason::Clock(_))), "{mode:?}");
    // Meanwhile the arm is carried away.
    let mode = ticks(&mut control, &mut tick, 100, &[0.0, 0.9], &[0.9; 2], true, false);
    assert!(matches!(mode, Mode::Hold(Reason::Clock(_))) && !control.has_driven(), "{mode:?}");
    let mode = ticks(&mut control, &mut tick, 1, &[0.0, 0.9], &[0.0, 0.9], true, true);
    assert_eq!((mode, control.has_driven()), (Mode::Policy, true));
    let first = control.command().expect("it is told something")[1];
    assert!((first - 0.9).abs() < 0.01, "it goes on from where it is: {first}");
}

/// A tick at which the clock is an hour ahead, and stays so in `tick`s to come.
fn leapt(control: &mut Control, tick: &mut u32) -> Mode {
    *tick += 1;
    let ages =
        Ages { streams: &[], joints: &YOUNG, thinking: Some(Duration::ZERO), link: Some(Duration::ZERO) };
    let moment = Moment {
        now: Stamp(1_000_000_000) + PERIOD * *tick + Duration::from_secs(3600),
        monotonic: PERIOD * *tick,
        measured: Some(&[0.0; 2]),
        planned: Some(&[0.0; 2]),
        plan: Plan::Due,
        ages: Some(ages),
        ..Moment::default()
    };
    control.tick(&moment).mode
}

/// The mode after a tick of 10 ms.
fn stepped(gate: &mut Gate, tick: i64, signs: Signs) -> Mode {
    gate.step(&signs, Stamp(tick * 10_000_000))
}

#[test]
fn who_could_not_take_a_held_robot_does_not_get_it_later() {
    let mut gate = Gate::new(&gate::Config::default(), None, Stamp(0));
    let ready = Signs { expert: Expert::Ready, plan: Plan::Due, ..Signs::default() };
    let absent = Signs { expert: Expert::Silent, ..ready };
    let start = Mode::Hold(Reason::Start);
    assert_eq!(stepped(&mut gate, 1, absent), start);
    assert_eq!(stepped(&mut gate, 2, Signs { service: Some(true), ..absent }), start);
    assert!((3..100).all(|tick| stepped(&mut gate, tick, ready) == start), "nobody asked again");
    assert_eq!(stepped(&mut gate, 100, Signs { service: Some(true), ..ready }), Mode::Human);
}

#[test]
fn of_two_words_in_one_tick_the_persons_counts() {
    let mut gate = Gate::new(&gate::Config::default(), None, Stamp(0));
    let signs = Signs { expert: Expert::Ready, plan: Plan::Due, resume: true, ..Signs::default() };
    assert_eq!(stepped(&mut gate, 1, signs), Mode::Policy);
    assert_eq!(stepped(&mut gate, 2, Signs { service: Some(true), ..signs }), Mode::Human);
}
