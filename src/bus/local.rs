//! The bus within one process: nodes that meet on a [`Hub`].
//!
//! It behaves as DDS does where a node can tell: topics of one name but two types do not meet, incompatible
//! qualities of service do not either, and a transient-local publisher's last messages reach those who come late.
//! Nothing is copied: every subscriber shares the sender's bytes.

mod serving;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;

use super::inbox::Door;
use super::{Answer, Bus, Error, Inbox, Node, Offer, Served, Sink, Subscription, clock, lock};
use crate::time::{Clock, Stamp, Wall};
use crate::wire::{Durability, Gid, History, Qos, Sample, Topic};

/// The most messages a transient-local publisher keeps that asked to keep all.
const KEPT_OF_ALL: usize = 1000;

/// That a publisher who waits for room is still there.
static HERE: AtomicBool = AtomicBool::new(false);

/// Where nodes of one process meet. Clones are the same hub.
#[derive(Clone)]
pub struct Hub(Arc<State>);

struct State {
    clock: Arc<dyn Clock>,
    patient: bool,
    lanes: Mutex<HashMap<Key, Arc<Mutex<Lane>>>>,
    services: serving::Services,
    next_id: AtomicU64,
}

/// Name and type: topics that differ in either do not meet.
type Key = (String, String);

/// All ends of one topic.
#[derive(Default)]
struct Lane {
    writers: BTreeMap<u64, Writer>,
    readers: BTreeMap<u64, Reader>,
}

struct Writer {
    qos: Qos,
    node: String,
    /// What those who come late will get.
    kept: VecDeque<Sample>,
}

struct Reader {
    topic: Arc<Topic>,
    door: Door,
    /// The reader's own clock, where that is not the hub's.
    clock: Option<Arc<dyn Clock>>,
}

impl Reader {
    /// The sample as this reader sees it.
    fn sees(&self, sample: &Sample) -> Sample {
        let received = self.clock.as_ref().map_or(sample.received, |clock| clock.now());
        Sample { topic: Arc::clone(&self.topic), received, ..sample.clone() }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Hub").field("topics", &lock(&self.0.lanes).len()).finish_non_exhaustive()
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new(Arc::new(Wall))
    }
}

impl Hub {
    /// An empty hub on which `clock` tells the time.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with(clock, false)
    }

    /// An empty hub on which a publisher waits for room where a subscriber has none: for a publisher that makes its own
    /// time and shall not outrun who listens. A subscriber that never takes holds up everybody.
    pub fn patient(clock: Arc<dyn Clock>) -> Self {
        Self::with(clock, true)
    }

    fn with(clock: Arc<dyn Clock>, patient: bool) -> Self {
        Self(Arc::new(State {
            clock,
            patient,
            lanes: Mutex::default(),
            services: serving::Services::default(),
            next_id: AtomicU64::new(1),
        }))
    }

    /// The hub of a domain: the same for everyone in this process as long as anybody is on it.
    pub fn of_domain(domain: u16) -> Self {
        static HUBS: OnceLock<Mutex<HashMap<u16, Weak<State>>>> = OnceLock::new();
        let mut hubs = lock(HUBS.get_or_init(Mutex::default));
        if let Some(state) = hubs.get(&domain).and_then(Weak::upgrade) {
            return Self(state);
        }
        let hub = Self::default();
        hubs.insert(domain, Arc::downgrade(&hub.0));
        hub
    }

    /// A node's end of the bus.
    pub fn join(&self, node: Node) -> Local {
        Local { hub: self.clone(), node, sim_clock: None }
    }

    fn lane(&self, topic: &Topic) -> Arc<Mutex<Lane>> {
        let key = (topic.name.clone(), topic.type_name.clone());
        let mut lanes = lock(&self.0.lanes);
        if !lanes.contains_key(&key) {
            // Every end holds its lane: one that only the hub holds is nobody's any more.
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        Arc::clone(lanes.entry(key).or_default())
    }

    fn next_id(&self) -> u64 {
        self.0.next_id.fetch_add(1, Relaxed)
    }

    /// Opens the sending end of a topic whose name is already full.
    pub(super) fn advertise(&self, node: &str, topic: &Topic) -> Mouth {
        let (lane, id) = (self.lane(topic), self.next_id());
        let writer = Writer { qos: topic.qos, node: node.to_owned(), kept: VecDeque::new() };
        lock(&lane).writers.insert(id, writer);
        let mut gid = [0; 16];
        gid[..8].copy_from_slice(&id.to_be_bytes());
        Mouth { topic: Arc::new(topic.clone()), id, gid: Gid(gid), sequence: 0, lane, hub: self.clone() }
    }

    fn subscribe(&self, topic: Topic, inbox: &Inbox, clock: Option<Arc<dyn Clock>>) -> Subscription {
        let (shared, id, door) = (self.lane(&topic), self.next_id(), inbox.door());
        let subscription = door.subscription(Leave { lane: Arc::clone(&shared), id });
        let reader = Reader { topic: Arc::new(topic), door, clock };
        let topic = &reader.topic;
        let mut lane = lock(&shared);
        let heard = |writer: &&Writer| topic.qos.accepts(&writer.qos);
        if topic.qos.durability == Durability::TransientLocal {
            for sample in lane.writers.values().filter(heard).flat_map(|writer| &writer.kept) {
                reader.door.deliver(reader.sees(&Sample { received: self.0.clock.now(), ..sample.clone() }));
            }
        }
        if lane.writers.values().any(|writer| !topic.qos.accepts(&writer.qos)) {
            tracing::warn!(topic = topic.name, "a publisher offers less than the subscription asks for");
        }
        lane.readers.insert(id, reader);
        subscription
    }

    fn offers(&self, but: &str) -> Vec<Offer> {
        let mut offers: BTreeMap<String, Offer> = BTreeMap::new();
        for ((name, type_name), lane) in lock(&self.0.lanes).iter() {
            for writer in lock(lane).writers.values().filter(|writer| writer.node != but) {
                let offer = offers.entry(name.clone()).or_insert_with(|| Offer::new(name));
                offer.add(type_name, writer.qos, Some(&writer.node));
            }
        }
        offers.into_values().collect()
    }
}

/// Takes a reader off its lane when the subscription ends.
struct Leave {
    lane: Arc<Mutex<Lane>>,
    id: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        lock(&self.lane).readers.remove(&self.id);
    }
}

/// The sending end of a topic on a hub.
pub(super) struct Mouth {
    topic: Arc<Topic>,
    id: u64,
    gid: Gid,
    sequence: u64,
    lane: Arc<Mutex<Lane>>,
    hub: Hub,
}

impl Mouth {
    /// Passes a sample to every subscription that may hear it, each with the topic as it asked for it.
    pub(super) fn pass(&self, sample: &Sample, deliver: impl Fn(&Door, Sample)) {
        let readers: Vec<(Sample, Door)> = {
            let mut lane = lock(&self.lane);
            if let Some(writer) = lane.writers.get_mut(&self.id) {
                writer.keep(sample);
            }
            let hear = lane.readers.values().filter(|reader| reader.topic.qos.accepts(&self.topic.qos));
            hear.map(|reader| (reader.sees(sample), reader.door.clone())).collect()
        };
        // Outside of the lock, because a patient delivery may wait.
        for (sample, door) in readers {
            deliver(&door, sample);
        }
    }
}

impl Writer {
    fn keep(&mut self, sample: &Sample) {
        if self.qos.durability != Durability::TransientLocal {
            return;
        }
        let depth = match self.qos.history {
            History::KeepLast(depth) => depth.max(1) as usize,
            History::KeepAll => KEPT_OF_ALL,
        };
        while self.kept.len() >= depth {
            self.kept.pop_front();
        }
        self.kept.push_back(sample.clone());
    }
}

impl Sink for Mouth {
    fn send(&mut self, cdr: Bytes) -> Result<(), Error> {
        self.sequence += 1;
        let now: Stamp = self.hub.0.clock.now();
        let sample = Sample {
            topic: Arc::clone(&self.topic),
            received: now,
            sent: Some(now),
            publisher: Some(self.gid),
            sequence: Some(self.sequence),
            cdr,
        };
        match self.hub.0.patient {
            // Whoever listens no longer ends the wait by ending the subscription.
            true => self.pass(&sample, |door, sample| door.deliver_patiently(sample, &HERE, &|| {})),
            false => self.pass(&sample, Door::deliver),
        }
        Ok(())
    }

    fn matched(&self) -> usize {
        let lane = lock(&self.lane);
        lane.readers.values().filter(|reader| reader.topic.qos.accepts(&self.topic.qos)).count()
    }
}

impl Drop for Mouth {
    fn drop(&mut self) {
        lock(&self.lane).writers.remove(&self.id);
    }
}

/// One node's end of a [`Hub`].
#[derive(Clone)]
pub struct Local {
    hub: Hub,
    node: Node,
    sim_clock: Option<Arc<dyn Clock>>,
}

impl fmt::Debug for Local {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Local").field("node", &self.node).field("hub", &self.hub).finish_non_exhaustive()
    }
}

impl Local {
    /// The same node, for which time is what `/clock` says.
    pub fn with_sim_time(mut self) -> Result<Self, Error> {
        self.sim_clock = Some(clock::follow(&self)?);
        Ok(self)
    }

    /// The hub this node is on.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    fn full(&self, topic: &Topic) -> Result<Topic, Error> {
        Ok(Topic { name: self.node.resolve(&topic.name)?, ..topic.clone() })
    }
}

impl Bus for Local {
    fn advertise(&self, topic: &Topic) -> Result<Box<dyn Sink>, Error> {
        Ok(Box::new(self.hub.advertise(&self.node.full_name(), &self.full(topic)?)))
    }

    fn subscribe(&self, topic: &Topic, inbox: &Inbox) -> Result<Subscription, Error> {
        Ok(self.hub.subscribe(self.full(topic)?, inbox, self.sim_clock.clone()))
    }

    fn offers(&self) -> Vec<Offer> {
        self.hub.offers(&self.node.full_name())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.sim_clock.clone().unwrap_or_else(|| Arc::clone(&self.hub.0.clock))
    }

    fn sim_time(&self) -> bool {
        self.sim_clock.is_some()
    }

    fn serve(&self, name: &str, type_name: &str, answer: Answer) -> Result<Box<dyn Served>, Error> {
        self.hub.0.services.serve(&self.node.resolve(name)?, type_name, answer)
    }

    fn call(&self, name: &str, type_name: &str, request: Bytes, within: Duration) -> Result<Bytes, Error> {
        self.hub.0.services.call(&self.node.resolve(name)?, type_name, request, within)
    }

    fn node(&self) -> &Node {
        &self.node
    }

    fn patient(&self) -> bool {
        self.hub.0.patient
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Limit;

    #[test]
    fn a_sample_shares_the_senders_bytes() -> Result<(), Error> {
        let bus = Hub::default().join(Node::new("n", "")?);
        let inbox = Inbox::new(Limit { samples: 1, bytes: 1 });
        let topic = Topic::new("t", "std_msgs/msg/Header");
        let _subscription = bus.subscribe(&topic, &inbox)?;
        let sent = Bytes::from(vec![0, 1, 0, 0, 7]);
        bus.advertise(&topic)?.send(sent.clone())?;
        let got = inbox.take().expect("it was delivered at once");
        assert_eq!(got.cdr.as_ptr(), sent.as_ptr());
        assert_eq!(got.topic.name, "/t");
        Ok(())
    }

    #[test]
    fn a_topic_that_nobody_is_on_any_more_is_forgotten() -> Result<(), Error> {
        let hub = Hub::default();
        let bus = hub.join(Node::new("n", "")?);
        let inbox = Inbox::new(Limit { samples: 1, bytes: 1 });
        let stays = Topic::new("/stays", "std_msgs/msg/Header");
        let _subscription = bus.subscribe(&stays, &inbox)?;
        for number in 0..100 {
            bus.advertise(&Topic::new(format!("/run_{number}"), "std_msgs/msg/Header"))?;
        }
        assert!(lock(&hub.0.lanes).len() <= 2, "{hub:?}");
        bus.advertise(&stays)?.send(Bytes::from_static(&[0, 1, 0, 0]))?;
        assert!(inbox.take().is_some(), "a topic with a subscription alone must not be forgotten");
        Ok(())
    }

    #[test]
    fn an_inbox_is_told_of_no_patience_it_did_not_ask_for() {
        let gone = std::sync::atomic::AtomicBool::new(true);
        let inbox = Inbox::new(Limit { samples: 1, bytes: 1 });
        let hub = Hub::default();
        let topic = Topic::new("/t", "std_msgs/msg/Header");
        let _subscription = hub.subscribe(topic.clone(), &inbox, None);
        let mut mouth = hub.advertise("/n", &topic);
        mouth.send(Bytes::new()).expect("a hub never refuses");
        let waiting = inbox.take().expect("delivered");
        for _twice in 0..2 {
            mouth.pass(&waiting, |door, sample| door.deliver_patiently(sample, &gone, &|| {}));
        }
        assert_eq!(inbox.waiting().samples, 1, "the second waited for room until nobody played any more");
    }
}
