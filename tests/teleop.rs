//! What a person who drives may count on: the arm begins where it is, does what the stick says, and stops when they let go.
//!
//! Every device drives the real node on the bus of this process; what is asserted is what a robot would hear.

#[path = "support/driving.rs"]
mod driving;

use std::sync::Arc;
use std::time::{Duration, Instant};

use apprentice::bus::local::Hub;
use apprentice::bus::typed::{Publisher, read};
use apprentice::bus::{Bus, Inbox, Limit, Node};
use apprentice::msg::Message;
use apprentice::msg::own::{Command, Intervention};
use apprentice::msg::sensor::{JointState, Joy};
use apprentice::node::diagnostics::header;
use apprentice::node::screen::Key;
use apprentice::node::teleop::{Device, Idle, Phase, Teleop};
use apprentice::node::{Context, Stop};
use apprentice::wire::{Qos, Topic};
use driving::{DEAD_MAN, MODE, OPEN, START, Stage, TURBO, fastest};

const JOY: Device = Device::Joy(None);

fn idle(stage: &Stage) -> Idle {
    match stage.report().phase {
        Phase::Idle(idle) => idle,
        other => panic!("it is {other:?}"),
    }
}

#[test]
fn a_stick_moves_the_tip_in_its_direction_from_where_the_robot_is() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    let commands = stage.hold(101, &[(1, 1.0)], &[DEAD_MAN])?;
    assert_eq!(commands.len(), 101, "a command at every step");
    let first = &commands[0];
    assert_eq!((&first.names, &first.values[..]), (&stage.names, &START[..]));
    assert_eq!((first.driver, first.limited), (Intervention::HUMAN, false));
    assert_eq!((first.header.stamp.sec, first.header.stamp.nanosec), (1000, 10_000_000));
    let (from, to) = (stage.tip(&START), stage.tip(&commands[100].values));
    let moved: Vec<f64> = to.iter().zip(from).map(|(to, from)| to - from).collect();
    // A second of 0.12 m/s forward; what is off is the straight lines that a hundred steps are made of.
    assert!((moved[0] - 0.12).abs() < 1e-3 && moved[1].abs() < 1e-3 && moved[2].abs() < 1e-3, "{moved:?}");
    assert!(commands.iter().all(|command| !command.limited));
    assert_eq!(stage.report().limited, Vec::<String>::new());
    Ok(())
}

#[test]
fn every_axis_of_the_gamepad_does_what_its_help_says() -> anyhow::Result<()> {
    for (axis, value, moved) in
        [(1, -1.0, [-1.0, 0.0, 0.0]), (0, 1.0, [0.0, 1.0, 0.0]), (4, 1.0, [0.0, 0.0, 1.0])]
    {
        let mut stage = Stage::new(JOY, &[])?;
        stage.hold(51, &[(axis, value)], &[DEAD_MAN])?;
        let (from, to) = (stage.tip(&START), stage.tip(&stage.at));
        for row in 0..3 {
            assert!(
                (to[row] - from[row] - 0.06 * moved[row]).abs() < 1e-3,
                "axis {axis}: {from:?} to {to:?}"
            );
        }
    }
    // Turning leaves the tip where it is.
    for axis in [3, 6, 7] {
        let mut stage = Stage::new(JOY, &[])?;
        stage.hold(51, &[(axis, 1.0)], &[DEAD_MAN])?;
        let turned = stage.chain.pose(&START).rotation.angle_to(&stage.chain.pose(&stage.at).rotation);
        assert!((turned - 0.4).abs() < 1e-3, "axis {axis} turned by {turned}");
        let (from, to) = (stage.tip(&START), stage.tip(&stage.at));
        assert!(from.iter().zip(to).all(|(from, to)| (from - to).abs() < 1e-3), "axis {axis}");
    }
    Ok(())
}

#[test]
fn in_the_tips_frame_forward_is_where_the_gripper_points() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &["teleop.frame=tip"])?;
    // The tip's z axis is the third row: up on the right stick is forward out of the hand, which is down.
    stage.hold(51, &[(4, 1.0)], &[DEAD_MAN])?;
    let (from, to) = (stage.tip(&START), stage.tip(&stage.at));
    assert!((to[2] - from[2] + 0.06).abs() < 1e-3, "{from:?} to {to:?}");
    Ok(())
}

#[test]
fn the_turbo_is_faster_and_a_small_deflection_finer() -> anyhow::Result<()> {
    let far = |value: f32, buttons: &[usize]| -> anyhow::Result<f64> {
        let mut stage = Stage::new(JOY, &[])?;
        stage.hold(21, &[(0, value)], buttons)?;
        Ok(stage.tip(&stage.at)[1] - stage.tip(&START)[1])
    };
    let usual = far(1.0, &[DEAD_MAN])?;
    assert!((far(1.0, &[DEAD_MAN, TURBO])? / usual - 2.5).abs() < 0.01);
    assert!(far(0.5, &[DEAD_MAN])? < 0.45 * usual);
    assert_eq!(far(0.09, &[DEAD_MAN])?, 0.0, "within the dead band");
    Ok(())
}

#[test]
fn without_the_dead_man_button_nothing_is_commanded() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    assert!(stage.hold(20, &[(1, 1.0)], &[TURBO, OPEN])?.is_empty());
    assert_eq!((idle(&stage), stage.report().sent), (Idle::Released, 0));
    Ok(())
}

#[test]
fn letting_go_ends_the_command_at_once_and_the_next_begins_where_the_robot_is_then() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    stage.hold(20, &[(1, 1.0)], &[DEAD_MAN])?;
    assert!(stage.hold(20, &[(1, 1.0)], &[])?.is_empty());
    stage.at = vec![0.3, 0.5, 0.2, 0.8, 0.1, 0.2, 0.01];
    let moved = stage.at.clone();
    let commands = stage.hold(2, &[(1, 1.0)], &[DEAD_MAN])?;
    assert_eq!(commands[0].values, moved);
    assert!(fastest(&commands) <= 1.0);
    Ok(())
}

#[test]
fn a_gamepad_that_falls_silent_ends_the_command_and_must_be_let_go_of() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    stage.hold(20, &[(1, 1.0)], &[DEAD_MAN])?;
    let after = stage.ticks(60, |_| Ok(()))?;
    // The last word came 10 ms before its tick.
    assert_eq!(after.len(), 19, "for its 200 ms and no longer");
    assert_eq!(idle(&stage), Idle::Quiet);
    assert!(stage.hold(20, &[(1, 1.0)], &[DEAD_MAN])?.is_empty(), "the button was pressed all the time");
    assert_eq!(idle(&stage), Idle::LetGo);
    assert!(stage.hold(1, &[(1, 1.0)], &[])?.is_empty());
    assert_eq!(stage.hold(5, &[], &[DEAD_MAN])?.len(), 5);
    Ok(())
}

#[test]
fn a_robot_that_no_longer_tells_where_it_is_gets_no_commands() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    stage.hold(20, &[(1, 1.0)], &[DEAD_MAN])?;
    stage.tells = false;
    let commands = stage.hold(20, &[(1, 1.0)], &[DEAD_MAN])?;
    assert_eq!(commands.len(), 5, "for the 50 ms of max_age_ms and no longer");
    assert_eq!(idle(&stage), Idle::Blind("shoulder_pan".to_owned()));
    stage.tells = true;
    assert!(stage.hold(20, &[], &[DEAD_MAN])?.is_empty());
    assert_eq!(idle(&stage), Idle::LetGo);
    stage.hold(1, &[], &[])?;
    assert_eq!(stage.hold(5, &[], &[DEAD_MAN])?.len(), 5);
    Ok(())
}

#[test]
fn a_robot_never_heard_of_gets_no_first_command() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    stage.tells = false;
    assert!(stage.hold(20, &[(1, 1.0)], &[DEAD_MAN])?.is_empty());
    // A state without one of its joints is not a state of it.
    stage.names.pop();
    stage.tells = true;
    stage.at.pop();
    assert!(stage.hold(20, &[(1, 1.0)], &[DEAD_MAN])?.is_empty());
    assert_eq!(idle(&stage), Idle::Blind("gripper".to_owned()));
    Ok(())
}

#[test]
fn joint_states_that_are_no_numbers_are_refused_and_counted() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    stage.hold(5, &[], &[DEAD_MAN])?;
    stage.tells = false;
    let commands = stage.ticks(20, |stage| {
        let mut wrong = START.to_vec();
        wrong[3] = f64::NAN;
        stage.tell(wrong)?;
        stage.tell(vec![0.0; 3])?;
        stage.stick(&[(1, 1.0)], &[DEAD_MAN])
    })?;
    assert!(
        commands.len() <= 5 && commands.iter().all(|command| command.values.iter().all(|v| v.is_finite()))
    );
    assert_eq!((stage.report().refused, stage.report().phase.commands()), (40, false));
    Ok(())
}

#[test]
fn an_axis_that_is_no_number_ends_the_command_at_once() -> anyhow::Result<()> {
    for poison in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut stage = Stage::new(JOY, &[])?;
        stage.hold(5, &[(1, 1.0)], &[DEAD_MAN])?;
        assert!(stage.hold(1, &[(1, 1.0), (4, poison)], &[DEAD_MAN])?.is_empty());
        assert!(matches!(idle(&stage), Idle::Refused(why) if why.contains("axis 4")));
        assert_eq!(stage.report().refused, 1);
        assert!(stage.hold(5, &[(1, 1.0)], &[DEAD_MAN])?.is_empty(), "it must be let go of first");
        // An axis that means nothing may say what it wants.
        stage.hold(1, &[], &[])?;
        assert_eq!(stage.hold(5, &[(2, poison)], &[DEAD_MAN])?.len(), 5);
    }
    Ok(())
}

#[test]
fn the_mode_button_changes_to_joints_and_back() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    stage.hold(3, &[], &[DEAD_MAN, MODE])?;
    assert_eq!(stage.report().device, "gamepad, joints");
    let commands = stage.hold(51, &[(0, -1.0)], &[DEAD_MAN])?;
    let last = &commands[50].values;
    // A quarter of 2 rad/s for half a second, and nothing else.
    assert!((last[0] + 0.51 * 0.5).abs() < 1e-6, "{last:?}");
    assert_eq!(last[1..], START[1..]);
    stage.hold(1, &[], &[DEAD_MAN, MODE])?;
    assert_eq!(stage.report().device, "gamepad, tip");
    Ok(())
}

#[test]
fn a_clock_that_is_set_back_begins_anew() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    stage.hold(20, &[(1, 1.0)], &[DEAD_MAN])?;
    stage.clock.tell(apprentice::time::Stamp(5_000_000_000));
    stage.at = START.to_vec();
    let commands = stage.hold(5, &[(1, 1.0)], &[DEAD_MAN])?;
    assert_eq!(commands.len(), 5);
    assert_eq!(commands[0].values, START);
    Ok(())
}

/// The loop itself, on the wall's clock: it keeps its rate, and ends when it is asked to.
#[test]
fn it_runs_at_the_robots_rate_until_it_is_stopped() -> anyhow::Result<()> {
    let hub = Hub::default();
    let end = hub.join(Node::new("robot", "")?);
    let (settings, stop) = (driving::settings(&["teleop.quiet_ms=60000"]), Stop::default());
    let context = Context::new(Arc::new(hub.join(Node::new("teleop", "left")?)), stop.clone());
    let (robot, act) = (driving::robot(&settings)?, settings.act.clone().expect("it is commanded"));
    let names: Vec<String> = robot.joints.iter().map(|joint| joint.name.clone()).collect();
    let teleop = Teleop::open(&context, robot, &act, settings.teleop.clone(), JOY, false)?;
    let inbox = Inbox::new(Limit { samples: 1000, bytes: 1 << 24 });
    let topic = Topic::new("/left/expert/command", Command::TYPE).with(Qos::reliable(1));
    let _commands = end.subscribe(&topic, &inbox)?;
    let mut joy = Publisher::<Joy>::open(&end, "/joy", Qos::reliable(1))?;
    let mut states = Publisher::<JointState>::open(&end, "/joint_states", Qos::reliable(1))?;
    let (position, velocity, effort) = (START.to_vec(), Vec::new(), Vec::new());
    let state = JointState { header: header(end.clock().now()), name: names, position, velocity, effort };
    let node = std::thread::spawn(move || teleop.run());
    let (mut stamps, deadline) = (Vec::new(), Instant::now() + Duration::from_secs(30));
    for round in 0.. {
        if stamps.len() == 50 || Instant::now() > deadline {
            break;
        }
        states.send(&state)?;
        // Pressed and let go of until the first command: pressed before the robot was seen, the button is not heeded.
        let mut buttons = vec![0; 11];
        buttons[DEAD_MAN] = i32::from(!stamps.is_empty() || round % 20 < 10);
        joy.send(&Joy { header: header(end.clock().now()), axes: vec![0.0; 8], buttons })?;
        if let Some(sample) = inbox.wait(Instant::now() + Duration::from_millis(5)) {
            let stamp = read::<Command>(&sample)?.header.stamp;
            stamps.push(i64::from(stamp.sec) * 1_000_000_000 + i64::from(stamp.nanosec));
        }
    }
    stop.wish();
    let report = node.join().expect("it does not panic")?;
    assert!(stamps.len() == 50 && report.sent >= 50, "{report:?}");
    // Never faster than the robot's rate; how much slower is the machine's business.
    assert!(stamps[49] - stamps[0] >= 49 * 10_000_000 - 10_000_000, "{:?}", stamps[49] - stamps[0]);
    Ok(())
}

#[test]
fn a_key_drives_while_it_is_held() -> anyhow::Result<()> {
    let mut stage = Stage::new(Device::Keyboard, &[])?;
    assert!(stage.ticks(10, |_| Ok(()))?.is_empty());
    stage.teleop.press(Key::Char('w'));
    // Terminals repeat after half a second, thirty times a second from then on.
    let tapped = stage.ticks(50, |_| Ok(()))?;
    assert_eq!(tapped.len(), 14, "a tap is 150 ms");
    let mut tick = 0;
    let held = stage.ticks(100, |stage| {
        if tick % 3 == 0 {
            stage.teleop.press(Key::Char('w'));
        }
        tick += 1;
        Ok(())
    })?;
    assert_eq!(held.len(), 100);
    assert!(stage.tip(&stage.at)[0] > stage.tip(&START)[0] + 0.1);
    stage.teleop.press(Key::Char(' '));
    assert!(stage.ticks(5, |_| Ok(()))?.is_empty());
    assert_eq!(idle(&stage), Idle::Released);
    Ok(())
}

#[test]
fn space_pauses_a_gamepad_until_it_is_pressed_again_and_the_button_let_go_of() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    stage.hold(5, &[], &[DEAD_MAN])?;
    stage.teleop.press(Key::Char(' '));
    assert!(stage.hold(5, &[], &[DEAD_MAN])?.is_empty());
    assert_eq!(idle(&stage), Idle::Paused);
    stage.teleop.press(Key::Char(' '));
    assert!(stage.hold(5, &[], &[DEAD_MAN])?.is_empty());
    stage.hold(1, &[], &[])?;
    assert_eq!(stage.hold(5, &[], &[DEAD_MAN])?.len(), 5);
    Ok(())
}
