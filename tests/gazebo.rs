//! The arm in Gazebo, read as text: joints, controllers, topics, cameras and packages, each as every file names it.
//!
//! Gazebo stays silent about most names that do not fit: a picture that nobody bridges is a topic on which nothing comes. So what stands
//! in the description, in what Gazebo needs beside it, in the world, the controllers, the bridge, the launch file and the robot's file is
//! held against each other here. Nothing of it shows that Gazebo runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use apprentice::arm::Chain;
use apprentice::arm::urdf::{Description, Joint, Kind, SIM_ARM};
use apprentice::config::Settings;
use roxmltree::{Document, Node};
use serde_json::Value;

#[path = "support/skipped.rs"]
mod skipped;

use skipped::skipped;

const PHYSICAL: &str = "gazebo/sim_arm.xml";
const WORLD: &str = "gazebo/pick.sdf";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(file: &str) -> Result<String> {
    fs::read_to_string(root().join(file)).with_context(|| file.to_owned())
}

fn yaml(file: &str) -> Result<Value> {
    serde_saphyr::from_str(&text(file)?).with_context(|| file.to_owned())
}

fn robot(file: &str) -> Result<Settings> {
    Ok(Settings::load(&[root().join("config").join(file)], &[])?)
}

/// What stands between `before` and the next `after`, wherever `before` is.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| Some(rest.split_once(after)?.0)).collect()
}

fn all<'a, 'i>(node: Node<'a, 'i>, tag: &'a str) -> Vec<Node<'a, 'i>> {
    node.descendants().filter(|inner| inner.has_tag_name(tag)).collect()
}

/// The text of the one element of that name within another.
fn word<'a>(node: Node<'a, '_>, tag: &'a str) -> Result<&'a str> {
    let found = all(node, tag);
    let [one] = found[..] else { anyhow::bail!("{tag} is there {} times", found.len()) };
    Ok(one.text().with_context(|| format!("{tag} is empty"))?.trim())
}

fn name<'a>(node: Node<'a, '_>) -> &'a str {
    node.attribute("name").unwrap_or_default()
}

/// The words of a list.
fn words(list: &Value) -> Result<Vec<&str>> {
    list.as_array().context("a list")?.iter().map(|word| word.as_str().context("a word")).collect()
}

/// What the launch file makes of the description and of what Gazebo needs beside it.
fn launched() -> Result<String> {
    let more = text(PHYSICAL)?;
    let inner = more.split_once("<robot name=\"sim_arm\">").context("it begins")?.1;
    let (inner, _) = inner.rsplit_once("</robot>").context("it ends")?;
    Ok(SIM_ARM.replace("</robot>", &format!("{inner}</robot>")))
}

/// The settings of each node in the controllers' file.
fn controllers() -> Result<BTreeMap<String, Value>> {
    let file = yaml("gazebo/controllers.yaml")?;
    let nodes = file.as_object().context("nodes")?;
    nodes
        .iter()
        .map(|(node, settings)| {
            // Only so is it found in whatever namespace is launched in.
            let node =
                node.strip_prefix("/**/").with_context(|| format!("{node} is in one namespace only"))?;
            Ok((node.to_owned(), settings["ros__parameters"].clone()))
        })
        .collect()
}

/// What is bridged: by the ROS topic, the topic in Gazebo and both types.
fn bridged() -> Result<BTreeMap<String, (String, String, String)>> {
    let file = yaml("gazebo/bridge.yaml")?;
    let mut topics = BTreeMap::new();
    for entry in file.as_array().context("a list")? {
        let said =
            |key: &str| entry[key].as_str().with_context(|| format!("{key} in {entry}")).map(str::to_owned);
        assert_eq!(entry.as_object().map(serde_json::Map::len), Some(5), "{entry}");
        assert_eq!(said("direction")?, "GZ_TO_ROS", "{entry}");
        let ros = said("ros_topic_name")?;
        let topic = format!("/{}", ros.trim_start_matches('/'));
        assert_eq!(ros.starts_with('/'), topic == "/clock", "{ros}: all but time is under the namespace");
        let row = (said("gz_topic_name")?, said("ros_type_name")?, said("gz_type_name")?);
        assert!(topics.insert(topic, row).is_none(), "{ros} is bridged twice");
    }
    Ok(topics)
}

fn driven(arm: &Description) -> impl Iterator<Item = &Joint> {
    arm.joints.iter().filter(|joint| joint.kind != Kind::Fixed && joint.mimic.is_none())
}

#[test]
fn the_joints_are_those_of_the_robots_file_in_its_order_wherever_they_are_named() -> Result<()> {
    let settings = robot("sim_arm.yaml")?;
    let joints: Vec<&str> = settings.robot.joints.iter().map(String::as_str).collect();
    let arm = Description::parse(SIM_ARM, "sim_arm.urdf")?;
    assert_eq!(driven(&arm).map(|joint| joint.name.as_str()).collect::<Vec<_>>(), joints);
    for part in settings.act.context("it acts")?.parts.values() {
        assert_eq!(part.joints, joints);
    }
    let controllers = controllers()?;
    for controller in
        ["joint_state_broadcaster", "forward_position_controller", "joint_trajectory_controller"]
    {
        assert_eq!(words(&controllers[controller]["joints"])?, joints, "{controller}");
    }
    let physical = text(PHYSICAL)?;
    let physical = Document::parse(&physical)?;
    let control = all(physical.root(), "ros2_control");
    assert_eq!(control.len(), 1);
    let commanded =
        all(control[0], "joint").into_iter().filter(|joint| !all(*joint, "command_interface").is_empty());
    assert_eq!(commanded.map(name).collect::<Vec<_>>(), joints);
    Ok(())
}

#[test]
fn every_joint_has_the_interfaces_that_its_controllers_take() -> Result<()> {
    let (physical, controllers) = (text(PHYSICAL)?, controllers()?);
    let physical = Document::parse(&physical)?;
    let (forward, path) =
        (&controllers["forward_position_controller"], &controllers["joint_trajectory_controller"]);
    assert_eq!(
        words(&path["command_interfaces"])?,
        [forward["interface_name"].as_str().context("its interface")?]
    );
    let told = words(&controllers["joint_state_broadcaster"]["interfaces"])?;
    let used = words(&path["state_interfaces"])?;
    assert!(used.iter().all(|interface| told.contains(interface)), "{used:?} of {told:?}");
    let arm = Description::parse(SIM_ARM, "sim_arm.urdf")?;
    let control = all(physical.root(), "ros2_control")[0];
    let joints: BTreeMap<&str, Node> =
        all(control, "joint").into_iter().map(|joint| (name(joint), joint)).collect();
    let moving: BTreeSet<&str> = arm
        .joints
        .iter()
        .filter(|joint| joint.kind != Kind::Fixed)
        .map(|joint| joint.name.as_str())
        .collect();
    assert_eq!(joints.keys().copied().collect::<BTreeSet<_>>(), moving);
    for joint in arm.joints.iter().filter(|joint| moving.contains(joint.name.as_str())) {
        let here = joints[joint.name.as_str()];
        let of = |tag| all(here, tag).into_iter().map(name).collect::<Vec<_>>();
        assert_eq!(of("state_interface"), told, "{}", joint.name);
        let params: BTreeMap<&str, &str> = all(here, "param")
            .into_iter()
            .map(|param| (name(param), param.text().unwrap_or_default()))
            .collect();
        match &joint.mimic {
            // Humble's plugin reads how one joint follows another here, and knows no offset.
            Some(mimic) => {
                assert!(of("command_interface").is_empty(), "{}", joint.name);
                assert_eq!((params["mimic"], mimic.offset), (mimic.joint.as_str(), 0.0));
                assert!((params["multiplier"].parse::<f64>()? - mimic.multiplier).abs() < 1e-9);
            }
            None => {
                assert_eq!(of("command_interface"), words(&path["command_interfaces"])?, "{}", joint.name);
                let (at, limit) =
                    (params["initial_value"].parse::<f64>()?, joint.limit.context("it has limits")?);
                assert!(limit.lower <= at && at <= limit.upper, "{} begins at {at}", joint.name);
            }
        }
    }
    Ok(())
}

#[test]
fn the_arm_begins_where_attempts_begin_in_our_own_worlds() -> Result<()> {
    let physical = text(PHYSICAL)?;
    let physical = Document::parse(&physical)?;
    let starts = all(physical.root(), "param").into_iter().filter(|param| name(*param) == "initial_value");
    let starts: Vec<f64> =
        starts.map(|start| Ok(start.text().unwrap_or_default().parse()?)).collect::<Result<_>>()?;
    let source = text("src/sim/simulation.rs")?;
    let said = between(&source, "const HOME: [f64; 3] = [", "]")[0];
    let home: Vec<f64> = said.split(", ").map(|number| Ok(number.parse()?)).collect::<Result<_>>()?;
    let open: f64 = between(&source, "const HOME_GRIPPER: f64 = ", ";")[0].parse()?;
    let (gripper, arm) = starts.split_last().context("they begin somewhere")?;
    assert!((gripper - open).abs() < 1e-9, "{gripper} and not {open}");
    let chain = Chain::between(&Description::parse(SIM_ARM, "sim_arm.urdf")?, "base_link", "tool0")?;
    let tool = chain.pose(arm);
    assert!(
        tool.translation.vector.iter().zip(&home).all(|(is, wanted)| (is - wanted).abs() < 1e-4),
        "{tool}"
    );
    let down = tool * nalgebra::Vector3::z();
    let open = tool * nalgebra::Vector3::y();
    assert!(down.z < -0.999_999 && open.y > 0.999_999, "{tool}");
    Ok(())
}

#[test]
fn commands_and_joint_states_go_over_the_controllers_at_the_rates_the_robots_file_says() -> Result<()> {
    let (settings, controllers) = (robot("sim_arm.yaml")?, controllers()?);
    let manager = controllers["controller_manager"].as_object().context("the manager")?;
    let rate = manager["update_rate"].as_f64().context("a rate")?;
    let act = settings.act.context("it acts")?;
    assert!((act.rate_hz - rate).abs() < 1e-9, "{} and not {rate}", act.rate_hz);
    let joints = &settings.observe.streams["joints"];
    assert_eq!((joints.topic.as_str(), joints.rate_hz), ("/joint_states", Some(rate)));
    let types: BTreeMap<&str, &str> =
        manager.iter().filter_map(|(node, said)| Some((node.as_str(), said["type"].as_str()?))).collect();
    let known = BTreeMap::from([
        ("joint_state_broadcaster", "joint_state_broadcaster/JointStateBroadcaster"),
        ("forward_position_controller", "forward_command_controller/ForwardCommandController"),
        ("joint_trajectory_controller", "joint_trajectory_controller/JointTrajectoryController"),
    ]);
    assert_eq!(types, known);
    for kind in types.values() {
        let (of, _) = kind.split_once('/').context("package/Type")?;
        assert!(is_brought(of)?, "the README does not bring {of}");
    }
    // Besides these, there are settings for the plugin alone: Humble's and Jazzy's node, and the same for both.
    let others: BTreeSet<&str> =
        controllers.keys().map(String::as_str).filter(|node| !types.contains_key(node)).collect();
    assert_eq!(others, BTreeSet::from(["controller_manager", "gz_ros2_control", "gz_ros_control"]));
    assert_eq!(controllers["gz_ros2_control"], controllers["gz_ros_control"]);
    let launch = text("launch/gazebo.launch.py")?;
    let default = between(&launch, "\"controller\", default_value=\"", "\"");
    for part in act.parts.values() {
        assert_eq!(part.to.topic.as_str(), format!("/{}/commands", default[0]));
        assert_eq!(part.to.type_name.as_str(), "std_msgs/msg/Float64MultiArray");
    }
    let started: BTreeSet<&str> =
        types.keys().copied().filter(|node| launch.contains(&format!("\"{node}\""))).collect();
    assert_eq!(started, types.keys().copied().collect(), "spawned are not those that there are");
    Ok(())
}

#[test]
fn every_topic_of_the_robots_files_that_gazebo_can_tell_is_bridged_from_where_it_is_told() -> Result<()> {
    let (physical, world, topics) = (text(PHYSICAL)?, text(WORLD)?, bridged()?);
    let (physical, world) = (Document::parse(&physical)?, Document::parse(&world)?);
    let mut told = BTreeMap::from([("/clock".to_owned(), ("gz.msgs.Clock", None))]);
    for sensor in [physical.root(), world.root()].into_iter().flat_map(|file| all(file, "sensor")) {
        assert_eq!(sensor.attribute("type"), Some("camera"));
        let size = [word(sensor, "width")?.parse()?, word(sensor, "height")?.parse()?];
        let rate: f64 = word(sensor, "update_rate")?.parse()?;
        assert_eq!(word(sensor, "topic")?, format!("/{}/image_raw", name(sensor)));
        assert_eq!(word(sensor, "gz_frame_id")?, format!("{}_camera_optical", name(sensor)));
        told.insert(word(sensor, "topic")?.to_owned(), ("gz.msgs.Image", Some((rate, Some(size)))));
    }
    for plugin in
        all(world.root(), "plugin").into_iter().filter(|plugin| name(*plugin).ends_with("::PosePublisher"))
    {
        let model = name(plugin.parent().context("it is of a model")?);
        assert_eq!(
            [word(plugin, "publish_model_pose")?, word(plugin, "publish_nested_model_pose")?],
            ["true"; 2]
        );
        let rate: f64 = word(plugin, "update_frequency")?.parse()?;
        told.insert(format!("/model/{model}/pose"), ("gz.msgs.Pose", Some((rate, None))));
    }
    let from: BTreeSet<&String> = topics.values().map(|(gz, _, _)| gz).collect();
    assert_eq!(from, told.keys().collect(), "what is told and what is bridged differ");
    let pairs = BTreeMap::from([
        ("gz.msgs.Clock", "rosgraph_msgs/msg/Clock"),
        ("gz.msgs.Image", "sensor_msgs/msg/Image"),
        ("gz.msgs.Pose", "geometry_msgs/msg/PoseStamped"),
    ]);
    for (gz, ros_type, gz_type) in topics.values() {
        assert_eq!((told[gz].0, pairs[gz_type.as_str()]), (gz_type.as_str(), ros_type.as_str()));
    }
    for file in ["sim_arm.yaml", "pick.yaml", "pick_cameras.yaml"] {
        for (stream, wanted) in
            robot(file)?.observe.streams.into_iter().filter(|(stream, _)| stream != "joints")
        {
            let row = topics
                .get(wanted.topic.as_str())
                .with_context(|| format!("{file}: {stream} is not bridged"))?;
            assert_eq!(row.1, wanted.type_name.as_str());
            let (rate, size) = told[&row.0].1.context("it has a rate")?;
            assert_eq!((Some(rate), size), (wanted.rate_hz, wanted.size), "{file}: {stream}");
        }
    }
    Ok(())
}

#[test]
fn what_gazebo_gets_is_one_arm_that_stands_on_the_world() -> Result<()> {
    let arm = Description::parse(&launched()?, "launched.urdf")?;
    assert_eq!(arm.root, "world");
    let foot = arm.carrier("base_link").context("something carries it")?;
    assert_eq!((foot.parent.as_str(), foot.kind), ("world", Kind::Fixed));
    let physical = text(PHYSICAL)?;
    let physical = Document::parse(&physical)?;
    for link in all(physical.root(), "gazebo").into_iter().filter_map(|of| of.attribute("reference")) {
        assert!(arm.link(link).is_ok(), "{link} is no link");
    }
    for sensor in all(physical.root(), "sensor") {
        let frame = word(sensor, "gz_frame_id")?;
        let carrier = arm.carrier(frame).with_context(|| format!("{frame} is no frame"))?;
        let here = sensor.parent().and_then(|of| of.attribute("reference"));
        assert_eq!((here, carrier.kind), (Some(carrier.parent.as_str()), Kind::Fixed));
    }
    let plugin = all(physical.root(), "plugin").into_iter().find(|plugin| plugin.has_attribute("filename"));
    let plugin = plugin.context("there is one")?;
    let library = plugin.attribute("filename");
    assert_eq!(
        (library, name(plugin)),
        (Some("gz_ros2_control-system"), "gz_ros2_control::GazeboSimROS2ControlPlugin")
    );
    let hardware = all(physical.root(), "hardware")[0];
    assert_eq!(word(hardware, "plugin")?, "gz_ros2_control/GazeboSimSystem");
    assert!(root().join("gazebo").join(word(plugin, "parameters")?).is_file());
    Ok(())
}

#[test]
fn check_urdf_is_content_with_what_gazebo_gets() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file: &Path = &folder.path().join("launched.urdf");
    fs::write(file, launched()?)?;
    match Command::new("check_urdf").arg(file).output() {
        Ok(said) => {
            let words = String::from_utf8_lossy(&said.stdout);
            assert!(said.status.success() && words.contains("root Link: world"), "{words}");
        }
        Err(error) => skipped(
            "check_urdf_is_content_with_what_gazebo_gets",
            format!("check_urdf is missing ({error}): sudo apt install liburdfdom-tools"),
        ),
    }
    Ok(())
}

/// Whether the README's line installs it. `package.xml` does not: nobody brings a simulator onto a robot unasked.
fn is_brought(package: &str) -> Result<bool> {
    let readme = text("README.md")?;
    let line = readme.lines().find(|line| line.contains("apt install ros-$ROS")).context("a line")?;
    let by = match package {
        "controller_manager" => "ros2-control".to_owned(),
        _ if package.starts_with("ros_gz_") => "ros-gz".to_owned(),
        _ if package.starts_with("joint_") || package.starts_with("forward_") => {
            "ros2-controllers".to_owned()
        }
        _ => package.replace('_', "-"),
    };
    Ok(line.split(' ').any(|word| word == format!("ros-$ROS_DISTRO-{by}")))
}

#[test]
fn what_is_launched_is_there_and_brought() -> Result<()> {
    let launch = text("launch/gazebo.launch.py")?;
    let mut packages = between(&launch, "package=\"", "\"");
    packages.extend(between(&launch, "get_package_share_directory(\"", "\""));
    packages.extend(["gz_ros2_control", "ros_gz_interfaces"]);
    for wanted in packages.into_iter().filter(|package| !["apprentice", "rviz2"].contains(package)) {
        assert!(is_brought(wanted)?, "the README does not bring {wanted}");
    }
    for path in between(&launch, "share / ", ")").into_iter().filter(|path| path.matches('"').count() == 4) {
        let file = path.replace("\" / \"", "/").replace('"', "");
        assert!(root().join(&file).is_file(), "{file} is not there");
    }
    let cmake = text("CMakeLists.txt")?;
    let installed = between(&cmake, "install(DIRECTORY ", " DESTINATION")[0];
    for folder in ["config", "gazebo", "launch", "rviz", "urdf"] {
        assert!(installed.split_whitespace().any(|word| word == folder), "{folder} is not installed");
    }
    let world = text(WORLD)?;
    let world = Document::parse(&world)?;
    let known = name(all(world.root(), "world")[0]);
    assert_eq!(between(&launch, "\"world\", default_value=\"", "\""), [known]);
    // What is asked of the world is told in the README and in the launch file with that world's name.
    let readme = text("README.md")?;
    let asked = between(&launch, "/world/{name}/", "@");
    assert_eq!(asked, ["set_pose", "control"]);
    let mut told = BTreeSet::new();
    for call in [&readme, &launch].into_iter().flat_map(|file| file.split("/world/").skip(1)) {
        let call = call.split(|letter: char| !(letter.is_alphanumeric() || "_/{}".contains(letter))).next();
        let (of, service) = call.and_then(|call| call.split_once('/')).context("/world/<name>/<service>")?;
        assert!([known, "{name}"].contains(&of) && asked.contains(&service), "{of}: no {service}");
        told.insert(service);
    }
    assert_eq!(told.len(), asked.len());
    Ok(())
}
