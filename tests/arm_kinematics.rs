//! Kinematics held to what they must be whatever the numbers: derivatives, round trips, limits, bounded speeds.
//!
//! The arm is the package's own; a chain with a joint that mimics another, one with seven joints and one with four are made
//! up here, because each once breaks an assumption that six joints in a row hide.

#[path = "support/counting.rs"]
mod counting;

use std::f64::consts::{FRAC_PI_2, PI};

use apprentice::arm::inverse::{Manner, Search, Step, Why, follow, solve};
use apprentice::arm::urdf::SIM_ARM;
use apprentice::arm::{Chain, Description, Twist};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use proptest::prelude::*;

#[global_allocator]
static COUNTING: counting::Counting = counting::Counting;

/// The gripper a hand's breadth over the table, pointing down, far from every limit.
const READY: [f64; 6] = [0.0, 0.62, 0.18, 0.77, 0.0, 0.0];
const DT: f64 = 0.01;

fn sim_arm() -> Chain {
    chain(SIM_ARM, "base_link", "tool0")
}

fn chain(urdf: &str, base: &str, tip: &str) -> Chain {
    let arm = Description::parse(urdf, "test.urdf").unwrap_or_else(|error| panic!("{error}"));
    Chain::between(&arm, base, tip).unwrap_or_else(|error| panic!("{error}"))
}

/// So many joints in a row that turn about y and x in turn, a quarter of a metre apart.
fn row(joints: usize) -> Chain {
    let mut urdf = String::from("<robot name=\"row\"><link name=\"l0\"/>");
    for i in 0..joints {
        let axis = ["0 1 0", "1 0 0", "0 0 1"][i % 3];
        urdf += &format!(
            "<link name=\"l{}\"/><joint name=\"j{i}\" type=\"revolute\"><parent link=\"l{i}\"/><child link=\"l{0}\"/>\
             <origin xyz=\"0 0.02 0.2\"/><axis xyz=\"{axis}\"/><limit lower=\"-2\" upper=\"2\" velocity=\"2\" effort=\"9\"/></joint>",
            i + 1
        );
    }
    chain(&(urdf + "</robot>"), "l0", &format!("l{joints}"))
}

/// Positions at those shares of the ways between the limits.
fn within(chain: &Chain, shares: &[f64]) -> Vec<f64> {
    let at = |(joint, share): (&apprentice::arm::Coordinate, &f64)| {
        joint.lower + share * (joint.upper - joint.lower)
    };
    chain.coordinates().iter().zip(shares).map(at).collect()
}

fn way(from: &Isometry3<f64>, to: &Isometry3<f64>) -> Twist {
    let off = to.translation.vector - from.translation.vector;
    let turn = (to.rotation * from.rotation.inverse()).scaled_axis();
    Twist::new(off.x, off.y, off.z, turn.x, turn.y, turn.z)
}

fn is_jacobian(chain: &Chain, positions: &[f64]) -> Result<(), TestCaseError> {
    let (pose, jacobian) = chain.jacobian(positions);
    prop_assert!(way(&pose, &chain.pose(positions)).amax() < 1e-12);
    // Of central differences over 2h the error is h² × the third derivative: some 1e-10 here, and rounding as much.
    let h = 1e-5;
    for joint in 0..chain.dof() {
        let moved = |by: f64| {
            let mut moved = positions.to_vec();
            moved[joint] += by;
            chain.pose(&moved)
        };
        let difference = way(&moved(-h), &moved(h)) / (2.0 * h);
        let off = (difference - jacobian.column(joint)).amax();
        prop_assert!(off < 1e-8, "column {joint} is off by {off}");
    }
    Ok(())
}

/// The least singular value with the weights of the default manner.
fn least_singular(chain: &Chain, positions: &[f64]) -> f64 {
    let (_, mut jacobian) = chain.jacobian(positions);
    jacobian.fixed_rows_mut::<3>(3).scale_mut(Manner::default().length);
    let least = (jacobian * jacobian.transpose()).symmetric_eigenvalues().min();
    least.max(0.0).sqrt()
}

/// Straight down at that place, the fingers opening across `heading`.
fn down(x: f64, y: f64, z: f64, heading: f64) -> Isometry3<f64> {
    let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), heading)
        * UnitQuaternion::from_axis_angle(&Vector3::y_axis(), PI);
    Isometry3::from_parts(Translation3::new(x, y, z), turn)
}

#[test]
fn the_tool_is_where_the_description_says() {
    let arm = sim_arm();
    // Upright, then forward: 0.12 + 0.12 + 0.33 up, 0.31 + 0.16 forward; z points forward there.
    let pose = arm.pose(&[0.0; 6]);
    let off = way(
        &pose,
        &Isometry3::from_parts(
            Translation3::new(0.47, 0.0, 0.57),
            UnitQuaternion::from_axis_angle(&Vector3::y_axis(), FRAC_PI_2),
        ),
    );
    assert!(off.amax() < 1e-12, "{off}");
    assert_eq!((arm.base(), arm.tip(), arm.dof()), ("base_link", "tool0", 6));
    let turned = arm.pose(&[FRAC_PI_2, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert!((turned.translation.vector - Vector3::new(0.0, 0.47, 0.57)).amax() < 1e-12);
}

#[test]
fn a_finger_that_mimics_moves_with_the_joint_it_follows() {
    let right = chain(SIM_ARM, "hand", "right_finger");
    assert_eq!(right.coordinates().iter().map(|joint| &joint.name).collect::<Vec<_>>(), ["gripper"]);
    assert!((right.pose(&[0.03]).translation.vector - Vector3::new(0.115, -0.03, 0.0)).amax() < 1e-12);
    assert_eq!(right.jacobian(&[0.03]).1.column(0).as_slice(), [0.0, -1.0, 0.0, 0.0, 0.0, 0.0]);
    // A follower that goes half as far and is held more tightly bounds the joint it follows.
    let slow = SIM_ARM.replace(
        r#"<limit lower="0" upper="0.04" velocity="0.15" effort="40"/>
    <dynamics damping="8" friction="0"/>
    <mimic joint="gripper" multiplier="1" offset="0"/>"#,
        r#"<limit lower="-0.01" upper="0.01" velocity="0.15" effort="40"/>
    <mimic joint="gripper" multiplier="-0.5" offset="0.005"/>"#,
    );
    let right = chain(&slow, "hand", "right_finger");
    let bound = &right.coordinates()[0];
    assert!((bound.lower, bound.upper, bound.speed) == (0.0, 0.03, 0.15), "{bound:?}");
    assert!((right.pose(&[0.02]).translation.y - 0.005).abs() < 1e-12);
}

#[test]
fn chains_that_cannot_be_are_refused_by_name() {
    let arm = Description::parse(SIM_ARM, "sim_arm.urdf").unwrap_or_else(|error| panic!("{error}"));
    let error = |base, tip| Chain::between(&arm, base, tip).expect_err("it cannot be").to_string();
    assert!(error("base", "tool0").starts_with("\"base\" is no link of \"sim_arm\", which has base_link"));
    assert_eq!(error("tool0", "base_link"), "the link \"tool0\" does not carry \"base_link\"");
    assert_eq!(
        error("left_finger", "right_finger"),
        "the link \"left_finger\" does not carry \"right_finger\""
    );
    assert!(error("hand", "tool0").starts_with("0 joints move between \"hand\" and \"tool0\""));
}

/// Every place of the table, the gripper straight down with its fingers across or along.
#[test]
fn straight_down_is_easy_all_over_the_table() {
    let arm = sim_arm();
    let (mut least, mut margin) = (f64::INFINITY, f64::INFINITY);
    let grid = |from: f64, to: f64, count: u32| {
        (0..count).map(move |i| from + (to - from) * f64::from(i) / f64::from(count - 1))
    };
    let search = Search { starts: 1, ..Search::default() };
    for x in grid(0.2, 0.5, 7) {
        for y in grid(-0.25, 0.25, 11) {
            for z in grid(0.02, 0.3, 8) {
                for heading in [-FRAC_PI_2, 0.0, 0.6, FRAC_PI_2] {
                    let target = down(x, y, z, heading);
                    let found = solve(&arm, &target, &READY, &search);
                    assert!(found.reached, "({x}, {y}, {z}) heading {heading}: {found:?}");
                    assert!(way(&arm.pose(&found.positions), &target).amax() < 1e-4);
                    least = least.min(least_singular(&arm, &found.positions));
                    for (joint, at) in arm.coordinates().iter().zip(found.positions) {
                        margin = margin.min(at - joint.lower).min(joint.upper - at);
                    }
                }
            }
        }
    }
    println!("least singular value {least:.3}, least distance from a limit {margin:.2} rad");
    assert!(least > 1.2 * Manner::default().singular, "{least}");
    assert!(margin > 0.15, "{margin} rad to the nearest limit");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_jacobian_is_the_derivative_of_the_pose(shares in prop::array::uniform8(0.0..1.0f64), joints in 2..=8usize) {
        let arm = sim_arm();
        is_jacobian(&arm, &within(&arm, &shares))?;
        let row = row(joints);
        is_jacobian(&row, &within(&row, &shares))?;
        let finger = chain(SIM_ARM, "base_link", "right_finger");
        is_jacobian(&finger, &within(&finger, &shares))?;
    }

    // Where several joints are at their very limits a pose has few ways to it, and of those of seven joints one in many thousands is
    // not found.
    #[test]
    fn every_pose_that_joints_within_limits_make_is_found_again(shares in prop::array::uniform8(0.03..0.97f64)) {
        for arm in [sim_arm(), row(4), row(7)] {
            let target = arm.pose(&within(&arm, &shares));
            let from = within(&arm, &[0.5; 8]);
            let found = solve(&arm, &target, &from, &Search::default());
            prop_assert!(found.reached, "{} joints: {found:?}", arm.dof());
            prop_assert!(arm.allows(&found.positions[..arm.dof()]));
            let off = way(&arm.pose(&found.positions), &target);
            prop_assert!(off.fixed_rows::<3>(0).norm() < 1.1e-5 && off.fixed_rows::<3>(3).norm() < 1.1e-4);
        }
    }

    #[test]
    fn a_pose_nearby_is_reached_by_joints_nearby(
        shares in prop::array::uniform6(0.2..0.8f64), moves in prop::array::uniform6(-0.02..0.02f64),
    ) {
        let arm = sim_arm();
        let from = within(&arm, &shares);
        // Nearer to a singularity the way to a pose nearby may be long.
        if least_singular(&arm, &from) < 0.05 {
            return Ok(());
        }
        let target = arm.pose(&from.iter().zip(moves).map(|(at, by)| at + by).collect::<Vec<_>>());
        let found = solve(&arm, &target, &from, &Search::default());
        prop_assert!(found.reached && found.starts == 1);
        let furthest = from.iter().zip(found.positions).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        prop_assert!(furthest < 0.3, "a joint went {furthest}");
    }

    /// Wherever the arm is and whatever is wanted: limits hold, and what is said to be followed is what the joints do.
    #[test]
    fn a_step_is_honest_and_within_limits(
        shares in prop::array::uniform8(0.0..=1.0f64),
        beyond in prop::option::of(0..6usize),
        wanted in prop::array::uniform6(-1.0..1.0f64),
    ) {
        for arm in [sim_arm(), row(4), row(8)] {
            let mut positions = within(&arm, &shares);
            if let Some(joint) = beyond.filter(|joint| *joint < arm.dof()) {
                positions[joint] = arm.coordinates()[joint].upper + 0.1;
            }
            let wanted = Twist::from(wanted);
            let step = follow(&arm, &positions, &wanted, DT, &Manner::default());
            let (_, jacobian) = arm.jacobian(&positions);
            let mut made = Twist::zeros();
            for (joint, limit) in arm.coordinates().iter().enumerate() {
                let speed = step.speeds[joint];
                made += jacobian.column(joint) * speed;
                let next = positions[joint] + speed * DT;
                prop_assert!(speed.abs() <= limit.speed * (1.0 + 1e-12));
                let was_inside = (limit.lower..=limit.upper).contains(&positions[joint]);
                let slack = 1e-12;
                prop_assert!(!was_inside || (limit.lower - slack..=limit.upper + slack).contains(&next));
                prop_assert!(was_inside || speed <= 0.0, "a joint beyond its limit goes further");
            }
            prop_assert!((made - step.followed).amax() < 1e-9);
            prop_assert!((wanted - step.followed - step.missed).amax() < 1e-9);
            // Limits of position and of speed may each take a share that is too small to be spoken of.
            let missing = weighed(&step.missed) / weighed(&wanted);
            match step.why().next() {
                Some(why) => prop_assert!(missing > 0.99e-3, "{why:?}, but only {missing} is missing"),
                None => prop_assert!(missing < 2.1e-3, "{missing} is missing for no reason"),
            }
        }
    }

    /// Through the stretched arm and through every other singularity: speeds before any speed limit stay bounded.
    #[test]
    fn near_a_singularity_speeds_stay_bounded(
        shares in prop::array::uniform6(0.0..1.0f64),
        close in -0.03..0.03f64,
        which in 0..3usize,
        wanted in prop::array::uniform6(-1.0..1.0f64),
    ) {
        let arm = unlimited();
        let mut positions = within(&sim_arm(), &shares);
        match which {
            0 => positions[2] = -FRAC_PI_2 + close,            // the elbow straight
            1 => positions[4] = FRAC_PI_2 + close,             // pitch and roll about one axis
            _ => positions = vec![shares[0], close, -FRAC_PI_2, close, close, 0.3], // all of it straight up
        }
        let manner = Manner::default();
        let wanted = Twist::from(wanted);
        let step = follow(&arm, &positions, &wanted, DT, &manner);
        let speed = step.speeds.iter().map(|speed| speed * speed).sum::<f64>().sqrt();
        prop_assert!(speed <= 1.16 / manner.singular * weighed(&wanted), "{speed} rad/s");
        prop_assert_eq!(step.singular, weighed(&step.missed) > 1e-3 * weighed(&wanted));
    }

    #[test]
    fn what_is_no_number_moves_nothing(wanted in prop::array::uniform6(-1.0..1.0f64), which in 0..6usize, at in any::<bool>()) {
        let arm = sim_arm();
        for poison in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let (mut twist, mut positions) = (Twist::from(wanted), READY);
            if at { positions[which] = poison } else { twist[which] = poison }
            let step = follow(&arm, &positions, &twist, DT, &Manner::default());
            prop_assert_eq!(step.speeds, [0.0; 8]);
            let mut target = arm.pose(&READY);
            target.translation.x = poison;
            let found = solve(&arm, &target, &positions, &Search { starts: 3, ..Search::default() });
            prop_assert!(!found.reached && arm.allows(&found.positions[..6]));
        }
    }
}

fn weighed(twist: &Twist) -> f64 {
    let mut twist = *twist;
    twist.fixed_rows_mut::<3>(3).scale_mut(Manner::default().length);
    twist.norm()
}

/// The arm without limits of position and speed that matter.
fn unlimited() -> Chain {
    let mut urdf = SIM_ARM.to_owned();
    for kind in ["lower=\"-", "upper=\"", "velocity=\""] {
        urdf = urdf.replace(kind, &format!("{kind}99"));
    }
    chain(&urdf, "base_link", "tool0")
}

fn stepped(positions: &[f64], wanted: Twist) -> Step {
    follow(&sim_arm(), positions, &wanted, DT, &Manner::default())
}

#[test]
fn a_twist_in_the_open_is_followed_exactly() {
    let wanted = Twist::new(0.1, -0.1, 0.1, 0.3, -0.2, 0.1);
    let step = stepped(&READY, wanted);
    assert!(step.missed.amax() < 1e-5, "{step:?}");
    assert_eq!(step.why().count(), 0);
}

#[test]
fn a_twist_too_fast_is_followed_in_its_direction_and_more_slowly() {
    let wanted = Twist::new(0.0, 3.0, 0.0, 0.0, 0.0, 0.0);
    let step = stepped(&READY, wanted);
    assert!((step.followed.normalize() - wanted.normalize()).amax() < 1e-4, "{step:?}");
    assert!(step.followed.norm() < 1.0);
    assert_eq!(step.why().collect::<Vec<_>>(), [Why::Speed(0)]);
    assert_eq!(Why::Speed(0).words(&sim_arm()), "shoulder_pan is as fast as it may be");
}

#[test]
fn at_a_limit_the_other_joints_go_on_and_the_limit_is_named() {
    let arm = sim_arm();
    let mut positions = READY;
    positions[3] = arm.coordinates()[3].upper;
    // Tilting the hand further back is what wrist_pitch cannot do; moving sideways at once is not its business.
    let wanted = Twist::new(0.0, 0.1, 0.0, 0.0, 0.5, 0.0);
    let step = stepped(&positions, wanted);
    assert!(step.speeds[3] <= 0.0, "{step:?}");
    assert!((step.followed.y - 0.1).abs() < 1e-3, "{step:?}");
    assert_eq!(step.why().collect::<Vec<_>>(), [Why::Limit(3)]);
    assert_eq!(Why::Limit(3).words(&arm), "wrist_pitch is at its limit");
    // Away from the limit is free.
    assert_eq!(stepped(&positions, -wanted).why().count(), 0);
}

#[test]
fn a_stretched_arm_says_that_it_cannot_go_further_out_and_goes_sideways_all_the_same() {
    let stretched = [0.0, 1.2, -1.5, 0.3, 0.0, 0.0];
    let arm = unlimited();
    let mut positions = stretched;
    positions[2] = -FRAC_PI_2;
    let out = arm.pose(&positions).rotation * Vector3::z();
    let wanted = Twist::new(out.x * 0.2, 0.1, out.z * 0.2, 0.0, 0.0, 0.0);
    let step = follow(&arm, &positions, &wanted, DT, &Manner::default());
    assert_eq!(step.why().collect::<Vec<_>>(), [Why::Singular]);
    assert!((step.followed.y - 0.1).abs() < 2e-3, "sideways is another direction: {step:?}");
}

#[test]
fn a_pose_out_of_reach_is_told_with_what_is_missing() {
    let arm = sim_arm();
    let found = solve(&arm, &down(1.5, 0.0, 0.1, 0.0), &READY, &Search { starts: 5, ..Search::default() });
    assert!(!found.reached && found.starts == 5);
    assert!(arm.allows(&found.positions[..6]));
    let off = (arm.pose(&found.positions).translation.vector - Vector3::new(1.5, 0.0, 0.1)).norm();
    assert!((off - found.off).abs() < 1e-12 && found.off > 0.5, "{found:?}");
}

#[test]
fn steps_and_searches_take_no_memory() {
    let arm = sim_arm();
    let wanted = Twist::new(0.1, 0.4, 0.1, 0.3, -0.2, 5.0);
    let (step, held) = counting::most_held(|| follow(&arm, &READY, &wanted, DT, &Manner::default()));
    assert!(step.why().next().is_some());
    assert_eq!(held, 0, "a step took {held} bytes");
    let target = down(0.4, 0.2, 0.1, 0.5);
    let (found, held) = counting::most_held(|| solve(&arm, &target, &READY, &Search::default()));
    assert!(found.reached);
    assert_eq!(held, 0, "a search took {held} bytes");
}
