//! What a policy sees and does, number by number: resolved once, kept beside its weights, compared before it may act.
//!
//! Two robots whose layouts are equal can run one another's policies, and a policy whose layout differs from the robot's is
//! refused. So everything that shapes an observation stands here under its name, and nothing that does not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Error;
use super::goal::Goal;
use super::observe::{Field, Observe, Stream};
use crate::spec::{Act, Robot};

/// A pose in numbers: where it is, and the first two columns of its rotation matrix, which unlike a quaternion have no jump
/// (Zhou et al. 2019, "On the continuity of rotation representations in neural networks").
pub(super) const POSE: [&str; 9] = ["x", "y", "z", "r11", "r21", "r31", "r12", "r22", "r32"];
const TWIST: [&str; 6] = ["linear/x", "linear/y", "linear/z", "angular/x", "angular/y", "angular/z"];
const WRENCH: [&str; 6] = ["force/x", "force/y", "force/z", "torque/x", "torque/y", "torque/z"];

/// What a policy sees and does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Observations a second.
    pub rate_hz: f64,
    /// The streams that give numbers, by name; their numbers one after the other are the state.
    pub state: Vec<Part>,
    /// The streams that give pictures, by name.
    pub cameras: Vec<Camera>,
    /// Which numbers of the state a goal is told in; empty where there is no goal.
    pub goal: Vec<usize>,
    /// The joints that are moved, in the order of actions.
    pub actions: Vec<String>,
}

/// The numbers of one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The stream's name.
    pub stream: String,
    /// What each number is: `position/elbow`.
    pub labels: Vec<String>,
}

/// The pictures of one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// The stream's name.
    pub stream: String,
    /// Width and height.
    pub size: [u32; 2],
    /// Bytes a pixel: three colours, or one of depth.
    pub channels: u32,
}

impl Part {
    /// Whether its numbers are those of a pose: three of its place, then six of its rotation.
    pub fn is_pose(&self) -> bool {
        let named = |(label, name): (&String, &&str)| label.rsplit('/').next() == Some(*name);
        self.labels.len() == POSE.len() && self.labels.iter().zip(&POSE).all(named)
    }
}

impl Camera {
    /// Bytes of one picture.
    pub fn bytes(&self) -> usize {
        self.size[0] as usize * self.size[1] as usize * self.channels as usize
    }
}

impl Layout {
    /// From the settings. `widths` says how many numbers the streams of `Float64MultiArray` have, by name: the settings do not.
    ///
    /// Streams that are `optional` are no part of it: a policy needs all it was trained on.
    pub fn resolve(
        robot: &Robot,
        observe: &Observe,
        act: &Act,
        goal: Option<&Goal>,
        widths: &BTreeMap<String, usize>,
    ) -> Result<Self, Error> {
        let (mut state, mut cameras) = (Vec::new(), Vec::new());
        for (name, stream) in observe.streams.iter().filter(|(_, stream)| !stream.optional) {
            match stream.size {
                Some(size) => {
                    let channels = if stream.depth_m.is_some() { 1 } else { 3 };
                    cameras.push(Camera { stream: name.clone(), size, channels });
                }
                None => {
                    let labels = labels(name, stream, robot, widths)?;
                    state.push(Part { stream: name.clone(), labels });
                }
            }
        }
        if state.is_empty() && cameras.is_empty() {
            let why = "every stream is optional: nothing is left to see".to_owned();
            return Err(Error::Setting { key: "observe.streams".to_owned(), why });
        }
        let actions = act.parts.values().flat_map(|part| part.joints.clone()).collect();
        let mut layout = Self { rate_hz: observe.rate_hz, state, cameras, goal: Vec::new(), actions };
        if let Some(goal) = goal {
            if observe.streams.get(&goal.stream).is_some_and(|stream| stream.relative_to.is_some()) {
                let why = format!("{:?} is seen from another pose, and nobody tells a goal so", goal.stream);
                return Err(Error::Setting { key: "data.goal.stream".to_owned(), why });
            }
            layout.goal = layout.places(&goal.stream)?;
        }
        Ok(layout)
    }

    /// The names of the streams in the order in which they are numbered: those of numbers first, then those of pictures.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        let numbers = self.state.iter().map(|part| part.stream.as_str());
        numbers.chain(self.cameras.iter().map(|camera| camera.stream.as_str()))
    }

    /// How many numbers the state has.
    pub fn width(&self) -> usize {
        self.state.iter().map(|part| part.labels.len()).sum()
    }

    /// What each number of the state is, with its stream: `joints/position/elbow`.
    pub fn labels(&self) -> Vec<String> {
        let of = |part: &Part| -> Vec<String> {
            part.labels.iter().map(|label| format!("{}/{label}", part.stream)).collect()
        };
        self.state.iter().flat_map(of).collect()
    }

    /// For each action the number of the state that measures that joint's position; nothing where one is not measured.
    pub fn measured(&self) -> Option<Vec<usize>> {
        let of = |joint: &String| self.place(&format!("position/{joint}"));
        self.actions.iter().map(of).collect()
    }

    fn place(&self, wanted: &str) -> Option<usize> {
        self.state.iter().flat_map(|part| &part.labels).position(|label| label == wanted)
    }

    /// Which numbers of the state a stream gives.
    fn places(&self, stream: &str) -> Result<Vec<usize>, Error> {
        let mut begin = 0;
        for part in &self.state {
            if part.stream == stream {
                return Ok((begin..begin + part.labels.len()).collect());
            }
            begin += part.labels.len();
        }
        let known: Vec<&str> = self.state.iter().map(|part| part.stream.as_str()).collect();
        let why = format!("{stream:?} is none of the streams of numbers that are seen: {}", known.join(", "));
        Err(Error::Setting { key: "data.goal.stream".to_owned(), why })
    }
}

fn labels(
    name: &str,
    stream: &Stream,
    robot: &Robot,
    widths: &BTreeMap<String, usize>,
) -> Result<Vec<String>, Error> {
    let owned = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
    match stream.type_name.as_str() {
        "sensor_msgs/msg/JointState" => {
            let joints: Vec<&String> =
                robot.joints.iter().filter(|joint| joint.starts_with(&stream.prefix)).collect();
            if joints.is_empty() {
                let key = format!("observe.streams.{name}.prefix");
                let why = format!("none of the robot's joints begins with {:?}", stream.prefix);
                return Err(Error::Setting { key, why });
            }
            let of = |field: &Field| -> Vec<String> {
                joints.iter().map(|joint| format!("{}/{joint}", field.word())).collect()
            };
            Ok(stream.fields.iter().flat_map(of).collect())
        }
        "geometry_msgs/msg/PoseStamped" => Ok(match &stream.relative_to {
            Some(other) => POSE.iter().map(|label| format!("from {other}/{label}")).collect(),
            None => owned(&POSE),
        }),
        "geometry_msgs/msg/TwistStamped" => Ok(owned(&TWIST)),
        "geometry_msgs/msg/WrenchStamped" => Ok(owned(&WRENCH)),
        _ => {
            let width = widths.get(name).copied().filter(|width| *width > 0);
            let unknown = || Error::Setting {
                key: format!("observe.streams.{name}"),
                why: "how many numbers it has is not known: no recording has a message of it".to_owned(),
            };
            Ok((0..width.ok_or_else(unknown)?).map(|number| number.to_string()).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROBOT: &str = "{name: two, joints: [l/a, l/b, r/a]}";
    const OBSERVE: &str = "
rate_hz: 25
streams:
  wrist: {topic: /w, type: sensor_msgs/msg/Image, size: [8, 6], align: newest, max_age_ms: 100, depth_m: [0.1, 2.0]}
  left: {topic: /l, type: sensor_msgs/msg/JointState, prefix: l/, fields: [position, velocity], align: linear, max_age_ms: 50}
  cube: {topic: /c, type: geometry_msgs/msg/PoseStamped, align: linear, max_age_ms: 50}
  spare: {topic: /s, type: geometry_msgs/msg/TwistStamped, align: linear, max_age_ms: 50, optional: true}
  things: {topic: /t, type: std_msgs/msg/Float64MultiArray, align: newest, max_age_ms: 50}
";
    const ACT: &str = "
rate_hz: 100
parts:
  arm: {joints: [l/b, l/a], from: {next: left}, to: {topic: /o, type: std_msgs/msg/Float64MultiArray}}
";

    fn resolve(goal: Option<&str>, widths: &[(&str, usize)]) -> Result<Layout, Error> {
        let robot: Robot = serde_saphyr::from_str(ROBOT).expect("a robot");
        let observe: Observe = serde_saphyr::from_str(OBSERVE).expect("streams");
        let act: Act = serde_saphyr::from_str(ACT).expect("parts");
        let goal = goal.map(|stream| Goal { stream: stream.to_owned(), ..Goal::default() });
        let widths = widths.iter().map(|(name, width)| ((*name).to_owned(), *width)).collect();
        Layout::resolve(&robot, &observe, &act, goal.as_ref(), &widths)
    }

    #[test]
    fn streams_stand_by_name_and_joints_in_the_robots_order() -> Result<(), Error> {
        let layout = resolve(Some("left"), &[("things", 2)])?;
        assert_eq!(layout.streams().collect::<Vec<_>>(), ["cube", "left", "things", "wrist"]);
        assert_eq!(layout.state[1].labels, ["position/l/a", "position/l/b", "velocity/l/a", "velocity/l/b"]);
        assert_eq!((layout.width(), layout.goal.clone()), (15, vec![9, 10, 11, 12]));
        assert_eq!(layout.cameras[0], Camera { stream: "wrist".into(), size: [8, 6], channels: 1 });
        assert_eq!(
            (layout.actions.clone(), layout.measured()),
            (vec!["l/b".into(), "l/a".into()], Some(vec![10, 9]))
        );
        let text = serde_json::to_string(&layout).expect("it is written");
        assert_eq!(serde_json::from_str::<Layout>(&text).expect("and read"), layout);
        Ok(())
    }

    #[test]
    fn what_the_settings_do_not_say_is_an_error_with_its_key() {
        let width = resolve(None, &[]).expect_err("a width nobody knows").to_string();
        assert!(width.starts_with("observe.streams.things: "), "{width}");
        let goal = resolve(Some("wrist"), &[("things", 1)]).expect_err("a camera is no goal").to_string();
        assert!(goal.starts_with("data.goal.stream: \"wrist\""), "{goal}");
    }
}
