//! What a stick can never do: bring a joint over its limits, faster than it may, or far ahead of a robot that is held back.
//!
//! Whoever drives pushes sticks to their ends and against everything there is; these are the cases in which a command must
//! differ from what was wanted, and say so.

#[path = "support/driving.rs"]
mod driving;

use std::time::Duration;

use apprentice::node::teleop::Device;
use driving::{CLOSE, DEAD_MAN, MODE, OPEN, START, Stage, TURBO, fastest};
use proptest::prelude::*;

const JOY: Device = Device::Joy(None);

#[test]
fn the_gripper_opens_and_closes_to_its_limits_and_no_further() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    let commands = stage.hold(101, &[], &[DEAD_MAN, OPEN])?;
    let gripper: Vec<f64> = commands.iter().map(|command| command.values[6]).collect();
    assert!((gripper[11] - 11.0 * 0.075 * 0.01).abs() < 1e-9, "half of its speed limit: {}", gripper[11]);
    assert_eq!(gripper[100], 0.04);
    assert!(commands[100].limited && !commands[11].limited);
    assert_eq!(stage.report().limited, ["gripper is at its limit"]);
    assert_eq!(commands[100].values[..6], START[..6]);
    stage.hold(101, &[], &[DEAD_MAN, CLOSE])?;
    assert_eq!(stage.at[6], 0.0);
    Ok(())
}

/// Commanded to where its fingers are, a gripper would let fall what it holds.
#[test]
fn a_gripper_that_holds_something_goes_on_holding_it_after_a_pause() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    stage.obeys = false;
    stage.at[6] = 0.02;
    let commands = stage.hold(60, &[], &[DEAD_MAN, CLOSE])?;
    assert_eq!(commands[59].values[6], 0.0, "it presses");
    stage.hold(20, &[], &[])?;
    assert_eq!(stage.hold(1, &[], &[DEAD_MAN])?[0].values[6], 0.0, "it still presses");
    stage.hold(20, &[], &[])?;
    stage.at[6] = 0.035;
    assert_eq!(stage.hold(1, &[], &[DEAD_MAN])?[0].values[6], 0.035, "somebody opened it meanwhile");
    Ok(())
}

#[test]
fn at_a_limit_the_command_stays_within_it_and_the_reason_is_told() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    let commands = stage.hold(1500, &[(1, 1.0), (4, 0.3)], &[DEAD_MAN, TURBO])?;
    assert_eq!(commands.len(), 1500);
    for (joint, limit) in stage.chain.coordinates().iter().enumerate() {
        let out = commands
            .iter()
            .map(|command| command.values[joint])
            .find(|at| !(limit.lower - 1e-9..=limit.upper + 1e-9).contains(at));
        assert_eq!(out, None, "{}", limit.name);
    }
    assert!(fastest(&commands) < 1.0 + 1e-9);
    let report = stage.report();
    assert!(commands[1499].limited && !report.limited.is_empty(), "{report:?}");
    let settled = commands[1400..].iter().flat_map(|command| &command.values);
    assert!(settled.clone().all(|at| at.is_finite()));
    Ok(())
}

#[test]
fn a_robot_that_is_held_back_is_not_commanded_far_ahead() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    stage.obeys = false;
    stage.hold(3, &[], &[DEAD_MAN, MODE])?;
    let commands = stage.hold(500, &[(0, 1.0)], &[DEAD_MAN])?;
    let last = commands[499].values[0];
    // 250 ms at 2 rad/s.
    assert!((last - 0.5).abs() < 1e-9, "{last}");
    assert_eq!(stage.report().limited, ["shoulder_pan of the robot does not come along"]);
    Ok(())
}

#[test]
fn a_robot_beyond_its_limit_comes_back_and_goes_no_further_out() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &[])?;
    stage.at[0] = 3.0;
    stage.hold(3, &[], &[DEAD_MAN, MODE])?;
    let out = stage.hold(50, &[(0, 1.0)], &[DEAD_MAN])?;
    assert!(out.iter().all(|command| command.values[0] == 3.0), "not further, and no leap back either");
    let back = stage.hold(50, &[(0, -1.0)], &[DEAD_MAN])?;
    assert!(back[49].values[0] < 2.8);
    Ok(())
}

#[test]
fn a_step_too_late_is_not_made_up_for() -> anyhow::Result<()> {
    let mut stage = Stage::new(JOY, &["teleop.quiet_ms=5000", "observe.streams.joints.max_age_ms=5000"])?;
    stage.hold(3, &[], &[DEAD_MAN, MODE])?;
    stage.stick(&[(0, 1.0)], &[DEAD_MAN])?;
    let command = stage.tick_of(Duration::from_secs(2))?.expect("it drives");
    // A tenth of a second at a quarter of 2 rad/s.
    assert!((command.values[0] - 0.05).abs() < 1e-9, "{}", command.values[0]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Both modes, turbo or not, through whatever singularities lie on the way.
    #[test]
    fn whatever_the_sticks_do_the_command_keeps_the_limits(
        pushes in prop::collection::vec(
            (prop::array::uniform8(-1.0..1.0f32), prop::bool::weighted(0.7), prop::bool::weighted(0.1)), 1..8,
        ),
        frame in prop::bool::ANY,
    ) {
        let frame = if frame { "teleop.frame=tip" } else { "teleop.frame=base" };
        let mut stage = Stage::new(JOY, &[frame]).expect("it opens");
        let mut commands = Vec::new();
        for (axes, turbo, mode) in pushes {
            let axes: Vec<(usize, f32)> = axes.into_iter().enumerate().collect();
            let mut buttons = vec![DEAD_MAN, OPEN];
            buttons.extend(turbo.then_some(TURBO));
            buttons.extend(mode.then_some(MODE));
            commands.extend(stage.hold(60, &axes, &buttons).expect("it drives"));
        }
        prop_assert!(fastest(&commands) <= 1.0 + 1e-9);
        for command in &commands {
            for (limit, at) in stage.chain.coordinates().iter().zip(&command.values) {
                let within = (limit.lower - 1e-9..=limit.upper + 1e-9).contains(at);
                prop_assert!(within, "{} at {at}", limit.name);
            }
        }
    }
}
