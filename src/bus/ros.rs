//! The bus of a machine with ROS 2 sourced, through its own client library: any middleware, remapping, namespaces.
//!
//! r2r's node is not to be shared and its waiting cannot be interrupted, so one thread owns it: it waits a little, does
//! what others asked for, and empties every subscription into its inbox before it waits again. r2r would otherwise drop
//! the newest of more than ten without a word. What the middleware below loses it does not tell: samples of this bus
//! carry neither publisher nor number, and only what an inbox drops is counted.

#[path = "ros_service.rs"]
mod service;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures::executor::{LocalPool, LocalSpawner};
use futures::future::{AbortHandle, abortable};
use futures::task::LocalSpawnExt;
use futures::{FutureExt, StreamExt};
use r2r::QosProfile;
use r2r::qos::{DurabilityPolicy, HistoryPolicy, ReliabilityPolicy};

use super::{Answer, Bus, Error, Inbox, Node, Offer, Options, Served, Sink, Subscription, clock};
use crate::time::{Clock, Wall};
use crate::wire::{Durability, History, Qos, Reliability, Sample, Topic};

/// How long the node waits for something to happen before it looks at what it was asked for.
const SPIN: Duration = Duration::from_millis(2);
/// Keeps the node's wait from ending at once where nothing is waited for.
const KEEP_WAITING: Duration = Duration::from_secs(1);
/// How many who ask the node for something are not kept waiting.
const ASKING: usize = 16;

type Cause = Box<dyn std::error::Error + Send + Sync>;
type Work = Box<dyn FnOnce(&mut Spinner) + Send>;

/// One node's end of ROS 2.
pub struct Ros {
    node: Node,
    work: SyncSender<Work>,
    sim_clock: Option<Arc<dyn Clock>>,
}

/// What the thread of the node has. It ends when nobody can ask it any more.
struct Spinner {
    node: r2r::Node,
    spawner: LocalSpawner,
}

impl Ros {
    /// Starts a ROS 2 node. Its name and namespace are those of `options` unless the command line remaps them.
    pub fn open(options: &Options, node: Node) -> Result<Self, Error> {
        let opened = |source| Error::Open { bus: "ros", source };
        let (work, asked) = sync_channel::<Work>(ASKING);
        let (tell, told) = sync_channel(1);
        thread::Builder::new()
            .name("bus ros".to_owned())
            .spawn(move || match create(&node) {
                Ok(created) => {
                    let named = named(&created);
                    if tell.send(named).is_ok() {
                        spin(created, &asked);
                    }
                }
                // Nobody listens only where opening was given up.
                Err(error) => drop(tell.send(Err(error))),
            })
            .map_err(|error| opened(error.into()))?;
        let named = told.recv().map_err(|_gone| opened("the thread of the node ended".into()))?;
        let (name, namespace) = named.map_err(opened)?;
        let mut ros = Self { node: Node::new(&name, &namespace)?, work, sim_clock: None };
        if options.sim_time {
            ros.sim_clock = Some(clock::follow(&ros)?);
        }
        Ok(ros)
    }

    /// Has the node's thread do something, and waits for what came of it.
    fn ask<T: Send + 'static>(
        &self,
        what: &'static str,
        (name, type_name): (&str, &str),
        work: impl FnOnce(&mut Spinner) -> Result<T, Cause> + Send + 'static,
    ) -> Result<T, Error> {
        let failed = |source| Error::Transport {
            what,
            topic: name.to_owned(),
            type_name: type_name.to_owned(),
            source,
        };
        let (tell, told) = sync_channel(1);
        let work: Work = Box::new(move |spinner| drop(tell.send(work(spinner))));
        self.work.send(work).map_err(|_gone| failed("the node is gone".into()))?;
        told.recv().map_err(|_gone| failed("the node is gone".into()))?.map_err(failed)
    }
}

fn create(node: &Node) -> Result<r2r::Node, Cause> {
    let context = r2r::Context::create()?;
    Ok(r2r::Node::create(context, node.name(), node.namespace())?)
}

/// What the node is called after remapping.
fn named(node: &r2r::Node) -> Result<(String, String), Cause> {
    Ok((node.name()?, node.namespace()?))
}

fn spin(mut node: r2r::Node, asked: &Receiver<Work>) {
    let mut pool = LocalPool::new();
    let waiting = node.create_wall_timer(KEEP_WAITING);
    if let Err(error) = &waiting {
        tracing::warn!(%error, "the node will not wait quietly");
    }
    let mut spinner = Spinner { node, spawner: pool.spawner() };
    loop {
        spinner.node.spin_once(SPIN);
        pool.run_until_stalled();
        loop {
            match asked.try_recv() {
                Ok(work) => work(&mut spinner),
                Err(std::sync::mpsc::TryRecvError::Empty) => break,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
            }
        }
    }
}

fn profile(qos: &Qos) -> QosProfile {
    // Zero is how ROS 2 says unlimited.
    let period = Option::unwrap_or_default;
    let (history, depth) = match qos.history {
        History::KeepLast(depth) => (HistoryPolicy::KeepLast, depth as usize),
        History::KeepAll => (HistoryPolicy::KeepAll, 0),
    };
    QosProfile {
        history,
        depth,
        reliability: match qos.reliability {
            Reliability::Reliable => ReliabilityPolicy::Reliable,
            Reliability::BestEffort => ReliabilityPolicy::BestEffort,
        },
        durability: match qos.durability {
            Durability::TransientLocal => DurabilityPolicy::TransientLocal,
            Durability::Volatile => DurabilityPolicy::Volatile,
        },
        deadline: period(qos.deadline),
        lifespan: period(qos.lifespan),
        liveliness_lease_duration: period(qos.lease),
        ..QosProfile::default()
    }
}

fn qos_of(profile: &QosProfile) -> Qos {
    // What is unlimited comes back as a time nobody lives to see.
    let limited =
        |period: Duration| (!period.is_zero() && period < Duration::from_secs(1 << 32)).then_some(period);
    Qos {
        reliability: match profile.reliability {
            ReliabilityPolicy::Reliable => Reliability::Reliable,
            _ => Reliability::BestEffort,
        },
        durability: match profile.durability {
            DurabilityPolicy::TransientLocal => Durability::TransientLocal,
            _ => Durability::Volatile,
        },
        history: match profile.history {
            HistoryPolicy::KeepAll => History::KeepAll,
            _ => History::KeepLast(u32::try_from(profile.depth).unwrap_or(u32::MAX)),
        },
        deadline: limited(profile.deadline),
        lifespan: limited(profile.lifespan),
        lease: limited(profile.liveliness_lease_duration),
    }
}

/// Ends a task of the node's thread.
struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Bus for Ros {
    fn advertise(&self, topic: &Topic) -> Result<Box<dyn Sink>, Error> {
        let topic = Topic { name: self.node.resolve(&topic.name)?, ..topic.clone() };
        let (name, type_name, qos) = (topic.name.clone(), topic.type_name.clone(), profile(&topic.qos));
        let publisher = self.ask("advertising", (&topic.name, &topic.type_name), move |spinner| {
            Ok(spinner.node.create_publisher_untyped(&name, &type_name, qos)?)
        })?;
        Ok(Box::new(Mouth { topic, publisher: Some(publisher), work: self.work.clone() }))
    }

    fn subscribe(&self, topic: &Topic, inbox: &Inbox) -> Result<Subscription, Error> {
        let topic = Arc::new(Topic { name: self.node.resolve(&topic.name)?, ..topic.clone() });
        let (door, clock) = (inbox.door(), self.clock());
        let (entrance, arriving) = (door.clone(), Arc::clone(&topic));
        let abort = self.ask("subscribing", (&topic.name, &topic.type_name), move |spinner| {
            let topic = arriving;
            let stream = spinner.node.subscribe_raw(&topic.name, &topic.type_name, profile(&topic.qos))?;
            let deliver = stream.for_each(move |cdr| {
                entrance.deliver(Sample {
                    topic: Arc::clone(&topic),
                    received: clock.now(),
                    sent: None,
                    publisher: None,
                    sequence: None,
                    cdr: Bytes::from(cdr),
                });
                futures::future::ready(())
            });
            let (deliver, abort) = abortable(deliver);
            spinner.spawner.spawn_local(deliver.map(|_ended| ()))?;
            Ok(Abort(abort))
        })?;
        Ok(door.subscription(abort))
    }

    fn offers(&self) -> Vec<Offer> {
        let own = self.node.full_name();
        let offers = self.ask("looking around", ("/", ""), move |spinner| {
            let topics = spinner.node.get_topic_names_and_types()?;
            let offers = topics.into_keys().filter_map(|name| offer(&spinner.node, name, &own));
            Ok(offers.collect::<Vec<Offer>>())
        });
        let mut offers = offers.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "nobody is known now");
            Vec::new()
        });
        offers.sort_by(|one, other| one.name.cmp(&other.name));
        offers
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.sim_clock.clone().unwrap_or_else(|| Arc::new(Wall))
    }

    fn serve(&self, name: &str, type_name: &str, answer: Answer) -> Result<Box<dyn Served>, Error> {
        service::serve(self, self.node.resolve(name)?, type_name, answer)
    }

    fn call(&self, name: &str, type_name: &str, request: Bytes, within: Duration) -> Result<Bytes, Error> {
        service::call(self, self.node.resolve(name)?, type_name, &request, within)
    }

    fn node(&self) -> &Node {
        &self.node
    }
}

/// What others publish on a topic.
fn offer(node: &r2r::Node, name: String, own: &str) -> Option<Offer> {
    let publishers = node.get_publishers_info_by_topic(&name, false).ok()?;
    let mut offer = Offer::new(name);
    for publisher in publishers {
        let node = format!("{}/{}", publisher.node_namespace.trim_end_matches('/'), publisher.node_name);
        if node != own {
            offer.add(&publisher.topic_type, qos_of(&publisher.qos_profile), Some(&node));
        }
    }
    (!offer.types.is_empty()).then_some(offer)
}

/// The sending end of a topic.
struct Mouth {
    topic: Topic,
    /// Taken out when it is given back to the node.
    publisher: Option<r2r::PublisherUntyped>,
    work: SyncSender<Work>,
}

impl Sink for Mouth {
    fn send(&mut self, cdr: Bytes) -> Result<(), Error> {
        let Some(publisher) = &self.publisher else { return Ok(()) };
        publisher.publish_raw(&cdr).map_err(|error| Error::Transport {
            what: "sending",
            topic: self.topic.name.clone(),
            type_name: self.topic.type_name.clone(),
            source: error.into(),
        })
    }

    fn matched(&self) -> usize {
        self.publisher
            .as_ref()
            .and_then(|publisher| publisher.get_inter_process_subscription_count().ok())
            .unwrap_or(0)
    }
}

impl Drop for Mouth {
    fn drop(&mut self) {
        if let Some(publisher) = self.publisher.take() {
            let work: Work = Box::new(move |spinner| spinner.node.destroy_publisher_untyped(publisher));
            // Where the node is gone its publishers are too.
            drop(self.work.send(work));
        }
    }
}
