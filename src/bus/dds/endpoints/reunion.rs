//! Participants that were thought gone and come back: after a pause of theirs or ours, or of the network between.
//!
//! rustdds takes a participant that it does not hear for the time that participant promised (ten seconds with Cyclone
//! DDS) for gone, and disconnects its endpoints from ours. When it is introduced again (see [`Gone`]) its endpoints are
//! known, but not connected: the announcements that would do that were heard already, and are not heard twice. Ours
//! would stay deaf and mute to it for ever. But whenever an endpoint is opened, rustdds connects everything that is on
//! its topic. So one like ours is opened beside it, and let go of when that was done.
//!
//! Ours stay what they were, with their numbering, so that what was missed is counted when the first message comes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustdds::{DomainParticipantStatusEvent, GUID, LostReason, QosPolicies, RTPSEntity};

use super::{Endpoints, Side};
use crate::bus::dds::gone::Gone;
use crate::bus::{Error, lock};

/// How long an endpoint that only helps is kept, though it was not connected.
const HELPS: Duration = Duration::from_secs(10);

/// What an endpoint of ours was opened with.
#[derive(Clone)]
pub(super) struct Like {
    side: Side,
    name: String,
    type_name: String,
    qos: QosPolicies,
}

impl Like {
    pub(super) fn new(side: Side, name: &str, type_name: &str, qos: &QosPolicies) -> Self {
        Self { side, name: name.to_owned(), type_name: type_name.to_owned(), qos: qos.clone() }
    }
}

/// Who is gone, and what of ours is open for when they come back.
pub(super) struct Reunion {
    open: HashMap<GUID, Like>,
    gone: Arc<Gone>,
    helpers: Vec<Helper>,
}

/// An endpoint that is only there for those like it to be connected.
struct Helper {
    guid: GUID,
    since: Instant,
    _endpoint: Box<dyn Send>,
}

impl Helper {
    fn new(endpoint: impl RTPSEntity + Send + 'static) -> Self {
        Self { guid: endpoint.guid(), since: Instant::now(), _endpoint: Box::new(endpoint) }
    }
}

impl Reunion {
    pub(super) fn new(gone: Arc<Gone>) -> Self {
        Self { open: HashMap::new(), gone, helpers: Vec::new() }
    }

    pub(super) fn opened(&mut self, guid: GUID, like: Like) {
        self.open.insert(guid, like);
    }

    pub(super) fn closed(&mut self, guid: GUID) {
        self.open.remove(&guid);
    }

    /// Takes note of an event; the participant that came back with it.
    pub(super) fn note(&mut self, event: &DomainParticipantStatusEvent) -> Option<Vec<u8>> {
        match event {
            DomainParticipantStatusEvent::ParticipantLost { id, reason: LostReason::Timeout { .. } } => {
                self.gone.note(id.as_ref());
                None
            }
            DomainParticipantStatusEvent::ParticipantDiscovered { dpd } => {
                let prefix = dpd.guid.prefix.as_ref();
                self.gone.forget(prefix).then(|| prefix.to_vec())
            }
            DomainParticipantStatusEvent::RemoteWriterMatched {
                local_reader: ours,
                remote_writer: theirs,
            }
            | DomainParticipantStatusEvent::RemoteReaderMatched {
                local_writer: ours,
                remote_reader: theirs,
            } => {
                // That it is connected with one of our own shows nothing.
                self.helpers.retain(|helper| helper.guid != *ours || theirs.prefix == ours.prefix);
                None
            }
            _ => None,
        }
    }

    /// Lets go of those that helped in vain.
    pub(super) fn tidy(&mut self) {
        self.helpers.retain(|helper| helper.since.elapsed() < HELPS);
    }

    /// One of ours for each topic in `read` that we read, and each in `written` that we write.
    fn likes(&self, read: &HashSet<String>, written: &HashSet<String>) -> Vec<Like> {
        let mut taken = HashSet::new();
        let meets = |like: &&Like| match like.side {
            Side::Reader => read.contains(&like.name),
            Side::Writer => written.contains(&like.name),
        };
        let first = |like: &&Like| taken.insert((matches!(like.side, Side::Reader), like.name.clone()));
        self.open.values().filter(meets).filter(first).cloned().collect()
    }
}

impl Endpoints {
    /// Connects our endpoints again with those of a participant that came back.
    pub(super) fn reunite(&self, participant: &[u8]) {
        let theirs = |guid: GUID| guid.prefix.as_ref() == participant;
        let writers = self.participant.discovered_writers().into_iter();
        let read = writers
            .filter(|writer| theirs(writer.publication_topic_data.key))
            .map(|writer| writer.publication_topic_data.topic_name)
            .collect();
        let readers = self.participant.discovered_readers().into_iter();
        let written = readers
            .filter(|reader| theirs(reader.reader_proxy.remote_reader_guid))
            .map(|reader| reader.subscription_topic_data.topic_name().clone())
            .collect();
        let likes = lock(&self.reunion).likes(&read, &written);
        tracing::info!(?participant, topics = likes.len(), "a participant is back");
        for like in likes {
            match self.helper(&like) {
                Ok(helper) => lock(&self.reunion).helpers.push(helper),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, topic = like.name, "not connected again");
                }
            }
        }
    }

    fn helper(&self, like: &Like) -> Result<Helper, Error> {
        Ok(match like.side {
            Side::Reader => Helper::new(self.new_reader(&like.name, &like.type_name, &like.qos)?),
            Side::Writer => Helper::new(self.new_writer(&like.name, &like.type_name, &like.qos)?),
        })
    }
}
