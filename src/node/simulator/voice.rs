//! What a robot and the world around it say of themselves: `/clock`, joints, pictures, things, and how the attempt stands.
//!
//! Topics, rates and names are those of the robot's file. What was said last is kept as bytes, so that in lockstep it can be
//! said again to whoever came late, to the letter.

mod jpeg;
mod words;

use std::sync::Arc;

use bytes::Bytes;

use super::slots::{Slot, slots};
use super::{Error, Options};
use crate::bus::typed::topic;
use crate::bus::{Bus, Sink, ToldClock};
use crate::data::observe::Stream;
use crate::msg::Message;
use crate::msg::geometry::PoseStamped;
use crate::msg::own::Judgement;
use crate::msg::sensor::{CompressedImage, Image, JointState};
use crate::msg::std::{Clock, Float64MultiArray};
use crate::sim::{CAMERAS, Seen, Simulation, camera_of};
use crate::time::Stamp;
use crate::wire::Qos;

/// The topic of the time.
pub(super) const CLOCK: &str = "/clock";
/// How often a second it is said how the attempt stands, besides whenever it changes.
const RESULTS_HZ: f64 = 10.0;
/// Width and height of a picture of which the robot's file says nothing.
const SIZE: [u32; 2] = [320, 240];

/// The topic of how the attempt stands.
pub(super) const RESULT: &str = "~/result";

/// The sending end of a topic, by its place in [`Voice::sinks`].
type Mouth = usize;

#[derive(Debug)]
struct Joints {
    mouth: Mouth,
    slots: Vec<Slot>,
    one_of: u64,
}

#[derive(Debug)]
struct Camera {
    name: &'static str,
    size: [u32; 2],
    one_of: u64,
    raw: Option<Mouth>,
    jpeg: Option<Mouth>,
}

/// All that is published of a world.
pub(super) struct Voice {
    sinks: Vec<(String, Box<dyn Sink>)>,
    clock: Mouth,
    result: Mouth,
    joints: Vec<Joints>,
    cameras: Vec<Camera>,
    /// In the order of the world's own.
    things: Vec<Mouth>,
    /// One of how many ticks it is said how the attempt stands.
    results: u64,
    told: Option<Arc<ToldClock>>,
    /// What was said at this tick.
    said: Vec<(Mouth, Bytes)>,
}

impl Voice {
    /// Opens every topic; a camera that sees nothing on this machine is found out here. `told` is told the time as well.
    pub(super) fn open(
        bus: &dyn Bus,
        options: &Options,
        world: &mut Simulation,
        told: Option<Arc<ToldClock>>,
    ) -> Result<Self, Error> {
        let results = (options.act.rate_hz / RESULTS_HZ).round().max(1.0) as u64;
        let (clock, result) = (0, 1);
        let (sinks, joints, cameras, things) = Default::default();
        let mut voice =
            Self { sinks, clock, result, joints, cameras, things, results, told, said: Vec::new() };
        voice.mouth::<Clock>(bus, CLOCK, Qos::reliable(1))?;
        voice.mouth::<Judgement>(bus, RESULT, Qos::latched(1))?;
        for stream in options.observe.streams.values() {
            voice.observed(bus, options, stream)?;
        }
        for camera in options.cameras.iter().flatten() {
            if !voice.cameras.iter().any(|known| known.name == camera) {
                return Err(Error::Camera { topic: camera.clone(), known: &CAMERAS });
            }
        }
        for camera in &voice.cameras {
            world.picture(camera.name, camera.size).map_err(options.refused())?;
        }
        for thing in world.state().things.clone() {
            let (topic, qos) = (thing.topic(), Qos::reliable(10));
            let mouth = match thing.seen {
                Seen::Pose(_) => voice.mouth::<PoseStamped>(bus, &topic, qos)?,
                Seen::Numbers(_) => voice.mouth::<Float64MultiArray>(bus, &topic, qos)?,
            };
            voice.things.push(mouth);
        }
        Ok(voice)
    }

    fn mouth<M: Message>(&mut self, bus: &dyn Bus, name: &str, qos: Qos) -> Result<Mouth, Error> {
        self.sinks.push((bus.node().resolve(name)?, bus.advertise(&topic::<M>(name, qos))?));
        Ok(self.sinks.len() - 1)
    }

    /// Opens what one observed stream asks for; two of them may see the same topic.
    fn observed(&mut self, bus: &dyn Bus, options: &Options, stream: &Stream) -> Result<(), Error> {
        let (name, type_name) = (stream.topic.as_str(), stream.type_name.as_str());
        let full = bus.node().resolve(name)?;
        if self.sinks.iter().any(|(known, _)| *known == full) {
            return Ok(());
        }
        match type_name {
            JointState::TYPE => {
                let one_of = options.one_of(name, stream.rate_hz)?;
                // As ros2_control's joint_state_broadcaster: what is small is sent again.
                let mouth = self.mouth::<JointState>(bus, name, Qos::reliable(10))?;
                self.joints.push(Joints { mouth, slots: slots(&options.joints, &stream.prefix)?, one_of });
            }
            Image::TYPE | CompressedImage::TYPE => self.camera(bus, options, stream)?,
            // Things are published under their own names; what else a robot has, this one has not.
            _ => {}
        }
        Ok(())
    }

    fn camera(&mut self, bus: &dyn Bus, options: &Options, stream: &Stream) -> Result<(), Error> {
        let (topic, raw) = (stream.topic.as_str(), stream.type_name.as_str() == Image::TYPE);
        let unknown = || Error::Camera { topic: topic.to_owned(), known: &CAMERAS };
        let name = camera_of(topic).ok_or_else(unknown)?;
        if options.cameras.as_ref().is_some_and(|wanted| !wanted.iter().any(|wanted| wanted == name)) {
            return Ok(());
        }
        let one_of = options.one_of(topic, stream.rate_hz)?;
        let size = options.size.or(stream.size).unwrap_or(SIZE);
        let mut camera = Camera { name, size, one_of, raw: None, jpeg: None };
        if raw {
            camera.raw = Some(self.mouth::<Image>(bus, topic, Qos::sensor())?);
        }
        if options.jpeg || !raw {
            let topic = if raw { format!("{topic}/compressed") } else { topic.to_owned() };
            camera.jpeg = Some(self.mouth::<CompressedImage>(bus, &topic, Qos::sensor())?);
        }
        self.cameras.push(camera);
        Ok(())
    }

    /// The full names of all topics but `/clock`.
    pub(super) fn topics(&self) -> impl Iterator<Item = &str> {
        self.sinks.iter().skip(1).map(|(name, _)| name.as_str())
    }

    /// Those of them that nobody hears.
    pub(super) fn unheard(&self) -> Vec<String> {
        let unheard = self.sinks.iter().skip(1).filter(|(_, sink)| sink.matched() == 0);
        unheard.map(|(name, _)| name.clone()).collect()
    }

    /// Tells the time.
    pub(super) fn tell(&mut self, now: Stamp) -> Result<(), Error> {
        if let Some(told) = &self.told {
            told.tell(now);
        }
        self.said.clear();
        self.say(self.clock, words::clock(now))
    }

    /// Says everything that is due at this tick but how the attempt stands.
    pub(super) fn show(
        &mut self,
        options: &Options,
        world: &mut Simulation,
        now: Stamp,
    ) -> Result<(), Error> {
        let (tick, measured) = (world.ticks(), world.measure());
        for at in 0..self.joints.len() {
            let Joints { mouth, slots, one_of } = &self.joints[at];
            if tick.is_multiple_of(*one_of) {
                let (mouth, words) = (*mouth, words::joints(slots, &measured, now));
                self.say(mouth, words)?;
            }
        }
        for (thing, mouth) in measured.things.iter().zip(self.things.clone()) {
            self.say(mouth, words::thing(thing, now))?;
        }
        for at in 0..self.cameras.len() {
            let Camera { name, size, one_of, raw, jpeg } = self.cameras[at];
            if tick.is_multiple_of(one_of) {
                let picture = world.picture(name, size).map_err(options.refused())?;
                if let Some(mouth) = jpeg {
                    let file = jpeg::of(&picture).map_err(Error::Jpeg)?;
                    self.say(mouth, words::compressed(name, file, now))?;
                }
                if let Some(mouth) = raw {
                    self.say(mouth, words::image(name, picture, now))?;
                }
            }
        }
        Ok(())
    }

    /// Whether it is time to say how the attempt stands, even where nothing changed.
    pub(super) fn result_is_due(&self, tick: u64) -> bool {
        tick.is_multiple_of(self.results)
    }

    /// Says how the attempt stands.
    pub(super) fn judge(&mut self, result: &Judgement) -> Result<(), Error> {
        self.say(self.result, result.encode())
    }

    /// Says all of this tick once more.
    pub(super) fn repeat(&mut self) -> Result<(), Error> {
        for (mouth, words) in self.said.clone() {
            self.sinks[mouth].1.send(words)?;
        }
        Ok(())
    }

    fn say(&mut self, mouth: Mouth, words: Bytes) -> Result<(), Error> {
        self.said.push((mouth, words.clone()));
        Ok(self.sinks[mouth].1.send(words)?)
    }
}
