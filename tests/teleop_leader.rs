//! A leader arm: it takes over only where it agrees with the robot, is read through its calibration, and ends in silence.
//!
//! A leader's position is a command by itself, so a leap of the leader would be one of the robot: these tests hold that
//! whatever it says, the robot is brought there by its own limits.

#[path = "support/driving.rs"]
mod driving;

use apprentice::config::Settings;
use apprentice::node::teleop::{Device, Error, Idle, Phase};
use apprentice::spec::Name;
use driving::{START, Stage, robot, settings};
use proptest::prelude::*;

fn idle(stage: &Stage) -> Idle {
    match stage.report().phase {
        Phase::Idle(idle) => idle,
        other => panic!("it is {other:?}"),
    }
}

/// START with one joint elsewhere.
fn with(joint: usize, at: f64) -> [f64; 7] {
    let mut positions = START;
    positions[joint] = at;
    positions
}

/// What is said of a leader that says nothing.
fn unheard() -> Idle {
    let topic = Name::parse("/leader/joint_states").expect("it is a name");
    Idle::Unheard { joint: "shoulder_pan".to_owned(), topic }
}

#[test]
fn a_leader_that_agrees_drives_and_ends_in_silence() -> anyhow::Result<()> {
    let mut stage = Stage::new(Device::Leader, &[])?;
    assert!(stage.ticks(5, |_| Ok(()))?.is_empty());
    assert_eq!(idle(&stage), unheard());
    let commands = stage.ticks(100, |stage| stage.lead(&with(2, 0.3)))?;
    assert_eq!(commands.len(), 100);
    assert_eq!(commands[0].values, START, "it begins where the robot is");
    assert_eq!(commands[99].values, with(2, 0.3));
    // From 0.18 to 0.3 at 2.5 rad/s takes five steps.
    let steps: Vec<bool> = commands.iter().map(|command| command.limited).collect();
    assert_eq!(steps[..7], [true, true, true, true, true, false, false]);
    // The last word came 10 ms before its tick.
    assert_eq!(stage.ticks(60, |_| Ok(()))?.len(), 19, "for its 200 ms and no longer");
    assert_eq!(idle(&stage), unheard());
    assert_eq!(
        stage.ticks(5, |stage| stage.lead(&with(2, 0.3)))?.len(),
        5,
        "a leader has no button to let go of"
    );
    Ok(())
}

#[test]
fn a_leader_that_is_elsewhere_is_refused_with_the_joint_that_is_furthest_off() -> anyhow::Result<()> {
    let mut stage = Stage::new(Device::Leader, &[])?;
    let mut elsewhere = with(1, 0.9);
    elsewhere[4] = -0.5;
    assert!(stage.ticks(20, |stage| stage.lead(&elsewhere))?.is_empty());
    let Idle::Apart { joint, by, may } = idle(&stage) else { panic!("{:?}", stage.report()) };
    assert_eq!((joint.as_str(), may), ("wrist_yaw", 0.2));
    assert!((by - 0.5).abs() < 1e-12);
    assert_eq!(idle(&stage).to_string(), "wrist_yaw of the leader is off by 0.50, over its bound of 0.20");
    // Once it drives, it may go where it wants.
    assert_eq!(stage.ticks(1, |stage| stage.lead(&START))?.len(), 1);
    assert_eq!(stage.ticks(50, |stage| stage.lead(&elsewhere))?[49].values, elsewhere);
    Ok(())
}

#[test]
fn the_gripper_need_not_agree() -> anyhow::Result<()> {
    let mut stage = Stage::new(Device::Leader, &[])?;
    let commands = stage.ticks(60, |stage| stage.lead(&with(6, 0.04)))?;
    assert_eq!((commands[0].values[6], commands[59].values[6]), (0.0, 0.04));
    assert!((commands[1].values[6] - 0.0015).abs() < 1e-12, "at its own speed");
    Ok(())
}

#[test]
fn where_it_is_asked_to_the_robot_comes_to_the_leader_slowly() -> anyhow::Result<()> {
    let mut stage = Stage::new(Device::Leader, &["teleop.leader.align=0.1"])?;
    let elsewhere = with(0, 1.0);
    let commands = stage.ticks(20, |stage| stage.lead(&elsewhere))?;
    assert_eq!((commands.len(), stage.report().phase), (20, Phase::Aligning));
    // A tenth of 2 rad/s.
    assert!((commands[19].values[0] - 19.0 * 0.002).abs() < 1e-9, "{}", commands[19].values[0]);
    let commands = stage.ticks(600, |stage| stage.lead(&elsewhere))?;
    assert_eq!((stage.report().phase, commands[599].values[0]), (Phase::Driving, 1.0));
    Ok(())
}

#[test]
fn a_leader_is_read_through_its_calibration() -> anyhow::Result<()> {
    let mut stage = Stage::new(
        Device::Leader,
        &[
            "teleop.leader.joints.elbow={scale: -1.0, offset: 0.5}",
            "teleop.leader.joints.wrist_pitch={from: wrist_yaw, scale: 2.0, offset: 0.5}",
            "teleop.leader.joints.gripper={range: [1.4, 0.2], onto: [0.0, 0.04]}",
            "teleop.leader.mirror=[shoulder_pan, wrist_roll]",
        ],
    )?;
    let commands = stage.ticks(100, |stage| stage.lead(&[0.1, 0.6, 0.3, 9.0, 0.15, -0.1, 0.8]))?;
    let wanted = [-0.1, 0.6, 0.2, 0.8, 0.15, 0.1, 0.02];
    for (at, wanted) in commands[99].values.iter().zip(wanted) {
        assert!((at - wanted).abs() < 1e-12, "{:?}", commands[99].values);
    }
    // Beyond the ends of its range the leader's gripper means the ends.
    let commands = stage.ticks(100, |stage| stage.lead(&[0.1, 0.6, 0.3, 9.0, 0.15, -0.1, 2.0]))?;
    assert_eq!((commands[99].values[6], commands[99].limited), (0.0, false));
    Ok(())
}

#[test]
fn a_leader_is_heard_on_another_topic_where_the_file_says_so() -> anyhow::Result<()> {
    let mut stage = Stage::new(Device::Leader, &["teleop.leader.topic=/somewhere/else"])?;
    assert!(stage.ticks(20, |stage| stage.lead(&START))?.is_empty());
    let mut stage = Stage::new(
        Device::Leader,
        &[
            "act.parts.arm.from={next: joints, topic: null, type: null}",
            "teleop.leader.topic=/leader/joint_states",
        ],
    )?;
    assert_eq!(stage.ticks(20, |stage| stage.lead(&START))?.len(), 20);
    Ok(())
}

#[test]
fn a_message_without_a_joint_or_with_one_that_is_no_number_is_refused() -> anyhow::Result<()> {
    let mut stage = Stage::new(Device::Leader, &[])?;
    stage.ticks(5, |stage| stage.lead(&START))?;
    let commands = stage.ticks(60, |stage| {
        stage.lead(&with(3, f64::NAN))?;
        stage.lead(&START[..5])
    })?;
    assert_eq!((commands.len(), stage.report().refused), (19, 120));
    assert!(commands.iter().all(|command| command.values == START));
    Ok(())
}

fn refusal(settings: &Settings) -> String {
    let refused = Stage::of(settings, Device::Leader).map(|_| ()).expect_err("it must be refused");
    format!("{refused:#}")
}

#[test]
fn what_does_not_fit_the_robot_is_refused_before_anything_moves() {
    let said = |set: &str| refusal(&settings(&[set]));
    assert!(
        said("teleop.leader.mirror=[elbo]")
            .contains("teleop.leader.mirror: \"elbo\" is none of the commanded joints")
    );
    assert!(said("teleop.leader.joints.elbo={scale: 2.0}").contains("teleop.leader.joints"));
    assert!(said("teleop.arm.gripper=hand").contains("teleop.arm.gripper: \"hand\""));
    assert!(said("teleop.arm.tip=tool1").contains("\"tool1\" is no link of \"sim_arm\""));
    assert!(
        said("act.parts.arm.from={next: joints, topic: null, type: null}").contains("teleop.leader.topic")
    );
    assert!(said("observe.streams.joints.fields=[velocity]").contains("observe.streams"));
    let wrong = |set: &str| {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sim_arm.yaml");
        Settings::load(&[file], &[set.to_owned()]).expect_err(set).to_string()
    };
    assert!(wrong("teleop.speeed.linear=1").contains("teleop.speeed"));
    assert!(wrong("teleop.speed.linear=0").contains("teleop.speed.linear: 0 is not above 0"));
    assert!(wrong("teleop.speed.joint=1.5").contains("1.5 is no share"));
    assert!(wrong("teleop.joy.deadband=1").contains("teleop.joy.deadband"));
    assert!(wrong("teleop.leader.align=0").contains("teleop.leader.align"));
    assert!(wrong("teleop.leader.joints.elbow={range: [0, 1]}").contains("`range` and `onto` go together"));
    assert!(wrong("teleop.leader.joints.elbow={range: [1, 1], onto: [0, 1]}").contains("range from 1 to 1"));
}

/// Two arms described once: the second's joints have a prefix that its topics and its description leave out.
#[test]
fn of_two_arms_that_are_described_once_the_prefix_says_which_is_moved() -> anyhow::Result<()> {
    let arm = |side: &str| {
        let joints = ["shoulder_pan", "shoulder_lift", "elbow", "wrist_pitch", "wrist_yaw", "wrist_roll"];
        let joints = joints.map(|joint| format!("{side}/{joint}")).join(", ");
        let stream = format!(
            "{side}: {{topic: /{side}/joint_states, type: sensor_msgs/msg/JointState, prefix: {side}/, \
             fields: [position], align: linear, max_age_ms: 50}}"
        );
        let part = format!(
            "{side}: {{joints: [{joints}], from: {{topic: /{side}_leader, type: sensor_msgs/msg/JointState, prefix: {side}/}}, \
             to: {{topic: /{side}/commands, type: std_msgs/msg/Float64MultiArray, prefix: {side}/}}}}"
        );
        (joints, stream, part)
    };
    let ((left, left_stream, left_part), (right, right_stream, right_part)) = (arm("left"), arm("right"));
    let text = format!(
        "robot: {{name: two, urdf: 'package://apprentice/urdf/sim_arm.urdf', joints: [{left}, {right}]}}\n\
         observe:\n  rate_hz: 30\n  streams:\n    {left_stream}\n    {right_stream}\n\
         act:\n  rate_hz: 100\n  parts:\n    {left_part}\n    {right_part}\n\
         teleop: {{arm: {{base: base_link, tip: tool0, prefix: right/}}}}\n"
    );
    let robot = robot(&Settings::parse(&text, "two.yaml")?)?;
    assert_eq!(robot.joints.len(), 12);
    let moved = robot.arm.expect("it is named").joints;
    assert_eq!(moved, [6, 7, 8, 9, 10, 11]);
    assert_eq!(robot.joints[8].name, "right/elbow");
    let lost = text.replace("tool0, prefix: right/", "tool0, prefix: middle/");
    let refused = driving::robot(&Settings::parse(&lost, "two.yaml")?).map(|_| ()).expect_err("no such arm");
    assert!(
        refused
            .downcast_ref::<Error>()
            .is_some_and(|error| error.to_string().contains("\"middle/shoulder_pan\""))
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a leader says and wherever the robot is put, no joint is commanded beyond its limits or faster than it may.
    #[test]
    fn whatever_the_leader_says_the_command_keeps_the_limits(
        said in prop::collection::vec(prop::array::uniform7(-4.0..4.0f64), 1..12),
        shoves in prop::collection::vec((0..7usize, -0.3..0.3f64), 12),
    ) {
        let mut stage = Stage::new(Device::Leader, &["teleop.leader.align=0.5"]).expect("it opens");
        let robot = robot(&settings(&[])).expect("it is sound");
        let mut last: Option<Vec<f64>> = None;
        for (said, (shoved, by)) in said.iter().zip(shoves) {
            let known = &robot.joints[shoved];
            stage.at[shoved] = (stage.at[shoved] + by).clamp(known.lower, known.upper);
            for _ in 0..20 {
                stage.lead(said).expect("it is sent");
                let command = stage.tick().expect("it turns").expect("it drives");
                for (joint, known) in robot.joints.iter().enumerate() {
                    let (at, before) = (command.values[joint], last.as_ref().map(|last| last[joint]));
                    let within = (known.lower - 1e-9..=known.upper + 1e-9).contains(&at);
                    prop_assert!(within, "{} at {at}", known.name);
                    let step = before.map_or(0.0, |before| (at - before).abs());
                    prop_assert!(step <= known.speed * 0.01 + 1e-9, "{} by {step}", known.name);
                }
                last = Some(command.values);
            }
        }
    }
}
