//! The same in a mirror: which numbers change their sign.
//!
//! A reflection at the plane y = 0 is one of signs alone, also of what is seen from another thing: `M · R · S` has the entries of the
//! rotation `R`, where `M` turns round the axis that is across the mirror and `S` the one that is across the thing. So it is worked out
//! once, number by number, and costs a product each.

use crate::data::augment::{Axis, Mirror};
use crate::data::layout::{Layout, POSE, Part};
use crate::data::observe::Field;
use crate::data::{Error, Gathered, Shape};

/// −1 for each number that is another in a mirror, 1 for the others.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) struct Signs {
    /// In the order of the state.
    pub(in crate::data) state: Vec<f32>,
    /// In the order of actions.
    pub(in crate::data) actions: Vec<f32>,
    goal: Vec<f32>,
}

impl Signs {
    /// Of every number of `layout`, or why that cannot be said.
    pub(in crate::data) fn of(mirror: &Mirror, layout: &Layout) -> Result<Self, Error> {
        let refused =
            |key: &str, why: String| Err(Error::Setting { key: format!("data.augment.mirror{key}"), why });
        if let Some(camera) = layout.cameras.first() {
            return refused(
                "",
                format!("{:?} is a stream of pictures, and those are not mirrored", camera.stream),
            );
        }
        if let Some(joint) = mirror.joints.iter().find(|joint| !layout.actions.contains(joint)) {
            return refused(".joints", format!("{joint:?} is none of the joints that are moved"));
        }
        let is_pose =
            |stream: &String| layout.state.iter().any(|part| part.stream == *stream && part.is_pose());
        if let Some(stream) = mirror.across.keys().find(|stream| !is_pose(stream)) {
            return refused(".across", format!("{stream:?} is no stream of poses"));
        }
        let mut state = Vec::with_capacity(layout.width());
        for part in &layout.state {
            match mirror.signs(part) {
                Some(signs) => state.extend(signs),
                None => {
                    let why = format!(
                        "what the numbers of the stream {:?} are in a mirror is not known; where they are the same, name it here",
                        part.stream
                    );
                    return refused(".alike", why);
                }
            }
        }
        let goal = layout.goal.iter().map(|place| state[*place]).collect();
        let actions = layout.actions.iter().map(|joint| mirror.joint(joint)).collect();
        Ok(Self { state, actions, goal })
    }

    /// Mirrors the last window of `out`.
    pub(super) fn apply(&self, shape: Shape, out: &mut Gathered) {
        let rows = [
            (&mut out.state, &self.state, shape.history),
            (&mut out.past, &self.actions, shape.history),
            (&mut out.actions, &self.actions, shape.chunk),
            (&mut out.goal, &self.goal, 1),
        ];
        for (row, signs, times) in rows {
            let begin = row.len() - signs.len() * times;
            row[begin..].iter_mut().zip(signs.iter().cycle()).for_each(|(value, sign)| *value *= sign);
        }
    }
}

impl Mirror {
    fn joint(&self, joint: &String) -> f32 {
        if self.joints.contains(joint) { -1.0 } else { 1.0 }
    }

    /// Of the numbers of one stream; nothing where it is not known what they are.
    fn signs(&self, part: &Part) -> Option<Vec<f32>> {
        if self.alike.contains(&part.stream) {
            return Some(vec![1.0; part.labels.len()]);
        }
        if part.is_pose() {
            let seen_from = part.labels[0].strip_suffix("/x").and_then(|from| from.strip_prefix("from "));
            let mirror = seen_from.map_or(Axis::Y, |other| self.across(other));
            return Some(pose(mirror, self.across(&part.stream)));
        }
        let joint = |label: &String| {
            let (field, joint) = label.split_once('/')?;
            Field::ALL.iter().any(|known| known.word() == field).then(|| self.joint(&joint.to_owned()))
        };
        part.labels.iter().map(joint).collect()
    }

    fn across(&self, stream: &str) -> Axis {
        self.across.get(stream).copied().unwrap_or_default()
    }
}

/// Of a pose: its place, and of its rotation the first two columns.
fn pose(mirror: Axis, own: Axis) -> Vec<f32> {
    let sign = |turned: bool| if turned { -1.0 } else { 1.0 };
    let place = [Axis::X, Axis::Y, Axis::Z].map(|axis| sign(axis == mirror));
    let column = |axis: Axis| place.map(|of| of * sign(axis == own));
    let signs = [place, column(Axis::X), column(Axis::Y)].concat();
    debug_assert_eq!(signs.len(), POSE.len(), "as many as a pose has numbers");
    signs
}

#[cfg(test)]
mod tests {
    use nalgebra::{Matrix3, Rotation3, Vector3};

    use super::*;

    fn part(stream: &str, labels: &[&str]) -> Part {
        Part { stream: stream.to_owned(), labels: labels.iter().map(|label| (*label).to_owned()).collect() }
    }

    /// Two joints, a block, and a tool that is seen from it.
    fn layout() -> Layout {
        let from: Vec<String> = POSE.iter().map(|label| format!("from block/{label}")).collect();
        let from: Vec<&str> = from.iter().map(String::as_str).collect();
        Layout {
            rate_hz: 25.0,
            state: vec![
                part("block", &POSE),
                part("joints", &["position/pan", "position/lift", "velocity/pan"]),
                part("tool", &from),
            ],
            cameras: Vec::new(),
            goal: vec![1, 2],
            actions: vec!["pan".to_owned(), "lift".to_owned()],
        }
    }

    fn mirror() -> Mirror {
        let across = [("block".to_owned(), Axis::X)].into();
        Mirror { joints: vec!["pan".to_owned()], across, alike: Vec::new() }
    }

    fn numbers(at: &Vector3<f64>, turned: &Matrix3<f64>) -> Vec<f64> {
        at.iter().chain(turned.column(0).iter()).chain(turned.column(1).iter()).copied().collect()
    }

    #[test]
    fn what_is_seen_in_a_mirror_is_what_a_reflection_makes_of_it() -> Result<(), Error> {
        let signs = Signs::of(&mirror(), &layout())?;
        let across = |axis: usize| {
            let mut diagonal = Vector3::repeat(1.0);
            diagonal[axis] = -1.0;
            Matrix3::from_diagonal(&diagonal)
        };
        let (world, block, tool) = (across(1), across(0), across(1));
        let turned = |roll, pitch, yaw| *Rotation3::from_euler_angles(roll, pitch, yaw).matrix();
        let (block_at, block_turned) = (Vector3::new(0.4, 0.1, 0.02), turned(0.1, -0.3, 2.0));
        let (tool_at, tool_turned) = (Vector3::new(0.2, -0.3, 0.5), turned(-1.0, 0.4, 0.7));
        let from_block =
            |block_at: &Vector3<f64>, block: &Matrix3<f64>, at: &Vector3<f64>, turned: &Matrix3<f64>| {
                numbers(&(block.transpose() * (at - block_at)), &(block.transpose() * turned))
            };
        let mirrored_block = (world * block_at, world * block_turned * block);
        let mirrored_tool = (world * tool_at, world * tool_turned * tool);
        let near = |seen: &[f64], signs: &[f32], mirrored: &[f64]| {
            let pairs = seen.iter().zip(signs).zip(mirrored);
            pairs.for_each(|((seen, sign), mirrored)| {
                assert!((seen * f64::from(*sign) - mirrored).abs() < 1e-12)
            });
        };
        near(
            &numbers(&block_at, &block_turned),
            &signs.state[..9],
            &numbers(&mirrored_block.0, &mirrored_block.1),
        );
        near(
            &from_block(&block_at, &block_turned, &tool_at, &tool_turned),
            &signs.state[12..],
            &from_block(&mirrored_block.0, &mirrored_block.1, &mirrored_tool.0, &mirrored_tool.1),
        );
        assert_eq!(signs.state[9..12], [-1.0, 1.0, -1.0]);
        assert_eq!((signs.actions, signs.goal), (vec![-1.0, 1.0], vec![-1.0, 1.0]));
        Ok(())
    }

    #[test]
    fn what_nobody_knows_to_mirror_is_refused_by_its_key() {
        let refused = |mirror: &Mirror, layout: &Layout| {
            Signs::of(mirror, layout).expect_err("it is not to be known").to_string()
        };
        let cue = Layout { state: vec![part("cue", &["0", "1"])], goal: Vec::new(), ..layout() };
        assert!(refused(&Mirror::default(), &cue).starts_with("data.augment.mirror.alike: "));
        let alike = Mirror { alike: vec!["cue".to_owned()], ..Mirror::default() };
        assert!(Signs::of(&alike, &cue).is_ok_and(|signs| signs.state == [1.0, 1.0]));
        let unknown = Mirror { joints: vec!["elbow".to_owned()], ..mirror() };
        assert!(refused(&unknown, &layout()).starts_with("data.augment.mirror.joints: \"elbow\""));
        let no_pose = Mirror { across: [("joints".to_owned(), Axis::X)].into(), ..mirror() };
        assert!(refused(&no_pose, &layout()).starts_with("data.augment.mirror.across: \"joints\""));
        let size = [96, 96];
        let camera = crate::data::Camera { stream: "front".to_owned(), size, channels: 3 };
        let seen = Layout { cameras: vec![camera], ..layout() };
        assert!(refused(&mirror(), &seen).contains("\"front\" is a stream of pictures"));
    }
}
