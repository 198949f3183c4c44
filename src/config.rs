//! The settings tree: files, layers, `--set`.
//!
//! A robot's file says what is; recipes and `--set` are laid on top of it, and only what comes out is held to the
//! rules. Each rule lives with the part that reads the section, so the path of a key is the path of a file; only what
//! ties two sections together is checked here. Sections of parts that are not built in, or do not read theirs yet, are
//! kept as they stand.

pub mod contract;
mod layers;
pub mod parameters;
mod read;
mod tree;
mod urdf;
mod write;

pub use write::to_yaml;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
#[cfg(not(feature = "learn"))]
use serde::de::IgnoredAny;

use crate::arm::Description;
use crate::data::observe::Observe;
use crate::node::{recorder, teleop};
use crate::spec::{Act, Channel, Expect, Name, Robot, Source, TypeName};
use crate::{bus, control, data};
#[cfg(feature = "learn")]
use crate::{policy, train};

pub use tree::{Key, Layer, Place, Tree, Value};

/// Sections of parts that are not built in: they are kept as they stand.
#[cfg(not(feature = "learn"))]
const KEPT: &[&str] = &["policy", "train"];

/// What is wrong with settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("the settings {path:?} cannot be read")]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No YAML.
    #[error("{place}: {why}")]
    Yaml {
        /// Where.
        place: Place,
        /// What is wrong there.
        why: String,
    },
    /// YAML, but not what the settings want.
    #[error("{place}: {key}: {why}")]
    Setting {
        /// Where it was written.
        place: Place,
        /// The keys that lead there: `observe.streams.front.align`.
        key: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Everything there is to set, all of it checked.
///
/// ```
/// # use apprentice::config::{Error, Settings};
/// let robot = "
/// robot: {name: two_joints, joints: [base, gripper]}
/// observe:
///   rate_hz: 30
///   streams:
///     joints: {topic: /joint_states, type: sensor_msgs/msg/JointState, fields: [position], align: linear,
///              max_age_ms: 50}
/// ";
/// let settings = Settings::parse(robot, "robot.yaml")?;
/// assert_eq!(settings.observe.streams["joints"].max_age_ms, 50.0);
///
/// let wrong = Settings::parse(&robot.replace("max_age", "max_aeg"), "robot.yaml").expect_err("a typo");
/// assert!(wrong.to_string().starts_with("robot.yaml:7:14: observe.streams.joints.max_aeg_ms: unknown field"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which arm this is.
    pub robot: Robot,
    /// What is observed.
    pub observe: Observe,
    /// What is commanded; `None` for a robot that is only watched.
    pub act: Option<Act>,
    /// How it is recorded.
    pub record: recorder::Config,
    /// How a person drives it.
    pub teleop: teleop::Config,
    /// What of recordings is learned from.
    pub data: data::Config,
    /// How plans become commands.
    pub control: control::Config,
    /// What is learned; `None` where nothing is said.
    #[cfg(feature = "learn")]
    pub policy: Option<policy::Config>,
    /// How it is learned.
    #[cfg(feature = "learn")]
    pub train: train::Config,
    /// The sections that are kept as they stand.
    #[cfg(not(feature = "learn"))]
    kept: Vec<(&'static str, Tree)>,
    /// Where the robot's description was named.
    urdf_at: Place,
}

/// The top of the tree, of which a typo is an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "learn"),
    expect(dead_code, reason = "the kept sections are named so that they are known, and read from the tree")
)]
struct Top {
    robot: Robot,
    observe: Observe,
    act: Option<Act>,
    #[serde(default)]
    control: control::Config,
    #[serde(default)]
    data: data::Config,
    #[serde(default)]
    record: recorder::Config,
    #[serde(default)]
    teleop: teleop::Config,
    #[cfg(feature = "learn")]
    policy: Option<policy::Config>,
    #[cfg(not(feature = "learn"))]
    policy: Option<IgnoredAny>,
    #[cfg(feature = "learn")]
    #[serde(default)]
    train: train::Config,
    #[cfg(not(feature = "learn"))]
    train: Option<IgnoredAny>,
}

/// Reads a file that stands alone: not a robot's, but written and checked like one.
pub fn alone<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::Disk { path: path.to_path_buf(), source })?;
    let layer = Arc::new(Layer { name: path.display().to_string(), order: 0 });
    read::read(&Tree::parse(&text, &layer)?, &[])
}

impl Settings {
    /// Reads `files` in order, each on top of those before it and of the one that it `extends`, and `sets` (`a.b=c`) on top of them all.
    pub fn load<P: AsRef<Path>>(files: &[P], sets: &[String]) -> Result<Self, Error> {
        let (mut tree, layers) = layers::stacked(files)?;
        for (order, assignment) in sets.iter().enumerate() {
            tree.lay(Tree::of_assignment(assignment, layers + order)?);
        }
        Self::from_tree(&tree)
    }

    /// Reads settings from one text; `name` stands for its file in errors.
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        Self::parse_with(text, name, &[])
    }

    /// The same with `sets` (`a.b=c`) on top.
    pub fn parse_with(text: &str, name: &str, sets: &[String]) -> Result<Self, Error> {
        let layer = Arc::new(Layer { name: name.into(), order: 0 });
        let mut tree = mapping(Tree::parse(text, &layer)?, "a file of settings")?;
        for (order, assignment) in sets.iter().enumerate() {
            tree.lay(Tree::of_assignment(assignment, 1 + order)?);
        }
        Self::from_tree(&tree)
    }

    fn from_tree(tree: &Tree) -> Result<Self, Error> {
        let top: Top = read::read(tree, &[])?;
        #[cfg(not(feature = "learn"))]
        let kept = {
            let known = KEPT.iter().filter_map(|name| Some((*name, tree.get(name)?)));
            known
                .map(|(name, node)| Ok((name, mapping(node.clone(), name)?)))
                .collect::<Result<_, Error>>()?
        };
        let urdf_at = tree.place_of(&["robot", "urdf"]).clone();
        let settings = Self {
            robot: top.robot,
            observe: top.observe,
            act: top.act,
            record: top.record,
            teleop: top.teleop,
            data: top.data,
            control: top.control,
            #[cfg(feature = "learn")]
            policy: top.policy,
            #[cfg(feature = "learn")]
            train: top.train,
            #[cfg(not(feature = "learn"))]
            kept,
            urdf_at,
        };
        settings.check(tree)?;
        Ok(settings)
    }

    /// A section that is kept as it stands, for the part that can read it.
    #[cfg(not(feature = "learn"))]
    pub fn section<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let node = self.kept.iter().find(|(known, _)| *known == name).map(|(_, node)| node);
        node.map(|node| read::read(node, &[name])).transpose()
    }

    /// The robot's description, where the robot's file names one: beside that file, or as `package://…`.
    pub fn description(&self) -> Result<Option<Description>, Error> {
        self.robot.urdf.as_deref().map(|written| urdf::read(written, &self.urdf_at)).transpose()
    }

    /// The rules that tie sections together, and those of the recorder's numbers.
    fn check(&self, tree: &Tree) -> Result<(), Error> {
        let recorder::Config { episode_s, ring, split, wait_s, .. } = &self.record;
        let wrong = |seconds: f64| !(0.0..=1e6).contains(&seconds);
        for (path, seconds) in [
            (&["record", "episode_s"][..], *episode_s),
            (&["record", "ring", "seconds"], Some(ring.seconds)),
            (&["record", "split", "seconds"], split.seconds),
            (&["record", "wait_s"], Some(*wait_s)),
        ] {
            if let Some(seconds) = seconds.filter(|seconds| wrong(*seconds)) {
                return Err(fault(
                    tree,
                    path,
                    format!("{seconds} is no number of seconds from 0 to 1000000"),
                ));
            }
        }
        if let Err(data::Error::Setting { key, why }) = self.data.check() {
            return Err(fault(tree, &key.split('.').collect::<Vec<_>>(), why));
        }
        if let Some([limit, joint]) =
            self.control.limits.as_ref().and_then(|limits| limits.stranger(&self.robot.joints))
        {
            let why = format!("{joint:?} is none of the robot's joints: {}", self.robot.joints.join(", "));
            return Err(fault(tree, &["control", "limits", limit, joint], why));
        }
        self.check_parts(tree)?;
        self.check_types(tree)
    }

    fn check_parts(&self, tree: &Tree) -> Result<(), Error> {
        for (name, part) in self.act.iter().flat_map(|act| &act.parts) {
            let path = ["act", "parts", name];
            if let Some(joint) = part.joints.iter().find(|joint| !self.robot.joints.contains(joint)) {
                let why =
                    format!("{joint:?} is none of the robot's joints: {}", self.robot.joints.join(", "));
                return Err(fault(tree, &[&path[..], &["joints"]].concat(), why));
            }
            if let Source::Next(stream) = &part.from
                && !self.observe.streams.contains_key(stream)
            {
                let known: Vec<&str> = self.observe.streams.keys().map(String::as_str).collect();
                let why = format!("{stream:?} is none of the observed streams: {}", known.join(", "));
                return Err(fault(tree, &[&path[..], &["from", "next"]].concat(), why));
            }
        }
        Ok(())
    }

    /// A topic has one type, wherever the file speaks of it.
    fn check_types(&self, tree: &Tree) -> Result<(), Error> {
        let mut known: Vec<Counted> = Vec::new();
        for counted in self.counted() {
            let other = known.iter().find(|other| other.topic == counted.topic);
            if let Some(other) = other.filter(|other| other.type_name != counted.type_name) {
                let path: Vec<&str> = counted.path.iter().map(String::as_str).collect();
                let why = format!(
                    "{} is {} here and {} in {}",
                    counted.topic,
                    counted.type_name,
                    other.type_name,
                    join(other.path.iter().map(String::as_str))
                );
                return Err(fault(tree, &path, why));
            }
            known.push(counted);
        }
        Ok(())
    }

    /// Every topic of the robot's file that a recording is held to, each once: the observed streams, where actions
    /// come from, and (as optional ones: nobody may be acting) where commands go. Relative names are `node`'s.
    pub fn expected(&self, node: &bus::Node) -> Result<Vec<Expect>, bus::Error> {
        let mut expected: Vec<Expect> = Vec::new();
        for counted in self.counted() {
            let topic = node.resolve(counted.topic.as_str())?;
            match expected.iter_mut().find(|known| known.topic == topic) {
                Some(known) => {
                    known.rate_hz = known.rate_hz.or(counted.rate_hz);
                    known.max_age = known.max_age.into_iter().chain(counted.max_age).min();
                    known.optional &= counted.optional;
                }
                None => expected.push(Expect {
                    topic,
                    type_name: Some(counted.type_name.to_string()),
                    rate_hz: counted.rate_hz,
                    max_age: counted.max_age,
                    optional: counted.optional,
                }),
            }
        }
        Ok(expected)
    }

    /// The topics on which people show what to do.
    pub fn shown_by(&self) -> impl Iterator<Item = &Name> {
        self.act.iter().flat_map(|act| act.parts.values()).filter_map(|part| match &part.from {
            Source::Topic(channel) => Some(&channel.topic),
            Source::Next(_) => None,
        })
    }

    fn counted(&self) -> Vec<Counted<'_>> {
        let streams = self.observe.streams.iter().map(|(name, stream)| Counted {
            path: ["observe", "streams", name, "type"].map(String::from).to_vec(),
            topic: &stream.topic,
            type_name: &stream.type_name,
            rate_hz: stream.rate_hz,
            max_age: Some(Duration::from_secs_f64(stream.max_age_ms / 1e3)),
            optional: stream.optional,
        });
        let parts = self.act.iter().flat_map(|act| &act.parts).flat_map(|(name, part)| {
            let from = match &part.from {
                Source::Topic(channel) => Some(Counted::of_part(name, "from", channel, false)),
                Source::Next(_) => None,
            };
            from.into_iter().chain([Counted::of_part(name, "to", &part.to, true)])
        });
        streams.chain(parts).collect()
    }
}

/// A topic as one place in the file counts on it.
struct Counted<'a> {
    path: Vec<String>,
    topic: &'a Name,
    type_name: &'a TypeName,
    rate_hz: Option<f64>,
    max_age: Option<Duration>,
    optional: bool,
}

impl<'a> Counted<'a> {
    fn of_part(part: &str, end: &str, channel: &'a Channel, optional: bool) -> Self {
        Self {
            path: ["act", "parts", part, end, "type"].map(String::from).to_vec(),
            topic: &channel.topic,
            type_name: &channel.type_name,
            rate_hz: None,
            max_age: None,
            optional,
        }
    }
}

/// `node`, if it is a mapping; a key without anything behind it is an empty one.
fn mapping(node: Tree, what: &str) -> Result<Tree, Error> {
    match node.value {
        Value::Map(_) => Ok(node),
        Value::Null => Ok(Tree { value: Value::Map(Vec::new()), ..node }),
        _ => Err(Error::Yaml { place: node.place, why: format!("{what} is a mapping: `key: value`") }),
    }
}

fn fault(tree: &Tree, path: &[&str], why: String) -> Error {
    Error::Setting { place: tree.place_of(path).clone(), key: join(path.iter().copied()), why }
}

/// Keys as one path; an index stands without a dot.
fn join<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let mut path = String::new();
    for key in keys {
        if !path.is_empty() && !key.starts_with('[') {
            path.push('.');
        }
        path.push_str(key);
    }
    if path.is_empty() { "the settings".into() } else { path }
}
