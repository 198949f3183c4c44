//! The one pass over a recording's messages: streams into the observer, commands onto their timelines.
//!
//! Pictures are written as soon as they are part of an observation, so that memory holds those of a fraction of a second, however
//! long the recording is; numbers stay.

use std::sync::Arc;
use std::time::Duration;

use super::Scene;
use super::wiring::{Use, Wiring};
use crate::data::actions::{self, Origin, Timeline};
use crate::data::driver::{Driver, Drivers};
use crate::data::observe::{Observer, Reading, Stamps, Unread};
use crate::data::store::{Draft, Take};
use crate::data::{Error, Frame};
use crate::msg::Message as _;
use crate::msg::own::Intervention;
use crate::time::Stamp;
use crate::wire::Sample;

/// What has been heard so far.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    scene: &'a Scene<'a>,
    observer: Observer,
    /// When the grid begins, once all streams have spoken.
    first: Option<Stamp>,
    last: Stamp,
    next: u64,
    /// The numbers of the ticks in `take`.
    pub(super) numbers: Vec<u64>,
    /// The observations so far; actions and who drove are not in it yet.
    pub(super) take: Take,
    /// The picture of each camera that was written last.
    written: Vec<Option<(Arc<Frame>, u32)>>,
    /// What each part was told.
    pub(super) timelines: Vec<Timeline>,
    /// What really left for the robot, whoever drove.
    pub(super) left: Timeline,
    pub(super) drivers: Drivers,
    /// How far from its receipt a message counted as said, the farthest of all.
    pub(super) apart: Duration,
    aimed: bool,
}

impl<'a> Pass<'a> {
    pub(super) fn new(scene: &'a Scene<'a>) -> Self {
        let cameras = scene.layout.cameras.len();
        Self {
            scene,
            observer: Observer::new(scene.layout, scene.observe),
            first: None,
            last: Stamp(0),
            next: 0,
            numbers: Vec::new(),
            take: Take { places: vec![Vec::new(); cameras], ..Take::default() },
            written: vec![None; cameras],
            timelines: vec![Timeline::default(); scene.origins.len()],
            left: Timeline::default(),
            drivers: Drivers::default(),
            apart: Duration::ZERO,
            aimed: false,
        }
    }

    /// Hears one message, after all ticks that lie before it.
    pub(super) fn hear(&mut self, wiring: &Wiring, sample: &Sample, draft: &mut Draft) -> Result<(), Error> {
        self.look(sample.received, draft)?;
        self.last = sample.received;
        for of in wiring.uses(&sample.topic.name) {
            match *of {
                Use::Stream(stream) => self.see(stream, sample),
                Use::Part(part) => self.told(part, sample),
                Use::Left => {
                    let heard = actions::hear(&mut self.left, &self.scene.layout.actions, sample);
                    self.count("command", sample, heard.err().as_ref());
                }
                Use::Driver => match Intervention::decode(&sample.cdr) {
                    Ok(said) => self.drivers.hear(sample.received, Driver::of(said.driver)),
                    Err(why) => self.count("intervention", sample, Some(&why.into())),
                },
                Use::Goal(stream) => {
                    let read = self.scene.decoder.read(stream, sample);
                    self.count("goal", sample, read.as_ref().err());
                    if let Ok((_, reading)) = read {
                        self.observer.aim(&reading);
                        self.aimed = true;
                    }
                }
            }
        }
        if self.first.is_none() && self.observer.has_heard_all(sample.received) {
            self.first = Some(sample.received);
        }
        Ok(())
    }

    fn count(&mut self, name: &str, sample: &Sample, why: Option<&Unread>) {
        let heard = self.take.account.of(name);
        heard.hear(sample.received);
        why.into_iter().for_each(|why| heard.refuse(why));
    }

    fn see(&mut self, stream: usize, sample: &Sample) {
        let name = self.scene.layout.streams().nth(stream).unwrap_or_default();
        let read = self.scene.decoder.read(stream, sample);
        if let Ok((stamps, _)) = &read {
            let [early, late] = [stamps.own.min(stamps.received), stamps.own.max(stamps.received)];
            self.apart = self.apart.max(late.since(early));
        }
        match read.and_then(|(stamps, reading)| Ok((stamps.believed()?, reading))) {
            Ok((stamps, reading)) => {
                self.count(name, sample, None);
                self.follow(name, stamps, &reading);
                if let Reading::Picture(frame) = &reading {
                    self.take.account.of(name).sizes.insert(frame.sent);
                }
                self.observer.see(stream, stamps, reading);
                self.take.account.of(name).backwards = self.observer.backwards(stream);
            }
            Err(why) => self.count(name, sample, Some(&why)),
        }
    }

    /// Where the next positions of a stream are actions, they are commands of themselves.
    fn follow(&mut self, name: &str, stamps: Stamps, reading: &Reading) {
        let Reading::Numbers(numbers) = reading else { return };
        for (origin, timeline) in self.scene.origins.iter().zip(&mut self.timelines) {
            if let Origin::Next(stream, places) = origin
                && stream == name
            {
                timeline.add(stamps.own, places.iter().map(|place| numbers[*place]).collect());
            }
        }
    }

    fn told(&mut self, part: usize, sample: &Sample) {
        let Origin::Topic(_, joints) = &self.scene.origins[part] else { return };
        let heard = actions::hear(&mut self.timelines[part], joints, sample);
        let scene = self.scene;
        self.count(&scene.parts[part], sample, heard.err().as_ref());
    }

    /// Observes at every tick before `until` at which something was still received.
    pub(super) fn look(&mut self, until: Stamp, draft: &mut Draft) -> Result<(), Error> {
        let Some(first) = self.first else { return Ok(()) };
        loop {
            let tick = first + self.scene.after(self.next);
            // A tick at which a message is received waits for all that are received then.
            if tick >= until || tick > self.last && until == Stamp(i64::MAX) {
                return Ok(());
            }
            self.observe(tick, draft)?;
            self.next += 1;
        }
    }

    fn observe(&mut self, tick: Stamp, draft: &mut Draft) -> Result<(), Error> {
        let seen = match self.observer.at(tick) {
            Ok(seen) => seen,
            Err(gap) => {
                self.take.account.of(&gap.stream).gaps += 1;
                return Ok(());
            }
        };
        let take = &mut self.take;
        for (camera, frame) in seen.frames.iter().enumerate() {
            let place = match &self.written[camera] {
                Some((known, place)) if Arc::ptr_eq(known, frame) => *place,
                _ => {
                    let place = draft.keep(camera, &frame.pixels)?;
                    self.written[camera] = Some((Arc::clone(frame), place));
                    place
                }
            };
            take.places[camera].push(place);
        }
        if self.aimed {
            take.goals.extend_from_slice(&seen.goal);
        } else {
            take.unaimed += 1;
        }
        self.numbers.push(self.next);
        take.stamps.push(tick);
        take.state.extend_from_slice(&seen.state);
        take.past.extend_from_slice(&seen.past);
        Ok(())
    }
}
