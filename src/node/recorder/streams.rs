//! The topics being recorded: found on the bus, subscribed to as they are offered, each with its account.
//!
//! Discovery never ends, because a camera that is plugged in late is recorded too, and a publisher that comes late
//! with a lesser quality of service would otherwise not be heard. A topic counted on has its stream from the start,
//! so that its absence is seen.

mod announced;
mod latched;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Wanted;
use super::alarm::{Alarm, Change};
use super::queue::Refused;
use super::watch::{self, Watch};
use crate::bus::name::is_hidden;
use crate::bus::{self, Bus, Counts, Inbox, Offer, Subscription, asked_of};
use crate::msg::Message as _;
use crate::msg::own::Command;
use crate::msg::sensor::JointState;
use crate::msg::std::Float64MultiArray;
use crate::msg::trajectory::JointTrajectory;
use crate::spec::Expect;
use crate::time::Stamp;
use crate::wire::{Durability, Qos, Sample, Topic};
use announced::Announced;
use latched::Latched;

/// Where joints are, and where they shall be: of these a robot's file names no topic that is said once for all.
const MOVING: [&str; 4] = [JointState::TYPE, Command::TYPE, Float64MultiArray::TYPE, JointTrajectory::TYPE];

/// How many samples of one publisher the bus may hold for us: it hands them over at once, so this only has to
/// outlast a burst, and large images must not pile up in it.
const DEPTH: u32 = 64;
/// An alarm of a topic is spoken of in the log no more often than this.
const QUIET: Duration = Duration::from_secs(1);

/// Where the messages of one topic were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Never arrived: on the way here or in a socket buffer that was too small.
    pub wire: u64,
    /// Arrived and were pushed out of the inbox, because the recorder did not get to them.
    pub inbox: u64,
    /// Found no room in the queue, because the disk was too slow.
    pub queue: u64,
    /// Were handed over and not written, because the writer failed.
    pub disk: u64,
}

impl Losses {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.before_us() + self.at_the_disk()
    }

    fn before_us(&self) -> u64 {
        self.wire + self.inbox
    }

    fn at_the_disk(&self) -> u64 {
        self.queue + self.disk
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = [
            (self.wire, "on the wire"),
            (self.inbox, "in the inbox"),
            (self.queue, "in the queue"),
            (self.disk, "at the disk"),
        ];
        let said: Vec<String> = places
            .iter()
            .filter(|(lost, _)| *lost > 0)
            .map(|(lost, place)| format!("{lost} {place}"))
            .collect();
        out.write_str(if said.is_empty() { "none" } else { "" })?;
        out.write_str(&said.join(", "))
    }
}

/// One topic being recorded.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) name: String,
    /// As a bag declares it: with the quality of service its first publisher offers. `None` until it is offered.
    pub(super) topic: Option<Arc<Topic>>,
    pub(super) definition: String,
    pub(super) type_hash: String,
    pub(super) watch: Watch,
    expect: Option<Expect>,
    asked: Option<Qos>,
    subscription: Option<Subscription>,
    /// The counts when the episode began.
    at_start: Counts,
    queue_refused: u64,
    pub(super) unwritten: u64,
    /// Handed to the writer in this episode: messages and their bytes.
    pub(super) handed: u64,
    pub(super) bytes: u64,
    /// The losses of which an alarm was raised already.
    lost_shown: Losses,
    /// When each of its alarms was spoken of last.
    spoken: HashMap<Alarm, Stamp>,
    /// The counts when the episode ended, until it is settled.
    at_end: Option<Counts>,
    /// What it said last, where it is a topic that is said once and holds.
    latched: Option<Latched>,
    announced: Announced,
}

impl Stream {
    fn new(name: &str, expect: Option<&Expect>, now: Stamp) -> Self {
        Self {
            name: name.to_owned(),
            topic: None,
            definition: String::new(),
            type_hash: String::new(),
            watch: Watch::new(expect, now),
            expect: expect.cloned(),
            asked: None,
            subscription: None,
            at_start: Counts::default(),
            queue_refused: 0,
            unwritten: 0,
            handed: 0,
            bytes: 0,
            lost_shown: Losses::default(),
            spoken: HashMap::new(),
            at_end: None,
            latched: None,
            announced: Announced::default(),
        }
    }

    fn counts(&self) -> Counts {
        self.subscription.as_ref().map(Subscription::counts).unwrap_or_default()
    }

    /// Begins an episode at `now`.
    pub(super) fn begin(&mut self, now: Stamp) {
        self.at_start = self.counts();
        (self.queue_refused, self.unwritten, self.handed, self.bytes) = (0, 0, 0, 0);
        self.lost_shown = Losses::default();
        self.watch.begin(now);
    }

    /// Holds its losses as they are, so that what is noted of an episode and what is told of it agree.
    pub(super) fn freeze(&mut self) {
        let now = self.counts();
        self.at_end.get_or_insert(now);
    }

    /// Lets its losses count on.
    pub(super) fn thaw(&mut self) {
        self.at_end = None;
    }

    /// Takes note of a message.
    pub(super) fn see(&mut self, sample: &Sample) {
        self.watch.see(sample);
        if let Some(latched) = &mut self.latched {
            latched.keep(sample);
        }
    }

    /// Whether what it said holds until it says something else.
    pub(super) fn is_latched(&self) -> bool {
        self.latched.is_some()
    }

    /// What it said last and still holds; nothing where it is not latched.
    pub(super) fn latched(&self) -> impl Iterator<Item = &Sample> {
        self.latched.iter().flat_map(Latched::samples)
    }

    /// Takes note of what became of a sample on its way to the writer.
    pub(super) fn account(&mut self, sample: &Sample, outcome: Result<(), Refused>) {
        match outcome {
            Ok(()) => {
                self.handed += 1;
                self.bytes += sample.cdr.len() as u64;
            }
            Err(Refused::Full) => self.queue_refused += 1,
            Err(Refused::Dead) => self.unwritten += 1,
        }
    }

    /// Messages received since the episode began, or since the start where there is none.
    pub(super) fn received(&self) -> u64 {
        self.counts().received - self.at_start.received
    }

    /// Where messages of this episode were lost so far.
    pub(super) fn losses(&self) -> Losses {
        let counts = self.at_end.unwrap_or_else(|| self.counts());
        Losses {
            wire: counts.lost - self.at_start.lost,
            inbox: counts.dropped - self.at_start.dropped,
            queue: self.queue_refused,
            disk: self.unwritten,
        }
    }

    /// Whether this alarm may be spoken of in the log again: at most once a second, however it flaps.
    pub(super) fn may_speak(&mut self, alarm: Alarm, now: Stamp) -> bool {
        let may = self.spoken.get(&alarm).is_none_or(|spoken| now.since(*spoken) >= QUIET);
        if may {
            self.spoken.insert(alarm, now);
        }
        may
    }

    /// Judges the topic at `now` and says what changed.
    pub(super) fn check(&mut self, now: Stamp) -> Vec<Change> {
        let lost = self.losses();
        let shown = std::mem::replace(&mut self.lost_shown, lost);
        if lost.before_us() > shown.before_us() {
            self.watch.show(Alarm::Lost, now);
        }
        if lost.at_the_disk() > shown.at_the_disk() {
            self.watch.show(Alarm::Disk, now);
        }
        self.watch.check(now)
    }

    /// Subscribes as the topic is offered now, if it is not subscribed in a way that hears every publisher; whether it is the first time.
    fn follow(&mut self, offer: &Offer, bus: &dyn Bus, inbox: &Inbox) -> Result<bool, bus::Error> {
        let hears_all = |asked: Qos| offer.offered.iter().all(|offered| asked.accepts(offered));
        if self.asked.is_some_and(hears_all) {
            return Ok(false);
        }
        if self.topic.is_none() {
            let Some(type_name) = self.type_of(offer) else { return Ok(false) };
            self.describe(offer, &type_name);
        }
        let Some(topic) = &self.topic else { return Ok(false) };
        let mut asked = asked_of(&offer.offered, DEPTH);
        // What is promised at a rate or moves a robot is no word that holds until the next: Fast DDS keeps the last message of whoever
        // asks for the system's defaults, as drivers and controllers do, and it may be from long before the episode.
        let moving =
            |expect: &Expect| expect.type_name.as_deref().is_some_and(|named| MOVING.contains(&named));
        if self.expect.as_ref().is_some_and(|expect| expect.rate_hz.is_some() || moving(expect)) {
            asked.durability = Durability::Volatile;
        }
        // Ended before the next begins: a message heard twice would be recorded twice. Where the next cannot be had, the
        // account of this one stays.
        let inbox = self.subscription.as_mut().map_or_else(|| inbox.clone(), |earlier| inbox.after(earlier));
        let first = self.subscription.is_none();
        self.subscription = Some(bus.subscribe(&Topic::clone(topic).with(asked), &inbox)?);
        self.asked = Some(asked);
        if asked.durability == Durability::TransientLocal && self.latched.is_none() {
            self.latched = Some(Latched::new(topic.qos.history, DEPTH));
        }
        tracing::info!(topic = self.name, type_name = topic.type_name, reliability = ?asked.reliability, "subscribed");
        Ok(first)
    }

    /// The type hashes that publishers announced and that are not the one noted.
    pub(super) fn other_hashes(&self) -> &BTreeSet<String> {
        self.announced.others()
    }

    /// The type to record: the one expected, or the first offered.
    fn type_of(&self, offer: &Offer) -> Option<String> {
        match self.expect.as_ref().and_then(|expect| expect.type_name.as_ref()) {
            Some(wanted) => offer.types.iter().find(|offered| *offered == wanted).cloned(),
            None => offer.types.first().cloned(),
        }
    }

    fn describe(&mut self, offer: &Offer, type_name: &str) {
        let offered = offer.offered.first().copied().unwrap_or_default();
        self.topic = Some(Arc::new(Topic::new(&self.name, type_name).with(offered)));
        match crate::msg::find_definition(type_name) {
            Ok(definition) => {
                self.definition = definition.text;
                self.type_hash = definition.hash;
            }
            Err(error) => {
                tracing::warn!(
                    topic = self.name,
                    type_name,
                    %error,
                    "the definition of this type is unknown here: recorded all the same, without it"
                );
                self.type_hash = announced::first(offer, type_name).unwrap_or_default().to_owned();
            }
        }
        self.watch.know(watch::begins_with_header(&self.definition));
    }
}

/// All topics being recorded.
#[derive(Debug)]
pub(super) struct Streams {
    streams: Vec<Stream>,
    by_name: HashMap<String, usize>,
    all: bool,
    /// Topics of which something odd was said already, and whether it was that they could not be subscribed to.
    said: HashSet<(String, bool)>,
}

impl Streams {
    /// The topics wanted, none of them found yet.
    pub(super) fn new(wanted: &Wanted, now: Stamp) -> Self {
        let mut streams =
            Self { streams: Vec::new(), by_name: HashMap::new(), all: wanted.all, said: HashSet::new() };
        for expect in &wanted.expect {
            streams.add(&expect.topic, Some(expect), now);
        }
        streams
    }

    fn add(&mut self, name: &str, expect: Option<&Expect>, now: Stamp) -> usize {
        *self.by_name.entry(name.to_owned()).or_insert_with(|| {
            self.streams.push(Stream::new(name, expect, now));
            self.streams.len() - 1
        })
    }

    /// Looks at what is offered and subscribes to what is wanted; the streams found only now.
    pub(super) fn discover(&mut self, bus: &dyn Bus, inbox: &Inbox, now: Stamp) -> Vec<usize> {
        let mut found = Vec::new();
        for offer in bus.offers() {
            let index = match self.by_name.get(&offer.name) {
                Some(index) => *index,
                None if self.all && !is_hidden(&offer.name) => self.add(&offer.name, None, now),
                None => continue,
            };
            let stream = &mut self.streams[index];
            let followed = stream.follow(&offer, bus, inbox);
            if let Some(topic) = &stream.topic {
                stream.announced.compare(&offer, topic, &stream.type_hash);
            }
            if let Ok(true) = followed {
                found.push(index);
            }
            let odd = offer.types.len() > 1 || stream.topic.is_none() || followed.is_err();
            if odd && self.said.insert((offer.name.clone(), followed.is_err())) {
                say_what_is_odd(&offer, stream, followed.err());
            }
        }
        found
    }

    /// The stream of that name.
    pub(super) fn of(&mut self, name: &str) -> Option<&mut Stream> {
        self.by_name.get(name).map(|index| &mut self.streams[*index])
    }

    /// The stream at that place.
    pub(super) fn at(&self, index: usize) -> &Stream {
        &self.streams[index]
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter()
    }

    /// All of them, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.streams.iter_mut()
    }

    /// The names of topics that are counted on and were never heard.
    pub(super) fn missing(&self) -> Vec<String> {
        self.streams
            .iter()
            .filter(|stream| !stream.watch.content())
            .map(|stream| stream.name.clone())
            .collect()
    }

    /// Messages lost in this episode, in all topics.
    pub(super) fn lost(&self) -> u64 {
        self.streams.iter().map(|stream| stream.losses().total()).sum()
    }
}

fn say_what_is_odd(offer: &Offer, stream: &Stream, failed: Option<bus::Error>) {
    let (topic, types) = (&offer.name, &offer.types);
    match (&stream.topic, failed) {
        (_, Some(error)) => tracing::error!(topic, ?types, "not subscribed: {}", super::report(&error)),
        (Some(taken), None) => {
            tracing::warn!(topic, ?types, recorded = taken.type_name, "offered with more than one type");
        }
        (None, None) => tracing::warn!(topic, ?types, "not offered with the type expected: not recorded"),
    }
}
