//! The bus between processes: DDS as ROS 2 speaks it, without a ROS 2 install.
//!
//! Bytes go in and out of rustdds through raw endpoints, so that any type can be recorded, known to us or not.

mod herald;
mod raw;
mod receiver;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustdds::no_key::DataWriter;
use rustdds::{
    DataWriterStatus, DomainParticipant, DomainParticipantBuilder, QosPolicies, RTPSEntity, StatusEvented,
    TopicKind,
};

use super::{Answer, Bus, Error, Inbox, Node, Offer, Options, Served, Sink, Subscription};
use crate::time::{Clock, Wall};
use crate::wire::{Sample, Topic};
use herald::{Herald, Principal};
use raw::Raw;
use receiver::{Reader, Receiver};

/// What is asked of the kernel for each receiving socket: a quarter of a second of a fast network.
const RECEIVE_BUFFER: usize = 32 << 20;

/// One node's end of a DDS domain.
pub struct Dds {
    node: Node,
    participant: DomainParticipant,
    publisher: rustdds::Publisher,
    subscriber: rustdds::Subscriber,
    receiver: Receiver,
    clock: Arc<dyn Clock>,
    _herald: Option<Herald>,
}

impl Dds {
    /// Joins the domain that `options` say as `node`.
    pub fn open(options: &Options, node: Node) -> Result<Self, Error> {
        let opened = |source: Box<dyn std::error::Error + Send + Sync>| Error::Open { bus: "dds", source };
        let mut builder =
            DomainParticipantBuilder::new(options.domain()).socket_receive_buffer_size(RECEIVE_BUFFER);
        if !options.leave_host {
            builder = builder.with_only_networks([std::net::Ipv4Addr::LOCALHOST]);
        }
        let participant = builder.build().map_err(|error| opened(error.into()))?;
        let publisher =
            participant.create_publisher(&QosPolicies::qos_none()).map_err(|error| opened(error.into()))?;
        let subscriber =
            participant.create_subscriber(&QosPolicies::qos_none()).map_err(|error| opened(error.into()))?;
        let receiver = Receiver::start().map_err(|error| opened(error.into()))?;
        let herald = if options.leave_host {
            None
        } else {
            let mut prefix = [0; 12];
            prefix.copy_from_slice(&participant.guid().to_bytes()[..12]);
            let (domain, participant) = (participant.domain_id(), participant.participant_id());
            Some(
                Herald::start(Principal { domain, participant, prefix })
                    .map_err(|error| opened(error.into()))?,
            )
        };
        Ok(Self {
            node,
            participant,
            publisher,
            subscriber,
            receiver,
            clock: Arc::new(Wall),
            _herald: herald,
        })
    }

    fn reader(&self, name: &str, type_name: &str, qos: &QosPolicies) -> Result<Reader, Error> {
        let failed = |error: rustdds::dds::CreateError| Error::Transport {
            what: "subscribing",
            topic: name.to_owned(),
            type_name: type_name.to_owned(),
            source: error.into(),
        };
        let topic = self
            .participant
            .create_topic(name.to_owned(), words::type_name(type_name), qos, TopicKind::NoKey)
            .map_err(failed)?;
        self.subscriber
            .create_simple_datareader_no_key::<Bytes, Raw>(&topic, Some(qos.clone()))
            .map_err(failed)
    }

    fn writer(
        &self,
        name: &str,
        type_name: &str,
        qos: &QosPolicies,
    ) -> Result<DataWriter<Bytes, Raw>, Error> {
        let failed = |error: rustdds::dds::CreateError| Error::Transport {
            what: "advertising",
            topic: name.to_owned(),
            type_name: type_name.to_owned(),
            source: error.into(),
        };
        let topic = self
            .participant
            .create_topic(name.to_owned(), words::type_name(type_name), qos, TopicKind::NoKey)
            .map_err(failed)?;
        self.publisher.create_datawriter_no_key::<Bytes, Raw>(&topic, Some(qos.clone())).map_err(failed)
    }
}

/// How many samples of a topic rustdds may hold until our thread takes them, and keeps after that until newer
/// ones come: enough for a second of silence of that thread, but not gigabytes of images.
fn held(type_name: &str) -> i32 {
    match type_name.rsplit('/').next() {
        Some("Image" | "CompressedImage" | "PointCloud2" | "OccupancyGrid") => 12,
        _ => 256,
    }
}

impl Bus for Dds {
    fn advertise(&self, topic: &Topic) -> Result<Box<dyn Sink>, Error> {
        let name = self.node.resolve(&topic.name)?;
        let qos = words::qos(&topic.qos, 64);
        let writer = self.writer(&words::topic(&name), &topic.type_name, &qos)?;
        Ok(Box::new(Mouth {
            topic: Topic { name, ..topic.clone() },
            writer,
            clock: Arc::clone(&self.clock),
            matched: std::cell::Cell::new(0),
        }))
    }

    fn subscribe(&self, topic: &Topic, inbox: &Inbox) -> Result<Subscription, Error> {
        let topic = Arc::new(Topic { name: self.node.resolve(&topic.name)?, ..topic.clone() });
        let qos = words::qos(&topic.qos, held(&topic.type_name));
        let reader = self.reader(&words::topic(&topic.name), &topic.type_name, &qos)?;
        let door = inbox.door();
        let entrance = door.clone();
        let line = self.receiver.add(
            reader,
            Box::new(move |received| {
                entrance.deliver(Sample {
                    topic: Arc::clone(&topic),
                    received: words::stamp(received.receive_instant),
                    sent: received.source_timestamp().map(words::stamp),
                    publisher: Some(words::gid(received.writer_guid())),
                    sequence: u64::try_from(i64::from(received.sequence_number)).ok(),
                    cdr: received.into_value(),
                });
            }),
        );
        Ok(door.subscription(line))
    }

    fn offers(&self) -> Vec<Offer> {
        let own = self.participant.guid().prefix;
        let mut offers: BTreeMap<String, Offer> = BTreeMap::new();
        for writer in self.participant.discovered_writers() {
            let data = &writer.publication_topic_data;
            let Some(name) = words::topic_of_ros(&data.topic_name) else { continue };
            if data.key.prefix == own {
                continue;
            }
            let offer = offers.entry(name.to_owned()).or_insert_with(|| Offer {
                name: name.to_owned(),
                types: Vec::new(),
                offered: Vec::new(),
                publishers: Vec::new(),
            });
            offer.add(&words::type_of_ros(&data.type_name), words::qos_of(&data.qos()), None);
        }
        offers.into_values().collect()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    fn serve(&self, name: &str, type_name: &str, answer: Answer) -> Result<Box<dyn Served>, Error> {
        let _ = (name, type_name, answer);
        unimplemented!()
    }

    fn call(&self, name: &str, type_name: &str, request: Bytes, within: Duration) -> Result<Bytes, Error> {
        let _ = (name, type_name, request, within);
        unimplemented!()
    }

    fn node(&self) -> &Node {
        &self.node
    }
}

/// The sending end of a topic.
struct Mouth {
    topic: Topic,
    writer: DataWriter<Bytes, Raw>,
    clock: Arc<dyn Clock>,
    matched: std::cell::Cell<usize>,
}

impl Sink for Mouth {
    fn send(&mut self, cdr: Bytes) -> Result<(), Error> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Transport {
            what: "sending",
            topic: self.topic.name.clone(),
            type_name: self.topic.type_name.clone(),
            source,
        };
        if !raw::is_sendable(&cdr) {
            return Err(failed("over DDS only little-endian CDR can be sent".into()));
        }
        self.writer
            .write(cdr, Some(words::timestamp(self.clock.now())))
            .map_err(|error| failed(error.to_string().into()))
    }

    fn matched(&self) -> usize {
        while let Some(status) = self.writer.try_recv_status() {
            if let DataWriterStatus::PublicationMatched { current, .. } = status {
                self.matched.set(usize::try_from(current.count()).unwrap_or(0));
            }
        }
        self.matched.get()
    }
}
