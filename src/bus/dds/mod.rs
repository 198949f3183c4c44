//! The bus between processes: DDS as ROS 2 speaks it, without a ROS 2 install.
//!
//! Bytes go in and out of rustdds through raw endpoints, so that any type can be recorded, known to us or not.
//!
//! Unless it is asked to leave this host, nothing it says does: it binds itself to the loopback interface and meets
//! nodes that do not through [`herald`]. What rustdds holds is bounded by [`held`] per topic read. A reliable writer,
//! though, keeps what it sent for about six seconds whatever its depth, thirty images a second of a megabyte being 180
//! megabytes: publish those best effort.

mod alive;
mod endpoints;
mod gone;
mod graph;
mod herald;
mod identity;
mod raw;
mod receiver;
mod service;
mod urgency;
// Elsewhere the function stands in one object with others of the C library and cannot be stood in for.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod wait;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use rustdds::{DomainParticipantBuilder, GUID, RTPSEntity};

use super::{Answer, Bus, Error, Inbox, Node, Offer, Options, Served, Sink, Subscription, clock, lock};
use crate::time::{Clock, Stamp, Wall};
use crate::wire::{Durability, History, Qos, Reliability, Sample, Topic};
use alive::Alive;
use endpoints::{Endpoints, Voice};
use gone::Gone;
use herald::{Herald, Principal};
use receiver::Received;
use service::Client;

pub use super::Granted;
pub use urgency::granted;

/// How many messages of a reliable topic may be unacknowledged before a sender has to wait, of large ones and of others. A reader that
/// was killed is believed to be there for up to a minute, and whoever waits for it says nothing to anybody else meanwhile: a
/// recorder that died stopped the commands of a robot. So of small messages there is room for those of a minute.
const WINDOW: [i32; 2] = [64, 1 << 15];

type Cause = Box<dyn std::error::Error + Send + Sync>;
type Clients = HashMap<(String, String), Arc<Client>>;

/// One node's end of a DDS domain.
pub struct Dds {
    node: Node,
    endpoints: Arc<Endpoints>,
    clients: Mutex<Clients>,
    granted: Granted,
    /// `/clock`'s, where time is what it says.
    sim_clock: Option<Arc<dyn Clock>>,
    _herald: Option<Herald>,
}

impl Dds {
    /// Joins the domain that `options` say as `node`.
    pub fn open(options: &Options, node: Node) -> Result<Self, Error> {
        Self::join(options, node).map_err(|source| Error::Open { bus: "dds", source })
    }

    fn join(options: &Options, node: Node) -> Result<Self, Cause> {
        let buffer_asked = options.buffer.unwrap_or(urgency::BUFFER);
        let mut builder =
            DomainParticipantBuilder::new(options.domain()?).socket_receive_buffer_size(buffer_asked);
        if !options.leave_host {
            builder = builder.with_only_networks([Ipv4Addr::LOCALHOST]);
        }
        let (alive, built) = Alive::started_by(|| urgency::with_precedence(|| builder.build()));
        let (precedence, participant) = built?;
        let participant = participant?;
        // Nothing known is said as nothing granted: a loss that it does not explain is not explained away.
        let buffer = urgency::enlarge_sockets(buffer_asked).unwrap_or_else(|error| {
            tracing::debug!(%error, "what the receiving sockets have is not known");
            0
        });
        let granted = Granted { buffer_asked, buffer, precedence };
        tracing::debug!(?granted, "what the kernel granted for receiving");
        // With the small buffers of an ordinary process a single image may already be more than fits.
        if options.unhurried && buffer >= urgency::BUFFER {
            wait::gather(GATHERING);
        }
        let mut prefix = [0; 12];
        prefix.copy_from_slice(&participant.guid().to_bytes()[..12]);
        let (domain, number) = (participant.domain_id(), participant.participant_id());
        let gone = Arc::new(Gone::default());
        let principal = Principal { domain, participant: number, prefix };
        let herald = match Herald::start(principal, options.leave_host, Arc::clone(&gone)) {
            Ok(herald) => Some(herald),
            Err(error) if options.leave_host => {
                tracing::warn!(%error, "greetings are not listened to: who is taken for gone once stays gone");
                None
            }
            Err(error) => return Err(error.into()),
        };
        let endpoints = Endpoints::open(participant, node.clone(), gone, alive)?;
        let clients = Mutex::default();
        let mut bus = Self { node, endpoints, clients, granted, sim_clock: None, _herald: herald };
        if options.sim_time {
            bus.sim_clock = Some(clock::follow(&bus)?);
        }
        Ok(bus)
    }

    fn client(&self, service: &str, type_name: &str) -> Result<Arc<Client>, Error> {
        let key = (service.to_owned(), type_name.to_owned());
        if let Some(client) = lock(&self.clients).get(&key) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(Client::open(&self.endpoints, service, type_name)?);
        Ok(Arc::clone(lock(&self.clients).entry(key).or_insert(client)))
    }
}

/// How long datagrams gather for somebody unhurried: a hundredth of what the buffers hold at a hundred megabytes a second.
const GATHERING: Duration = Duration::from_millis(2);

/// Whether messages of that type are large by nature.
fn is_large(type_name: &str) -> bool {
    matches!(type_name.rsplit('/').next(), Some("Image" | "PointCloud2" | "OccupancyGrid"))
}

/// How many samples of a topic rustdds may hold until our thread takes them, and keeps after that until newer
/// ones come: enough for a third of a second of silence of that thread, but not gigabytes. A small sample costs more
/// than its bytes, because it keeps the 256 KB alive in which it was received.
fn held(type_name: &str) -> u32 {
    if is_large(type_name) { 12 } else { 128 }
}

/// What is asked for in rustdds's words. Large messages go without repair unless they are latched: a message of many
/// datagrams is asked for again by rustdds while it is still on its way, and on a busy machine that flood loses what it
/// was to save (30 % of four cameras, where without it nothing was lost).
fn asked(topic: &Topic) -> Qos {
    let mut asked = topic.qos;
    if is_large(&topic.type_name) && asked.durability == Durability::Volatile {
        asked.reliability = Reliability::BestEffort;
    }
    // How much is kept for the reader is the inbox's matter; here it would only raise the limit above.
    asked.history = History::KeepLast(held(&topic.type_name));
    asked
}

/// When the samples of a topic came, in the order in which they are handed on: one that was held back until an earlier one
/// was sent again came no sooner than that. Otherwise a bag, which is read by these times, would turn their order round.
#[derive(Default)]
struct Arrivals(Stamp);

impl Arrivals {
    /// When one came that arrived `at` and is handed on `now`; by how much the clock was set back since the last, where it was. Nothing
    /// was handed on later than it is, unless by another time than now's: then time begins anew.
    fn follow(&mut self, at: Stamp, now: Stamp) -> (Stamp, Option<Duration>) {
        let back = (now < self.0).then(|| self.0.since(now));
        let earliest = if back.is_some() { Stamp::default() } else { self.0 };
        self.0 = at.min(now).max(earliest);
        (self.0, back)
    }
}

/// Which publishers of a topic send what its subscription would not understand.
struct Strangers {
    endpoints: Weak<Endpoints>,
    topic: Arc<Topic>,
    /// Whether each that was heard is one.
    heard: HashMap<GUID, bool>,
}

impl Strangers {
    fn new(endpoints: &Arc<Endpoints>, topic: &Arc<Topic>) -> Self {
        Self { endpoints: Arc::downgrade(endpoints), topic: Arc::clone(topic), heard: HashMap::new() }
    }

    fn has(&mut self, publisher: GUID) -> bool {
        let Self { endpoints, topic, heard } = self;
        *heard.entry(publisher).or_insert_with(|| {
            let endpoints = endpoints.upgrade();
            let other = endpoints.and_then(|known| known.other_type(publisher, &topic.type_name));
            if let Some(other) = &other {
                let (topic, wanted) = (&topic.name, &topic.type_name);
                tracing::warn!(
                    topic,
                    wanted,
                    other,
                    "somebody sends another type under that name: it is not heard"
                );
            }
            other.is_some()
        })
    }
}

impl Bus for Dds {
    fn advertise(&self, topic: &Topic) -> Result<Box<dyn Sink>, Error> {
        let name = self.node.resolve(&topic.name)?;
        let window = WINDOW[usize::from(!is_large(&topic.type_name))];
        let qos = words::qos(&topic.qos, window.max(words::depth(&topic.qos)));
        let voice = self.endpoints.speak(&words::topic(&name), &topic.type_name, &qos)?;
        let (endpoints, clock) = (Arc::clone(&self.endpoints), self.clock());
        Ok(Box::new(Mouth { topic: Topic { name, ..topic.clone() }, voice, endpoints, clock }))
    }

    fn subscribe(&self, topic: &Topic, inbox: &Inbox) -> Result<Subscription, Error> {
        let topic = Arc::new(Topic { name: self.node.resolve(&topic.name)?, ..topic.clone() });
        let qos = words::qos(&asked(&topic), held(&topic.type_name) as i32);
        let (name, type_name) = (words::topic(&topic.name), topic.type_name.clone());
        let door = inbox.door();
        let (entrance, clock) = (door.clone(), self.sim_clock.clone());
        let mut arrivals = Arrivals::default();
        let mut strangers = Strangers::new(&self.endpoints, &topic);
        let take = move |received: Option<Received>| {
            let Some(received) = received else {
                entrance.refuse();
                return;
            };
            if strangers.has(received.writer_guid()) {
                return;
            }
            let arrived = clock.as_ref().map_or_else(
                || {
                    let (came, back) = arrivals.follow(words::stamp(received.receive_instant), Wall.now());
                    if let Some(back) = back {
                        tracing::warn!(
                            topic = topic.name,
                            ?back,
                            "the clock of this machine was set back: what comes now seems older"
                        );
                    }
                    came
                },
                |clock| clock.now(),
            );
            entrance.deliver(Sample {
                topic: Arc::clone(&topic),
                received: arrived,
                sent: received.source_timestamp().map(words::stamp),
                publisher: Some(words::gid(received.writer_guid())),
                sequence: u64::try_from(i64::from(received.sequence_number)).ok(),
                cdr: received.into_value(),
            });
        };
        let ear = self.endpoints.listen(&name, &type_name, &qos, Box::new(take))?;
        Ok(door.subscription(ear))
    }

    fn offers(&self) -> Vec<Offer> {
        self.endpoints.note_events();
        let own = self.endpoints.participant.guid().prefix;
        let mut offers: BTreeMap<String, Offer> = BTreeMap::new();
        for writer in self.endpoints.participant.discovered_writers() {
            let data = &writer.publication_topic_data;
            let Some(name) = words::topic_of_ros(&data.topic_name) else { continue };
            if data.key.prefix == own {
                continue;
            }
            let offer = offers.entry(name.to_owned()).or_insert_with(|| Offer::new(name));
            let (node, type_name) = (self.endpoints.writer_of(data.key), words::type_of_ros(&data.type_name));
            offer.add(&type_name, words::qos_of(&data.qos()), node.as_deref());
            if let Some(hash) = words::type_hash(&writer.user_data) {
                offer.announce(&type_name, hash);
            }
        }
        offers.into_values().collect()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.sim_clock.clone().unwrap_or_else(|| Arc::new(Wall))
    }

    fn sim_time(&self) -> bool {
        self.sim_clock.is_some()
    }

    fn serve(&self, name: &str, type_name: &str, answer: Answer) -> Result<Box<dyn Served>, Error> {
        service::serve(&self.endpoints, &self.node.resolve(name)?, type_name, answer)
    }

    fn call(&self, name: &str, type_name: &str, request: Bytes, within: Duration) -> Result<Bytes, Error> {
        let service = self.node.resolve(name)?;
        self.client(&service, type_name)?.call(&service, &request, within)
    }

    fn node(&self) -> &Node {
        &self.node
    }

    fn granted(&self) -> Option<Granted> {
        Some(self.granted)
    }
}

/// The sending end of a topic.
struct Mouth {
    topic: Topic,
    voice: Voice,
    endpoints: Arc<Endpoints>,
    clock: Arc<dyn Clock>,
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
        self.voice
            .writer
            .write(cdr, Some(words::timestamp(self.clock.now())))
            .map_err(|error| failed(error.to_string().into()))
    }

    fn matched(&self) -> usize {
        self.endpoints.heard(self.voice.writer.guid(), &self.topic.type_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(s: i64) -> Stamp {
        Stamp(s * 1_000_000_000)
    }

    #[test]
    fn a_sample_that_waited_for_one_to_be_sent_again_came_no_sooner() {
        let mut arrivals = Arrivals::default();
        for (at, now, came) in [(100, 100, 100), (103, 103, 103), (101, 104, 103), (104, 104, 104)] {
            assert_eq!(
                arrivals.follow(second(at), second(now)),
                (second(came), None),
                "{at} handed on at {now}"
            );
        }
    }

    #[test]
    fn a_clock_that_was_set_back_goes_on_from_there() {
        let mut arrivals = Arrivals::default();
        arrivals.follow(second(100), second(100));
        let back = Some(Duration::from_secs(5));
        assert_eq!(
            arrivals.follow(second(95), second(95)),
            (second(95), back),
            "by less than one is held back"
        );
        assert_eq!(arrivals.follow(second(96), second(96)), (second(96), None), "it is said once");
        let back = Some(Duration::from_secs(46));
        assert_eq!(
            arrivals.follow(second(97), second(50)),
            (second(50), back),
            "one that came before it was set back"
        );
        assert_eq!(arrivals.follow(second(51), second(51)), (second(51), None));
    }
}
