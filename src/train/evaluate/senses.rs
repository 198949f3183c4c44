//! What a world shows of itself, as the readings that a robot's messages would give.
//!
//! An evaluation speaks to no bus: it hands the very values that the simulator would send to the very code that makes observations
//! of them, stamped with the tick at which they would be sent.

use std::sync::Arc;

use super::Error;
use crate::data::observe::{Field, Observe, Observer, Reading, Stamps, Stream, Unread};
use crate::data::{Frame, Layout};
use crate::sim::{self, NAMES, Seen, Simulation, State};
use crate::time::Stamp;

/// Where the readings of one stream come from.
#[derive(Clone, Debug)]
enum Source {
    /// One number of each of these fields and joints, in this order.
    Joints(Vec<(Field, usize)>),
    /// The thing of that number.
    Thing(usize),
    /// A camera and the size of its pictures.
    Camera(&'static str, [u32; 2]),
}

/// The streams of a policy, found in a world.
#[derive(Clone, Debug)]
pub(super) struct Senses {
    /// By the order of the layout; each speaks at one of so many ticks.
    streams: Vec<(Source, u64)>,
    /// The thing whose reading is the goal.
    goal: Option<usize>,
}

impl Senses {
    /// Finds the streams of `layout` in `world`, whose ticks come `control_hz` times a second.
    pub(super) fn find(
        layout: &Layout,
        observe: &Observe,
        world: &Simulation,
        control_hz: f64,
        goal: Option<&str>,
    ) -> Result<Self, Error> {
        let stream = |name: &str| {
            let missing = || Error::Unseen { stream: name.to_owned(), world: world.entry().name };
            let stream = observe.streams.get(name).ok_or_else(missing)?;
            let source = source(layout, name, stream, world).ok_or_else(missing)?;
            let one_of = (control_hz / stream.rate_hz.unwrap_or(control_hz)).round().max(1.0);
            Ok((source, one_of as u64))
        };
        let streams = layout.streams().map(stream).collect::<Result<_, Error>>()?;
        match goal {
            Some(_) if layout.goal.is_empty() => return Err(Error::NoGoal),
            None if !layout.goal.is_empty() => return Err(Error::GoalWanted),
            _ => {}
        }
        let goal = goal.map(|name| {
            let found = world.state().things.iter().position(|thing| thing.name == name);
            found.ok_or_else(|| Error::Goal { goal: name.to_owned(), world: world.entry().name })
        });
        Ok(Self { streams, goal: goal.transpose()? })
    }

    /// Shows `observer` everything that is due at this tick, which is at `now`.
    pub(super) fn show(
        &self,
        world: &mut Simulation,
        now: Stamp,
        observer: &mut Observer,
    ) -> Result<(), Error> {
        let (tick, measured) = (world.ticks(), world.measure());
        for (number, (source, one_of)) in self.streams.iter().enumerate() {
            if !tick.is_multiple_of(*one_of) {
                continue;
            }
            let reading = match source {
                Source::Joints(places) => Reading::Numbers(joints(places, &measured)),
                Source::Thing(thing) => match of_thing(&measured.things[*thing].seen) {
                    Ok(reading) => reading,
                    // What is read from a message would be dropped as well.
                    Err(_unread) => continue,
                },
                Source::Camera(camera, size) => {
                    let picture = world.picture(camera, *size)?;
                    let frame = Frame { size: *size, channels: 3, sent: *size, pixels: picture.rgb };
                    Reading::Picture(Arc::new(frame))
                }
            };
            observer.see(number, Stamps { received: now, own: now }, reading);
        }
        if let Some(thing) = self.goal {
            of_thing(&measured.things[thing].seen).iter().for_each(|goal| observer.aim(goal));
        }
        Ok(())
    }
}

fn source(layout: &Layout, name: &str, stream: &Stream, world: &Simulation) -> Option<Source> {
    if let Some(size) = stream.size {
        return sim::camera_of(stream.topic.as_str()).map(|camera| Source::Camera(camera, size));
    }
    if !stream.fields.is_empty() {
        let part = layout.state.iter().find(|part| part.stream == name)?;
        let place = |label: &String| {
            let (field, joint) = label.split_once('/')?;
            let field = stream.fields.iter().find(|known| known.word() == field)?;
            let joint = joint.strip_prefix(&stream.prefix)?;
            Some((*field, NAMES.iter().position(|known| *known == joint)?))
        };
        return part.labels.iter().map(place).collect::<Option<_>>().map(Source::Joints);
    }
    let things = &world.state().things;
    things.iter().position(|thing| thing.topic() == stream.topic.as_str()).map(Source::Thing)
}

fn joints(places: &[(Field, usize)], state: &State) -> Vec<f64> {
    let of = |(field, joint): &(Field, usize)| match field {
        Field::Position => state.joints[*joint],
        Field::Velocity => state.speeds[*joint],
        Field::Effort => state.efforts[*joint],
    };
    places.iter().map(of).collect()
}

fn of_thing(seen: &Seen) -> Result<Reading, Unread> {
    match seen {
        Seen::Numbers(numbers) => Ok(Reading::Numbers(numbers.clone())),
        Seen::Pose(pose) => {
            let (at, turned) = (pose.translation.vector, pose.rotation.coords);
            Reading::pose([at.x, at.y, at.z], [turned.x, turned.y, turned.z, turned.w])
        }
    }
}
