//! Our participant and what it opens, and who of the others each of ours is connected with.
//!
//! rustdds tells of connections only as events of its participant; they are kept here as a set, because whoever waits
//! for a subscriber or a server wants to know how it is, not how it changed.

use std::collections::HashSet;
use std::sync::Mutex;

use bytes::Bytes;
use rustdds::no_key::DataWriter;
use rustdds::{DomainParticipant, DomainParticipantStatusEvent, GUID, QosPolicies, StatusEvented, TopicKind};

use super::super::{Error, lock};
use super::raw::Raw;
use super::receiver::{Reader, Receiver};
use super::{Cause, words};

/// One of our endpoints and one of others', connected.
type Match = (GUID, GUID);

/// Our participant and what it opens.
pub(super) struct Endpoints {
    pub(super) participant: DomainParticipant,
    publisher: rustdds::Publisher,
    subscriber: rustdds::Subscriber,
    pub(super) receiver: Receiver,
    matches: Mutex<HashSet<Match>>,
}

impl Endpoints {
    pub(super) fn open(participant: DomainParticipant) -> Result<Self, Cause> {
        let publisher = participant.create_publisher(&QosPolicies::qos_none())?;
        let subscriber = participant.create_subscriber(&QosPolicies::qos_none())?;
        let receiver = Receiver::start()?;
        Ok(Self { participant, publisher, subscriber, receiver, matches: Mutex::default() })
    }

    /// Opens the receiving end of a DDS topic.
    pub(super) fn reader(&self, name: &str, type_name: &str, qos: &QosPolicies) -> Result<Reader, Error> {
        self.topic(name, type_name, qos)
            .and_then(|topic| {
                self.subscriber.create_simple_datareader_no_key::<Bytes, Raw>(&topic, Some(qos.clone()))
            })
            .map_err(|error| failed("subscribing", name, type_name, error.into()))
    }

    /// Opens the sending end of a DDS topic.
    pub(super) fn writer(
        &self,
        name: &str,
        type_name: &str,
        qos: &QosPolicies,
    ) -> Result<DataWriter<Bytes, Raw>, Error> {
        self.topic(name, type_name, qos)
            .and_then(|topic| {
                self.publisher.create_datawriter_no_key::<Bytes, Raw>(&topic, Some(qos.clone()))
            })
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

    /// Those that `ours` is connected with now.
    pub(super) fn connected(&self, ours: GUID) -> Vec<GUID> {
        let mut matches = lock(&self.matches);
        let listener = self.participant.status_listener();
        while let Some(event) = listener.try_recv_status() {
            note(&mut matches, event);
        }
        matches.iter().filter(|(local, _)| *local == ours).map(|(_, remote)| *remote).collect()
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
