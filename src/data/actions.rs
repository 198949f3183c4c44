//! Action labels: what was done at each tick, from wherever a part's actions come.
//!
//! The label of a tick lies between its neighbours: a person's hand moves evenly between two messages of a leader, and the older of
//! them alone would be late by half a period on average. Labels may look ahead because only learning uses them. Where commands
//! stop for longer than `max_age_ms` there is no label, and before the first and after the last one there is no demonstration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Error;
use super::layout::Layout;
use super::observe::{Align, Unread, finite, places};
use super::settings::within;
use crate::msg::Message;
use crate::msg::own::Command;
use crate::msg::sensor::JointState;
use crate::msg::std::Float64MultiArray;
use crate::msg::trajectory::JointTrajectory;
use crate::spec::{Act, Channel, Part, Source};
use crate::time::Stamp;
use crate::wire::Sample;

/// The section `data.actions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Actions {
    /// Between the neighbours of a tick, or the newest before it for commands that jump.
    pub align: Align,
    /// The longest time for which one command stands.
    pub max_age_ms: f64,
    /// How much later than the tick the command of its label is; for a known lag between a command and its effect.
    pub offset_ms: f64,
}

impl Default for Actions {
    fn default() -> Self {
        Self { align: Align::Linear, max_age_ms: 200.0, offset_ms: 0.0 }
    }
}

impl Actions {
    pub(super) fn check(&self) -> Result<(), Error> {
        within("data.actions.max_age_ms", self.max_age_ms, 1.0, 86_400e3)?;
        within("data.actions.offset_ms", self.offset_ms, -60e3, 60e3)
    }

    fn limit(&self) -> Duration {
        Duration::from_secs_f64(self.max_age_ms / 1e3)
    }
}

/// Why a tick has no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unlabelled {
    /// Nothing was commanded yet.
    Before,
    /// Nothing was commanded any more.
    After,
    /// Nothing was commanded for too long.
    Gap,
}

/// Numbers over time.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    stamps: Vec<Stamp>,
    rows: Vec<Vec<f64>>,
}

impl Timeline {
    /// Adds what was so from `stamp` on; what was to be so later is replaced by it.
    pub(super) fn add(&mut self, stamp: Stamp, row: Vec<f64>) {
        self.cut(stamp);
        self.stamps.push(stamp);
        self.rows.push(row);
    }

    /// Takes away what was to be so at `stamp` and later.
    fn cut(&mut self, stamp: Stamp) {
        let kept = self.stamps.partition_point(|known| *known < stamp);
        self.stamps.truncate(kept);
        self.rows.truncate(kept);
    }

    /// What was so at `instant`, looking ahead.
    pub(super) fn at(
        &self,
        instant: Stamp,
        align: Align,
        limit: Duration,
        out: &mut Vec<f32>,
    ) -> Result<(), Unlabelled> {
        let after = self.stamps.partition_point(|known| *known <= instant);
        let before = after.checked_sub(1).ok_or(Unlabelled::Before)?;
        let (from, later) = (self.stamps[before], self.stamps.get(after));
        if instant.since(from) > limit {
            return Err(if later.is_some() { Unlabelled::Gap } else { Unlabelled::After });
        }
        let row = &self.rows[before];
        match later.filter(|later| align == Align::Linear && later.since(from) <= limit) {
            Some(later) => {
                let share = instant.since(from).as_nanos() as f64 / later.since(from).as_nanos() as f64;
                out.extend(
                    row.iter().zip(&self.rows[after]).map(|(from, to)| (from + share * (to - from)) as f32),
                );
            }
            None => out.extend(row.iter().map(|value| *value as f32)),
        }
        Ok(())
    }
}

/// Where one part's actions come from, as messages name its joints.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// A topic.
    Topic(Channel, Vec<String>),
    /// The positions of these joints at the next tick, as numbers of the observed stream.
    Next(String, Vec<usize>),
}

/// Where the actions of all parts come from, in the order of actions.
pub(super) fn origins(act: &Act, layout: &Layout) -> Result<Vec<Origin>, Error> {
    act.parts.iter().map(|(name, part)| origin(name, part, layout)).collect()
}

fn origin(name: &str, part: &Part, layout: &Layout) -> Result<Origin, Error> {
    let wrong = |why: String| Error::Setting { key: format!("act.parts.{name}.from"), why };
    match &part.from {
        Source::Topic(channel) => {
            let type_name = channel.type_name.as_str();
            let known = [JointState::TYPE, Float64MultiArray::TYPE, JointTrajectory::TYPE, Command::TYPE];
            if !known.contains(&type_name) {
                return Err(wrong(format!(
                    "joints cannot be learned from {type_name}, only from {}",
                    known.join(", ")
                )));
            }
            let bare = |joint: &String| joint.strip_prefix(&channel.prefix).unwrap_or(joint).to_owned();
            Ok(Origin::Topic(channel.clone(), part.joints.iter().map(bare).collect()))
        }
        Source::Next(stream) => {
            let seen = layout.state.iter().find(|seen| seen.stream == *stream);
            let labels = &seen
                .ok_or_else(|| wrong(format!("{stream:?} is no stream of numbers that is seen")))?
                .labels;
            let place = |joint: &String| {
                let label = format!("position/{joint}");
                let place = labels.iter().position(|known| *known == label);
                place.ok_or_else(|| wrong(format!("the stream {stream:?} does not see {label:?}")))
            };
            Ok(Origin::Next(stream.clone(), part.joints.iter().map(place).collect::<Result<_, _>>()?))
        }
    }
}

/// Adds to `timeline` what a message commands these joints.
pub(super) fn hear(timeline: &mut Timeline, joints: &[String], sample: &Sample) -> Result<(), Unread> {
    let (cdr, received) = (&sample.cdr, sample.received);
    let (names, values) = match sample.topic.type_name.as_str() {
        JointState::TYPE => {
            let state = JointState::decode(cdr)?;
            (state.name, state.position)
        }
        Command::TYPE => {
            let command = Command::decode(cdr)?;
            (command.names, command.values)
        }
        JointTrajectory::TYPE => return follow(timeline, joints, received, JointTrajectory::decode(cdr)?),
        // Its numbers have no names; they are in the part's order.
        _ => (joints.to_vec(), Float64MultiArray::decode(cdr)?.data),
    };
    timeline.add(received, chosen(joints, &names, &values)?);
    Ok(())
}

fn chosen(joints: &[String], names: &[String], values: &[f64]) -> Result<Vec<f64>, Unread> {
    let places = places(joints, names)?;
    if values.len() != names.len() {
        return Err(Unread::Width { has: values.len(), wanted: names.len() });
    }
    let row: Vec<f64> = places.into_iter().map(|place| values[place]).collect();
    finite(&row, |number| joints[number].clone())?;
    Ok(row)
}

/// A trajectory of one point is a command to be there now, however the controller gets there: it is sent again and again. One of
/// several points says where to be when, and takes the place of what an earlier one said of that time.
fn follow(
    timeline: &mut Timeline,
    joints: &[String],
    received: Stamp,
    path: JointTrajectory,
) -> Result<(), Unread> {
    let rows = path.points.iter().map(|point| chosen(joints, &path.joint_names, &point.positions));
    let mut rows: Vec<Vec<f64>> = rows.collect::<Result<_, _>>()?;
    if rows.is_empty() {
        return Err(Unread::Width { has: 0, wanted: joints.len() });
    }
    if rows.len() == 1 {
        timeline.add(received, rows.remove(0));
        return Ok(());
    }
    let said = Stamp::from_parts(path.header.stamp.sec, path.header.stamp.nanosec);
    let begin = if said == Stamp(0) { received } else { said };
    timeline.cut(begin);
    for (point, row) in path.points.iter().zip(rows) {
        let after = Stamp::from_parts(point.time_from_start.sec, point.time_from_start.nanosec);
        timeline.add(Stamp(begin.0.saturating_add(after.0)), row);
    }
    Ok(())
}

/// The labels of a recording, once all of it was heard.
#[derive(Debug)]
pub(super) struct Labels<'a> {
    /// Of each part, with how much later than the tick its label is.
    pub(super) parts: Vec<(&'a Timeline, i64)>,
    /// How they are brought onto the grid.
    pub(super) actions: &'a Actions,
}

impl Labels<'_> {
    /// The action of `tick`, added to `out`; nothing is added where there is none.
    pub(super) fn at(&self, tick: Stamp, out: &mut Vec<f32>) -> Result<(), Unlabelled> {
        let (begin, limit) = (out.len(), self.actions.limit());
        let offset = (self.actions.offset_ms * 1e6).round() as i64;
        for (timeline, ahead) in &self.parts {
            let instant = Stamp(tick.0.saturating_add(ahead + offset));
            if let Err(why) = timeline.at(instant, self.actions.align, limit, out) {
                out.truncate(begin);
                return Err(why);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::msg::trajectory::JointTrajectoryPoint;
    use crate::wire::Topic;

    fn sample<M: Message>(received: i64, message: &M) -> Sample {
        let topic = Arc::new(Topic::new("/t", M::TYPE));
        let received = Stamp(received * 1_000_000);
        Sample { topic, received, sent: None, publisher: None, sequence: None, cdr: message.encode() }
    }

    fn at(timeline: &Timeline, milliseconds: i64, align: Align) -> Result<Vec<f32>, Unlabelled> {
        let mut out = Vec::new();
        timeline.at(Stamp(milliseconds * 1_000_000), align, Duration::from_millis(100), &mut out)?;
        Ok(out)
    }

    #[test]
    fn a_label_lies_between_its_neighbours_and_never_in_a_hole() {
        let mut timeline = Timeline::default();
        for (stamp, value) in [(100, 0.0), (140, 4.0), (400, 8.0)] {
            timeline.add(Stamp(stamp * 1_000_000), vec![value]);
        }
        assert_eq!(at(&timeline, 99, Align::Linear), Err(Unlabelled::Before));
        assert_eq!(at(&timeline, 110, Align::Linear), Ok(vec![1.0]));
        assert_eq!(at(&timeline, 110, Align::Newest), Ok(vec![0.0]));
        assert_eq!(at(&timeline, 200, Align::Linear), Ok(vec![4.0]), "the hole is not bridged");
        assert_eq!(at(&timeline, 300, Align::Linear), Err(Unlabelled::Gap));
        assert_eq!(at(&timeline, 500, Align::Linear), Ok(vec![8.0]));
        assert_eq!(at(&timeline, 501, Align::Linear), Err(Unlabelled::After));
    }

    #[test]
    fn every_kind_of_command_is_read_by_the_names_of_its_joints() -> Result<(), Unread> {
        let joints = ["b".to_owned(), "a".to_owned()];
        let names = vec!["a".to_owned(), "c".to_owned(), "b".to_owned()];
        let values = vec![1.0, 3.0, 2.0];
        let point = JointTrajectoryPoint { positions: values.clone(), ..Default::default() };
        let trajectory =
            JointTrajectory { joint_names: names.clone(), points: vec![point], ..Default::default() };
        let state = JointState { name: names.clone(), position: values.clone(), ..Default::default() };
        for sample in [
            sample(1, &state),
            sample(1, &Command { names, values, ..Default::default() }),
            sample(1, &trajectory),
            sample(1, &Float64MultiArray { data: vec![2.0, 1.0], ..Default::default() }),
        ] {
            let mut timeline = Timeline::default();
            hear(&mut timeline, &joints, &sample)?;
            assert_eq!(timeline.rows, [[2.0, 1.0]], "{}", sample.topic.type_name);
        }
        let mut timeline = Timeline::default();
        let wrong = sample(1, &JointState { position: vec![f64::NAN; 3], ..state });
        assert!(matches!(hear(&mut timeline, &joints, &wrong), Err(Unread::NotFinite { .. })));
        let short = sample(1, &Float64MultiArray { data: vec![1.0], ..Default::default() });
        assert!(hear(&mut timeline, &joints, &short).is_err() && timeline.stamps.is_empty());
        Ok(())
    }

    #[test]
    fn a_new_trajectory_takes_the_place_of_what_an_earlier_one_said_of_its_time() -> Result<(), Unread> {
        let path = |points: &[(u32, f64)]| JointTrajectory {
            joint_names: vec!["a".into()],
            points: points
                .iter()
                .map(|(milliseconds, value)| JointTrajectoryPoint {
                    positions: vec![*value],
                    time_from_start: crate::msg::std::Duration { sec: 0, nanosec: milliseconds * 1_000_000 },
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        };
        let (mut timeline, joints) = (Timeline::default(), ["a".to_owned()]);
        hear(&mut timeline, &joints, &sample(0, &path(&[(0, 0.0), (80, 8.0), (160, 16.0)])))?;
        hear(&mut timeline, &joints, &sample(100, &path(&[(20, 5.0), (40, 4.0)])))?;
        assert_eq!(at(&timeline, 40, Align::Linear), Ok(vec![4.0]));
        assert_eq!(timeline.rows.concat(), [0.0, 8.0, 5.0, 4.0]);
        Ok(())
    }
}
