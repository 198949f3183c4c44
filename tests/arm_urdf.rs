//! The package's own arm, and what is said about descriptions that are wrong.
//!
//! One file feeds physics, inverse kinematics and every viewer, so what each of them relies on is held here: weights that
//! fit the shapes, limits everywhere, frames under their names, and the judgement of ROS's own parser where it is there.

#[path = "support/skipped.rs"]
mod skipped;

use std::f64::consts::PI;
use std::path::Path;
use std::process::Command;

use apprentice::arm::Chain;
use apprentice::arm::urdf::{Description, Geometry, Kind, Link, SIM_ARM, Shape};
use apprentice::config::Settings;
use nalgebra::{Isometry3, Matrix3, Vector3};
use skipped::skipped;

fn sim_arm() -> Description {
    Description::parse(SIM_ARM, "sim_arm.urdf").unwrap_or_else(|error| panic!("{error}"))
}

/// Volume, and inertia about the middle for a density of one, in the shape's own frame.
fn filled(geometry: &Geometry) -> (f64, Matrix3<f64>) {
    let (volume, about) = match geometry {
        Geometry::Box(edges) => {
            let square = edges.component_mul(edges);
            (edges.product(), (Vector3::repeat(square.sum()) - square) / 12.0)
        }
        Geometry::Cylinder { radius, length } => {
            let across = (3.0 * radius * radius + length * length) / 12.0;
            (PI * radius * radius * length, Vector3::new(across, across, radius * radius / 2.0))
        }
        Geometry::Sphere { radius } => {
            (4.0 / 3.0 * PI * radius.powi(3), Vector3::repeat(0.4 * radius * radius))
        }
        Geometry::Mesh { file, .. } => panic!("the arm is made of primitives, and {file:?} is none"),
    };
    (volume, Matrix3::from_diagonal(&(about * volume)))
}

/// Centre of mass and inertia about it of shapes that are evenly filled with `mass`.
fn weighed(shapes: &[Shape], mass: f64) -> (Vector3<f64>, Matrix3<f64>) {
    let parts: Vec<_> = shapes.iter().map(|shape| (&shape.origin, filled(&shape.geometry))).collect();
    let volume: f64 = parts.iter().map(|(_, (volume, _))| volume).sum();
    let middle: Vector3<f64> =
        parts.iter().map(|(at, (part, _))| at.translation.vector * *part).sum::<Vector3<f64>>() / volume;
    let inertia: Matrix3<f64> = parts
        .iter()
        .map(|(at, (part, own))| {
            let turn = at.rotation.to_rotation_matrix();
            let away = at.translation.vector - middle;
            let moved = Matrix3::identity() * away.norm_squared() - away * away.transpose();
            turn.matrix() * own * turn.matrix().transpose() + moved * *part
        })
        .sum();
    (middle, inertia * (mass / volume))
}

fn holds_its_shapes(link: &Link) {
    let inertial = link.inertial.as_ref().unwrap_or_else(|| panic!("{} has shapes and no mass", link.name));
    let (middle, inertia) = weighed(&link.collision, inertial.mass);
    // The file has six figures.
    let off = (inertial.origin.translation.vector - middle).amax();
    assert!(off < 1e-6, "{}: its centre of mass is {middle}, not {}", link.name, inertial.origin);
    let off = (inertial.inertia - inertia).amax() / inertia.amax();
    assert!(off < 1e-5, "{}: its inertia is {inertia}, not {}", link.name, inertial.inertia);
}

#[test]
fn every_link_weighs_what_its_shapes_weigh() {
    let arm = sim_arm();
    let solid: Vec<&Link> = arm.links.iter().filter(|link| !link.collision.is_empty()).collect();
    assert_eq!(solid.len(), 10);
    solid.into_iter().for_each(holds_its_shapes);
    for frame in arm.links.iter().filter(|link| link.collision.is_empty()) {
        assert_eq!((frame.inertial, frame.visual.len()), (None, 0), "{} is a mere frame", frame.name);
    }
}

#[test]
fn every_joint_that_is_driven_has_limits_and_is_one_of_the_robots_file() {
    let arm = sim_arm();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sim_arm.yaml");
    let settings = apprentice::config::Settings::load(&[file], &[]).unwrap_or_else(|error| panic!("{error}"));
    let moving = arm.joints.iter().filter(|joint| joint.kind != Kind::Fixed);
    let driven: Vec<_> =
        moving.clone().filter(|joint| joint.mimic.is_none()).map(|joint| &joint.name).collect();
    assert_eq!(driven, settings.robot.joints.iter().collect::<Vec<_>>());
    for joint in moving {
        let limit = joint.limit.unwrap_or_else(|| panic!("{} has no limits", joint.name));
        assert!(limit.lower < limit.upper && limit.speed > 0.0 && limit.effort > 0.0, "{}", joint.name);
        assert!(joint.damping > 0.0, "{} moves without resistance", joint.name);
    }
    assert_eq!(arm.root, "base_link");
    for frame in ["tool0", "wrist_camera", "wrist_camera_optical"] {
        assert!(arm.carrier(frame).is_some_and(|joint| joint.kind == Kind::Fixed), "{frame}");
    }
}

#[test]
fn check_urdf_is_content() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("urdf/sim_arm.urdf");
    match Command::new("check_urdf").arg(file).output() {
        Ok(said) => {
            let words = String::from_utf8_lossy(&said.stdout);
            assert!(said.status.success() && words.contains("Successfully Parsed XML"), "{words}");
        }
        Err(error) => skipped(
            "check_urdf_is_content",
            format!("check_urdf is missing ({error}): sudo apt install liburdfdom-tools"),
        ),
    }
}

/// What is in the file, what is put in its place, and what must be said about it.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        r#"<child link="forearm"/>"#,
        r#"<child link="fourarm"/>"#,
        "joint \"elbow\": its child \"fourarm\" is no link",
    ),
    (
        r#"lower="-1.5" upper="1.2""#,
        r#"lower="1.5" upper="1.2""#,
        "joint \"elbow\": its lower limit 1.5 is over its upper limit of 1.2",
    ),
    (
        r#"lower="-1.5" upper="1.2""#,
        r#"lower="nan" upper="1.2""#,
        "joint \"elbow\": its `lower` is \"nan\" and not a finite number",
    ),
    (
        r#"<mass value="0.7"/>"#,
        r#"<mass value="0.7kg"/>"#,
        "link \"forearm\": its `value` is \"0.7kg\" and not a finite number",
    ),
    (r#"<mass value="0.7"/>"#, "", "link \"forearm\": its `inertial` has no `mass`"),
    (r#"<axis xyz="1 0 0"/>"#, r#"<axis xyz="0 0 0"/>"#, "joint \"wrist_roll\": its axis points nowhere"),
    (
        r#"<axis xyz="1 0 0"/>"#,
        r#"<axis xyz="1 0"/>"#,
        "joint \"wrist_roll\": its `xyz` is \"1 0\" and not 3 finite numbers",
    ),
    (
        r#"<joint name="elbow" type="revolute">"#,
        r#"<joint name="elbow" type="rotary">"#,
        "joint \"elbow\": its type \"rotary\" is none of revolute, continuous",
    ),
    (
        r#"<mimic joint="gripper""#,
        r#"<mimic joint="griper""#,
        "joint \"gripper_mirror\": it follows \"griper\", which is no joint",
    ),
    (
        r#"<mimic joint="gripper""#,
        r#"<mimic joint="gripper_mirror""#,
        "joint \"gripper_mirror\": it follows \"gripper_mirror\", which follows another itself",
    ),
    (r#"<link name="tool0"/>"#, r#"<link name="hand"/>"#, "link \"hand\": it is there twice"),
    (
        r#"<link name="tool0"/>"#,
        r#"<link name="tool0"/><link name="lost"/>"#,
        "link \"lost\": nothing carries it, nor \"base_link\"",
    ),
    (
        r#"<parent link="base_link"/>"#,
        r#"<parent link="hand"/>"#,
        "some of its links carry each other in a ring",
    ),
    (
        r#"<cylinder radius="0.075" length="0.04"/>"#,
        r#"<capsule radius="0.075"/>"#,
        "link \"pedestal\": \"capsule\" is no shape",
    ),
];

#[test]
fn a_mistake_is_named_with_its_line_its_column_and_its_joint() {
    for (old, new, wanted) in MISTAKES {
        assert!(SIM_ARM.contains(old), "{old} is not there");
        let torn = SIM_ARM.replacen(old, new, 1);
        let error = Description::parse(&torn, "torn.urdf").expect_err(new).to_string();
        let line = SIM_ARM[..SIM_ARM.find(old).unwrap_or(0)].lines().count() + 1;
        assert!(error.contains(wanted), "{error}");
        let place: Vec<&str> = error.split(':').collect();
        assert_eq!(place[0], "torn.urdf");
        let told: usize = place[1].parse().unwrap_or_else(|_| panic!("no line in {error}"));
        // What is missing is missed at the element that should have it, which is some lines above.
        assert!((told..told + 12).contains(&line) || told == 14, "{error}: the mistake is in line {line}");
    }
}

#[test]
fn what_is_no_urdf_is_said_so() {
    let error = |text: &str| Description::parse(text, "x.urdf").expect_err(text).to_string();
    assert!(error("<robot><link name=\"a\"></robot>").starts_with("x.urdf:1:"));
    assert_eq!(error("<sdf/>"), "x.urdf:1:1: sdf: a URDF is one element `robot`");
    assert!(error("<robot/>").contains("no link"));
    let missing = Description::load(Path::new("/nowhere/arm.urdf")).expect_err("it is not there");
    assert!(missing.to_string().contains("/nowhere/arm.urdf"));
}

#[test]
fn the_joints_that_push_has_turn_the_other_way_make_the_arm_its_own_mirror_image() -> anyhow::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/push.yaml");
    let settings = Settings::load(&[file], &[])?;
    let turned = settings.data.augment.mirror.expect("it learns from the mirror too").joints;
    let chain = Chain::between(&sim_arm(), "base_link", "tool0")?;
    let mirror = Matrix3::from_diagonal(&Vector3::new(1.0, -1.0, 1.0));
    let rotation = |pose: &Isometry3<f64>| *pose.rotation.to_rotation_matrix().matrix();
    for seen in [[0.3, 0.6, 0.4, 0.7, 0.2, -0.9], [-1.2, 0.1, 0.9, 0.4, -0.6, 0.35]] {
        let sign = |joint: &String| if turned.contains(joint) { -1.0 } else { 1.0 };
        let mirrored: Vec<f64> =
            settings.robot.joints.iter().zip(&seen).map(|(joint, at)| sign(joint) * at).collect();
        let (one, other) = (chain.pose(&seen), chain.pose(&mirrored));
        assert!((mirror * one.translation.vector - other.translation.vector).norm() < 1e-9, "{seen:?}");
        assert!((mirror * rotation(&one) * mirror - rotation(&other)).norm() < 1e-9, "{seen:?}");
    }
    Ok(())
}
