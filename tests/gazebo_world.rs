//! The world `pick` in Gazebo, held to the world of that name in MuJoCo: places, sizes, weights, and what the cameras see.
//!
//! A policy that learned in the one is worth a try in the other only as long as both show the same table. The one is written in SDF and
//! the other in MJCF, with half edges here and whole ones there, so that nobody who changes one of them sees the other.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use nalgebra::{Isometry3, Rotation3, Translation3, UnitQuaternion, Vector3};
use roxmltree::{Document, Node};

#[path = "support/skipped.rs"]
mod skipped;

use skipped::skipped;

const WORLD: &str = "gazebo/pick.sdf";

fn text(file: &str) -> Result<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).with_context(|| file.to_owned())
}

fn numbers(words: &str) -> Result<Vec<f64>> {
    words.split_whitespace().map(|word| word.parse().with_context(|| words.to_owned())).collect()
}

fn child<'a, 'i>(node: Node<'a, 'i>, tag: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|inner| inner.has_tag_name(tag))
}

fn named<'a, 'i>(node: Node<'a, 'i>, tag: &str, name: &str) -> Result<Node<'a, 'i>> {
    let mut all = node.descendants().filter(|inner| inner.has_tag_name(tag));
    all.find(|inner| inner.attribute("name") == Some(name)).with_context(|| format!("{tag} {name}"))
}

/// The text at the end of a way of tags.
fn at<'a>(node: Node<'a, '_>, way: &[&str]) -> Result<&'a str> {
    let end = way.iter().try_fold(node, |node, tag| child(node, tag));
    end.and_then(|end| end.text()).with_context(|| format!("{way:?} in {node:?}"))
}

fn number(node: Node, way: &[&str]) -> Result<f64> {
    Ok(at(node, way)?.trim().parse()?)
}

/// Where an element of SDF is, in what it is in.
fn pose(node: Node) -> Result<Isometry3<f64>> {
    let Some(said) = child(node, "pose").and_then(|pose| pose.text()) else {
        return Ok(Isometry3::identity());
    };
    let [x, y, z, roll, pitch, yaw] = numbers(said)?[..] else { anyhow::bail!("{said}") };
    Ok(Isometry3::from_parts(Translation3::new(x, y, z), UnitQuaternion::from_euler_angles(roll, pitch, yaw)))
}

/// A box: its middle, its edges and its friction.
type Solid = (Vec<f64>, Vec<f64>, f64);

/// The solid boxes of a model in Gazebo, in its frame.
fn solids_here(model: Node) -> Result<Vec<Solid>> {
    let shapes = model.descendants().filter(|node| node.has_tag_name("collision"));
    shapes
        .map(|shape| {
            let edges = numbers(at(shape, &["geometry", "box", "size"])?)?;
            // What is unsaid is 1.
            let friction = number(shape, &["surface", "friction", "ode", "mu"]).unwrap_or(1.0);
            Ok((pose(shape)?.translation.vector.iter().copied().collect(), edges, friction))
        })
        .collect()
}

/// The same of a body in MuJoCo, where geoms take from their class what they do not say.
fn solids_there(body: Node, friction_of_class: f64) -> Result<Vec<Solid>> {
    let geoms = body.children().filter(|node| node.has_tag_name("geom"));
    let solid = geoms.filter(|geom| geom.attribute("contype") != Some("0"));
    solid
        .map(|geom| {
            let middle = geom.attribute("pos").map_or(Ok(vec![0.0; 3]), numbers)?;
            let half = numbers(geom.attribute("size").context("a size")?)?;
            let friction = geom.attribute("friction").map_or(Ok(vec![friction_of_class]), numbers)?[0];
            Ok((middle, half.iter().map(|half| 2.0 * half).collect(), friction))
        })
        .collect()
}

fn same(here: &[f64], there: &[f64]) -> bool {
    here.len() == there.len() && here.iter().zip(there).all(|(a, b)| (a - b).abs() < 1e-5)
}

#[test]
fn the_table_the_cube_and_the_bin_are_as_large_and_as_rough_as_in_mujoco() -> Result<()> {
    let (here, table, picking) = (text(WORLD)?, text("scenes/table.xml")?, text("scenes/picking.xml")?);
    let (here, table, picking) =
        (Document::parse(&here)?, Document::parse(&table)?, Document::parse(&picking)?);
    let class = named_class(&picking)?;
    for (name, scene, of_class) in [("table", &table, 1.0), ("cube", &picking, 1.0), ("bin", &picking, class)]
    {
        let ours = solids_here(named(here.root(), "model", name)?)?;
        let theirs = solids_there(named(scene.root(), "body", name)?, of_class)?;
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!(same(&ours.0, &theirs.0) && same(&ours.1, &theirs.1), "{name}: {ours:?}, not {theirs:?}");
            assert!((ours.2 - theirs.2).abs() < 1e-9, "{name}: {ours:?}, not {theirs:?}");
        }
    }
    let cube = named(picking.root(), "geom", "cube")?;
    let mass: f64 = cube.attribute("mass").context("it weighs something")?.parse()?;
    let inertial = ["link", "inertial"];
    let model = named(here.root(), "model", "cube")?;
    let link = inertial.iter().try_fold(model, |node, tag| child(node, tag)).context("its weight")?;
    assert!((number(link, &["mass"])? - mass).abs() < 1e-9);
    let edge: f64 = 0.04;
    for axis in ["ixx", "iyy", "izz"] {
        let off = number(link, &["inertia", axis])? / (mass * edge * edge / 6.0) - 1.0;
        assert!(off.abs() < 1e-4, "{axis} is off by {off}");
    }
    Ok(())
}

/// The friction of the bin's class.
fn named_class(picking: &Document) -> Result<f64> {
    let class =
        picking.descendants().find(|node| node.attribute("class") == Some("bin")).context("a class")?;
    let geom = child(class, "geom").context("its geom")?;
    Ok(numbers(geom.attribute("friction").context("its friction")?)?[0])
}

#[test]
fn things_begin_within_the_places_where_mujoco_lays_them() -> Result<()> {
    let (here, source) = (text(WORLD)?, text("src/sim/picking.rs")?);
    let here = Document::parse(&here)?;
    let lay = source.split_once("fn lay(").context("it lays")?.1;
    let ranges = lay.split("noise.within(").skip(1).map(|rest| -> Result<[f64; 2]> {
        let (least, most) =
            rest.split_once(')').and_then(|(range, _)| range.split_once("..")).context(rest.to_owned())?;
        Ok([least.parse().unwrap_or(f64::NEG_INFINITY), most.parse().unwrap_or(f64::INFINITY)])
    });
    let ranges: Vec<[f64; 2]> = ranges.collect::<Result<_>>()?;
    // The cube's x, y and yaw, then the bin's x and y.
    assert_eq!(ranges.len(), 5);
    let within = |name: &str, ranges: [[f64; 2]; 2], z: f64| -> Result<()> {
        let at = pose(named(here.root(), "model", name)?)?;
        assert!(at.rotation.angle() < 1e-9 && (at.translation.z - z).abs() < 1e-9, "{name} is at {at}");
        for (at, [least, most]) in at.translation.vector.iter().zip(ranges) {
            assert!(least <= *at && *at <= most, "{name}: {at} is not within {least} and {most}");
        }
        Ok(())
    };
    within("cube", [ranges[0], ranges[1]], 0.02)?;
    within("bin", [ranges[3], ranges[4]], 0.0)
}

#[test]
fn the_cameras_look_from_where_they_do_in_mujoco_and_as_wide() -> Result<()> {
    let (here, table, physical) = (text(WORLD)?, text("scenes/table.xml")?, text("gazebo/sim_arm.xml")?);
    let (here, table, physical) =
        (Document::parse(&here)?, Document::parse(&table)?, Document::parse(&physical)?);
    let there = named(table.root(), "camera", "front")?;
    let of = |attribute: &str| numbers(there.attribute(attribute).unwrap_or_default());
    let (place, axes) = (of("pos")?, of("xyaxes")?);
    let right = Vector3::from_column_slice(&axes[..3]).normalize();
    let up = Vector3::from_column_slice(&axes[3..]).normalize();
    let ours = pose(named(here.root(), "model", "front_camera")?)?;
    assert!(same(ours.translation.vector.as_slice(), &place), "{ours}");
    // Here a camera looks along x with z up, there along -z with y up.
    let turned: Rotation3<f64> = ours.rotation.to_rotation_matrix();
    let off = (turned * Vector3::z() - up).norm() + (turned * -Vector3::y() - right).norm();
    assert!(off < 1e-5, "{ours} is off by {off}");
    let sensors = [(&here, "front"), (&physical, "wrist")];
    let source = text("src/sim/physics.rs")?;
    let wrist = source.split_once("WRIST_FOVY_DEGREES: f64 = ").and_then(|(_, rest)| rest.split_once(';'));
    let wide =
        BTreeMap::from([("front", of("fovy")?[0]), ("wrist", wrist.context("how wide it sees")?.0.parse()?)]);
    for (file, name) in sensors {
        let camera = child(named(file.root(), "sensor", name)?, "camera").context("a camera")?;
        // One is told how high it sees, the other how wide: that is the same in a square.
        assert_eq!(at(camera, &["image", "width"])?, at(camera, &["image", "height"])?);
        let angle: f64 = number(camera, &["horizontal_fov"])?.to_degrees();
        assert!((angle - wide[name]).abs() < 1e-3, "{name} sees {angle} degrees and not {}", wide[name]);
    }
    Ok(())
}

#[test]
fn the_world_has_what_moves_draws_and_answers_and_whole_steps_between() -> Result<()> {
    let here = text(WORLD)?;
    let here = Document::parse(&here)?;
    let world = here.root_element().first_element_child().context("a world")?;
    assert_eq!(
        (here.root_element().attribute("version"), world.attribute("name")),
        (Some("1.9"), Some("pick"))
    );
    let plugins = here.descendants().filter(|node| node.has_tag_name("plugin"));
    let mut systems = BTreeMap::new();
    for plugin in plugins {
        let (file, class) = (plugin.attribute("filename"), plugin.attribute("name"));
        let (file, class) = (file.context("its file")?, class.context("its class")?);
        // `UserCommands` is in `gz-sim-user-commands-system`.
        let class = class.strip_prefix("gz::sim::systems::").with_context(|| class.to_owned())?;
        let dashed: String = class
            .char_indices()
            .flat_map(|(place, letter)| {
                let dash = (letter.is_uppercase() && place > 0).then_some('-');
                dash.into_iter().chain([letter.to_ascii_lowercase()])
            })
            .collect();
        assert_eq!(file, format!("gz-sim-{dashed}-system"));
        *systems.entry(class).or_insert(0) += 1;
    }
    let wanted =
        [("Physics", 1), ("PosePublisher", 2), ("SceneBroadcaster", 1), ("Sensors", 1), ("UserCommands", 1)];
    assert_eq!(systems, BTreeMap::from(wanted));
    let step = number(world, &["physics", "max_step_size"])?;
    for rate in [100.0, 25.0] {
        let steps = 1.0 / rate / step;
        assert!((steps - steps.round()).abs() < 1e-9, "{steps} steps at {rate} Hz");
    }
    Ok(())
}

#[test]
fn what_the_readme_puts_back_lies_where_the_world_has_it() -> Result<()> {
    let (here, readme) = (text(WORLD)?, text("README.md")?);
    let here = Document::parse(&here)?;
    let calls: Vec<&str> = readme.split("{entity: {name: ").skip(1).collect();
    assert_eq!(calls.len(), 2);
    for call in calls {
        let (name, rest) = call.split_once(',').context("a name ends")?;
        let axis = |axis: &str| -> Result<f64> {
            let (_, number) = rest.split_once(&format!("{axis}: ")).with_context(|| axis.to_owned())?;
            Ok(number.split([',', '}']).next().unwrap_or_default().parse()?)
        };
        let at = pose(named(here.root(), "model", name)?)?;
        assert!(
            same(at.translation.vector.as_slice(), &[axis("x")?, axis("y")?, axis("z")?]),
            "{name}: {at}"
        );
    }
    Ok(())
}

/// What Gazebo's own parser says, where it is here: Harmonic's command is called `gz`, Fortress's `ign`.
fn parsed(option: &str, file: &Path) -> Option<String> {
    let sdf = |tool: &str, words: &[&OsStr]| Command::new(tool).arg("sdf").args(words).output().ok();
    let tool = ["gz", "ign"].into_iter().find(|tool| {
        sdf(tool, &["--versions".as_ref()])
            .is_some_and(|said| said.status.success() && !said.stdout.is_empty())
    })?;
    let said = sdf(tool, &[option.as_ref(), file.as_ref()])?;
    Some(format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr)))
}

#[test]
fn gazebos_own_parser_is_content_with_the_world_and_with_the_arm() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let arm = folder.path().join("launched.urdf");
    let (description, more) = (text("urdf/sim_arm.urdf")?, text("gazebo/sim_arm.xml")?);
    let inner = more.split_once("<robot name=\"sim_arm\">").context("it begins")?.1;
    fs::write(&arm, description.replace("</robot>", inner))?;
    let world = Path::new(env!("CARGO_MANIFEST_DIR")).join(WORLD);
    let Some(said) = parsed("--check", &world) else {
        let why = "gz and ign are missing: sudo apt install ignition-tools libsdformat-dev";
        skipped("gazebos_own_parser_is_content_with_the_world_and_with_the_arm", why);
        return Ok(());
    };
    assert!(said.contains("Valid."), "{said}");
    let made = parsed("-p", &arm).context("it was here")?;
    // Its housing is fixed to the hand and becomes part of it; the camera must not lose its place by that.
    let (_, sensor) = made.split_once("<sensor name='wrist' type='camera'>").context(made.clone())?;
    let (sensor, _) = sensor.split_once("</sensor>").context("it ends")?;
    assert!(sensor.contains("<pose>0.085 0 0.075 0 0.45 0</pose>"), "{sensor}");
    assert!(
        made.contains("<parent>world</parent>") && !made.contains("<link name='wrist_camera'>"),
        "{made}"
    );
    Ok(())
}
