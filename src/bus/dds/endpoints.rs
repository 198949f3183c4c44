//! Our participant and what it opens, and who of the others each of ours is connected with.
//!
//! rustdds tells of connections only as events of its participant; they are kept here as a set, because whoever waits
//! for a subscriber or a server wants to know how it is, not how it changed. They are looked at even when nobody asks,
//! because of those that come back; see [`reunion`].

mod reunion;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use rustdds::no_key::DataWriter;
use rustdds::{
    DomainParticipant, DomainParticipantStatusEvent, GUID, LostReason, QosPolicies, RTPSEntity,
    StatusEvented, TopicKind,
};

use super::alive::Alive;
use super::gone::Gone;
use super::graph::{self, Graph, Side};
use super::raw::Raw;
use super::receiver::{Line, Reader, Receiver, Take};
use super::{Cause, words};
use crate::bus::{Error, Node, lock};
use crate::msg::Message;
use crate::msg::dds::ParticipantEntitiesInfo;
use reunion::{Like, Reunion};

type Writer = DataWriter<Bytes, Raw>;

/// How many of the others' announcements may wait for the receiving thread.
const ANNOUNCEMENTS: i32 = 256;

/// How often events are looked at, though nobody asks what is connected.
const LOOK_UP: Duration = Duration::from_millis(100);

/// One of our endpoints and one of others', connected.
type Match = (GUID, GUID);

/// Our participant and what it opens.
pub(super) struct Endpoints {
    pub(super) participant: DomainParticipant,
    publisher: rustdds::Publisher,
    subscriber: rustdds::Subscriber,
    receiver: Receiver,
    matches: Mutex<HashSet<Match>>,
    /// The types that others' subscriptions take: rustdds connects by the name of a topic alone.
    takes: Mutex<HashMap<GUID, String>>,
    graph: Arc<Mutex<Graph>>,
    announcements: Mutex<Option<Line>>,
    reunion: Mutex<Reunion>,
}

impl Endpoints {
    pub(super) fn open(
        participant: DomainParticipant,
        node: Node,
        gone: Arc<Gone>,
        mut alive: Alive,
    ) -> Result<Arc<Self>, Cause> {
        let publisher = participant.create_publisher(&QosPolicies::qos_none())?;
        let subscriber = participant.create_subscriber(&QosPolicies::qos_none())?;
        let graph = Arc::new(Mutex::new(Graph::new(node, participant.guid())));
        let endpoints = Arc::new(Self {
            participant,
            publisher,
            subscriber,
            receiver: Receiver::start()?,
            matches: Mutex::default(),
            takes: Mutex::default(),
            graph: Arc::clone(&graph),
            announcements: Mutex::default(),
            reunion: Mutex::new(Reunion::new(gone)),
        });
        let qos = words::qos(&graph::QOS, ANNOUNCEMENTS);
        let heard = Arc::clone(&graph);
        let reader = endpoints.open_reader(graph::TOPIC, ParticipantEntitiesInfo::TYPE, &qos)?;
        let take: Take = Box::new(move |received| {
            if let Some(received) = received {
                lock(&heard).hear(&received.into_value());
            }
        });
        *lock(&endpoints.announcements) = Some(endpoints.receiver.add(reader, take));
        let voice = endpoints.open_writer(graph::TOPIC, ParticipantEntitiesInfo::TYPE, &qos)?;
        lock(&graph).speak_through(voice);
        let watched = Arc::downgrade(&endpoints);
        thread::Builder::new().name("bus events".to_owned()).spawn(move || {
            while let Some(endpoints) = watched.upgrade() {
                endpoints.note_events();
                if alive.ended() {
                    tracing::error!(
                        "the DDS library has ended: nothing is heard or said any more; start again"
                    );
                }
                drop(endpoints);
                thread::sleep(LOOK_UP);
            }
        })?;
        Ok(endpoints)
    }

    /// Has everything on a DDS topic taken by `take`, until the ear is dropped.
    pub(super) fn listen(
        self: &Arc<Self>,
        name: &str,
        type_name: &str,
        qos: &QosPolicies,
        take: Take,
    ) -> Result<Ear, Error> {
        let reader = self.open_reader(name, type_name, qos)?;
        let guid = reader.guid();
        Ok(Ear { guid, _line: self.receiver.add(reader, take), _listed: self.list(Side::Reader, guid) })
    }

    /// Opens the sending end of a DDS topic.
    pub(super) fn speak(
        self: &Arc<Self>,
        name: &str,
        type_name: &str,
        qos: &QosPolicies,
    ) -> Result<Voice, Error> {
        let writer = self.open_writer(name, type_name, qos)?;
        let listed = self.list(Side::Writer, writer.guid());
        Ok(Voice { writer, _listed: listed })
    }

    fn open_reader(&self, name: &str, type_name: &str, qos: &QosPolicies) -> Result<Reader, Error> {
        let reader = self.new_reader(name, type_name, qos)?;
        lock(&self.reunion).opened(reader.guid(), Like::new(Side::Reader, name, type_name, qos));
        Ok(reader)
    }

    fn open_writer(&self, name: &str, type_name: &str, qos: &QosPolicies) -> Result<Writer, Error> {
        let writer = self.new_writer(name, type_name, qos)?;
        lock(&self.reunion).opened(writer.guid(), Like::new(Side::Writer, name, type_name, qos));
        Ok(writer)
    }

    fn new_reader(&self, name: &str, type_name: &str, qos: &QosPolicies) -> Result<Reader, Error> {
        let open = |topic| self.subscriber.create_simple_datareader_no_key(&topic, Some(qos.clone()));
        self.topic(name, type_name, qos)
            .and_then(open)
            .map_err(|error| failed("subscribing", name, type_name, error.into()))
    }

    fn new_writer(&self, name: &str, type_name: &str, qos: &QosPolicies) -> Result<Writer, Error> {
        let open = |topic| self.publisher.create_datawriter_no_key(&topic, Some(qos.clone()));
        self.topic(name, type_name, qos)
            .and_then(open)
            .map_err(|error| failed("advertising", name, type_name, error.into()))
    }

    fn topic(
        &self,
        name: &str,
        type_name: &str,
        qos: &QosPolicies,
    ) -> rustdds::dds::CreateResult<rustdds::Topic> {
        self.participant.create_topic(name.to_owned(), words::type_name(type_name), qos, TopicKind::NoKey)
    }

    fn list(self: &Arc<Self>, side: Side, guid: GUID) -> Listed {
        lock(&self.graph).add(side, guid);
        Listed { side, guid, endpoints: Arc::clone(self) }
    }

    /// Those that `ours` is connected with now.
    pub(super) fn connected(&self, ours: GUID) -> Vec<GUID> {
        self.note_events();
        lock(&self.matches).iter().filter(|(local, _)| *local == ours).map(|(_, remote)| *remote).collect()
    }

    /// How many subscriptions of others take that type from `ours`. One of another type under the same name hears nothing that it
    /// can read, and no other implementation would connect it.
    pub(super) fn heard(&self, ours: GUID, type_name: &str) -> usize {
        let connected = self.connected(ours);
        let (takes, wanted) = (lock(&self.takes), words::type_name(type_name));
        connected.iter().filter(|reader| takes.get(reader).is_none_or(|taken| *taken == wanted)).count()
    }

    /// What a publisher of others sends under this name, where that is another type: rustdds connects by the name alone, and no other
    /// implementation would.
    pub(super) fn other_type(&self, writer: GUID, type_name: &str) -> Option<String> {
        let wanted = words::type_name(type_name);
        let known = self.participant.discovered_writers();
        let mut all = known.into_iter().map(|known| known.publication_topic_data);
        all.find(|data| data.key == writer).map(|data| data.type_name).filter(|sent| *sent != wanted)
    }

    /// The full name of the node that has this writer, where it said so.
    pub(super) fn writer_of(&self, guid: GUID) -> Option<String> {
        lock(&self.graph).writer_of(guid).map(str::to_owned)
    }

    /// Takes what happened since the last time. rustdds keeps two thousand events for us.
    pub(super) fn note_events(&self) {
        let mut back = Vec::new();
        {
            let mut matches = lock(&self.matches);
            let listener = self.participant.status_listener();
            while let Some(event) = listener.try_recv_status() {
                // Of one that is only not heard its nodes are remembered: it does not say them again when it is.
                if let DomainParticipantStatusEvent::ParticipantLost { id, reason: LostReason::Disposed } =
                    &event
                {
                    lock(&self.graph).forget(id.as_ref());
                }
                back.extend(lock(&self.reunion).note(&event));
                note_type(&mut lock(&self.takes), &event);
                note(&mut matches, event);
            }
        }
        lock(&self.reunion).tidy();
        back.iter().for_each(|participant| self.reunite(participant));
    }
}

/// Notes what a subscription takes for as long as it may be connected: one that is only not heard comes back as it was.
fn note_type(takes: &mut HashMap<GUID, String>, event: &DomainParticipantStatusEvent) {
    use DomainParticipantStatusEvent as Event;
    match event {
        Event::ReaderDetected { reader } => drop(takes.insert(reader.guid, reader.type_name.clone())),
        Event::ReaderLost { guid, .. } => drop(takes.remove(guid)),
        Event::ParticipantLost { id, reason: LostReason::Disposed } => {
            takes.retain(|reader, _| reader.prefix != *id);
        }
        _ => {}
    }
}

fn note(matches: &mut HashSet<Match>, event: DomainParticipantStatusEvent) {
    use DomainParticipantStatusEvent as Event;
    match event {
        Event::RemoteReaderMatched { local_writer, remote_reader } => {
            matches.insert((local_writer, remote_reader));
        }
        Event::RemoteWriterMatched { local_reader, remote_writer } => {
            matches.insert((local_reader, remote_writer));
        }
        Event::ReaderLost { guid, .. } | Event::WriterLost { guid, .. } => {
            matches.retain(|(_, remote)| *remote != guid);
        }
        Event::ParticipantLost { id, .. } => matches.retain(|(_, remote)| remote.prefix != id),
        Event::RemoteReaderQosIncompatible { local_writer, .. } => {
            tracing::warn!(?local_writer, "a subscriber asks for more than this publisher offers");
        }
        Event::RemoteWriterQosIncompatible { local_reader, .. } => {
            tracing::warn!(?local_reader, "a publisher offers less than this subscription asks for");
        }
        _ => {}
    }
}

fn failed(what: &'static str, name: &str, type_name: &str, source: Cause) -> Error {
    Error::Transport { what, topic: name.to_owned(), type_name: type_name.to_owned(), source }
}

/// A receiving end, known to others as our node's until it is dropped.
pub(super) struct Ear {
    pub(super) guid: GUID,
    _line: Line,
    _listed: Listed,
}

/// A sending end, known to others as our node's until it is dropped.
pub(super) struct Voice {
    pub(super) writer: Writer,
    _listed: Listed,
}

impl fmt::Debug for Ear {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Ear").field(&self.guid).finish()
    }
}

struct Listed {
    side: Side,
    guid: GUID,
    endpoints: Arc<Endpoints>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        lock(&self.endpoints.reunion).closed(self.guid);
        lock(&self.endpoints.graph).remove(self.side, self.guid);
    }
}
