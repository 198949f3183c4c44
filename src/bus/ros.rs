//! The bus of a machine with ROS 2 sourced, through its own client library: any middleware, remapping, namespaces.
//!
//! What r2r does not pass on is not there: samples of this bus carry neither publisher nor number nor time of sending, so what
//! the middleware loses nobody can count, only what an inbox drops; and a subscription that ended is given back to the
//! middleware when the next message on its topic comes, because r2r looks at it only then. A recorder that shall count every loss,
//! or record types that were not there when this was built, uses the `dds` bus beside ROS 2. Domain and reach are what
//! ROS 2's own variables say: r2r has no other way to be told.

mod line;
mod quality;
mod service;

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;

use super::{Answer, Bus, Error, Inbox, Node, Offer, Options, Served, Sink, Subscription, clock};
use crate::time::{Clock, Wall};
use crate::wire::{Sample, Topic};
use line::Line;
use quality::{profile, qos_of};

/// One node's end of ROS 2.
pub struct Ros {
    node: Node,
    line: Arc<Line>,
    sim_clock: Option<Arc<dyn Clock>>,
}

impl Ros {
    /// Starts a ROS 2 node. Its name and namespace are those of `options` unless the command line remaps them.
    pub fn open(options: &Options, node: Node) -> Result<Self, Error> {
        refuse_what_ros_is_not_told(options)?;
        let (line, node) = Line::open(node)?;
        let mut ros = Self { node, line: Arc::new(line), sim_clock: None };
        if options.sim_time {
            ros.sim_clock = Some(clock::follow(&ros)?);
        }
        Ok(ros)
    }
}

/// A domain or a reach that only ROS 2's own variables can set must not be promised.
fn refuse_what_ros_is_not_told(options: &Options) -> Result<(), Error> {
    let refuse = |words: String| Err(Error::Open { bus: "ros", source: words.into() });
    let said = Options { domain: None, ..options.clone() }.domain()?;
    match options.domain {
        Some(wanted) if wanted != said => refuse(format!(
            "ROS 2 is in the domain {said}; another is chosen by ROS_DOMAIN_ID={wanted}, or with the `dds` bus"
        )),
        _ if options.leave_host => refuse(
            "how far ROS 2 reaches is set by ROS_LOCALHOST_ONLY and ROS_AUTOMATIC_DISCOVERY_RANGE".to_owned(),
        ),
        _ => Ok(()),
    }
}

impl Bus for Ros {
    fn advertise(&self, topic: &Topic) -> Result<Box<dyn Sink>, Error> {
        let topic = Topic { name: self.node.resolve(&topic.name)?, ..topic.clone() };
        let (name, type_name, qos) = (topic.name.clone(), topic.type_name.clone(), profile(&topic.qos));
        let publisher = self.line.ask("advertising", (&topic.name, &topic.type_name), move |spinner| {
            Ok(spinner.node.create_publisher_untyped(&name, &type_name, qos)?)
        })?;
        Ok(Box::new(Mouth { topic, publisher: Some(publisher), line: Arc::clone(&self.line) }))
    }

    fn subscribe(&self, topic: &Topic, inbox: &Inbox) -> Result<Subscription, Error> {
        let topic = Arc::new(Topic { name: self.node.resolve(&topic.name)?, ..topic.clone() });
        let (door, clock) = (inbox.door(), self.clock());
        let (entrance, arriving) = (door.clone(), Arc::clone(&topic));
        let task = self.line.ask("subscribing", (&topic.name, &topic.type_name), move |spinner| {
            let topic = arriving;
            let stream = spinner.node.subscribe_raw(&topic.name, &topic.type_name, profile(&topic.qos))?;
            spinner.start(stream.for_each(move |cdr| {
                entrance.deliver(Sample {
                    topic: Arc::clone(&topic),
                    received: clock.now(),
                    sent: None,
                    publisher: None,
                    sequence: None,
                    cdr: Bytes::from(cdr),
                });
                futures::future::ready(())
            }))
        })?;
        Ok(door.subscription(task))
    }

    fn offers(&self) -> Vec<Offer> {
        let own = self.node.full_name();
        let offers = self.line.ask("looking around", ("/", ""), move |spinner| {
            let topics = spinner.topics()?;
            let offers = topics.into_iter().filter_map(|name| offer(&spinner.node, name, &own));
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

    fn sim_time(&self) -> bool {
        self.sim_clock.is_some()
    }

    fn serve(&self, name: &str, type_name: &str, answer: Answer) -> Result<Box<dyn Served>, Error> {
        service::serve(&self.line, self.node.resolve(name)?, type_name, answer)
    }

    fn call(
        &self,
        name: &str,
        type_name: &str,
        request: Bytes,
        within: std::time::Duration,
    ) -> Result<Bytes, Error> {
        service::call(&self.line, self.node.resolve(name)?, type_name, request, within)
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
    line: Arc<Line>,
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
            self.line.tell(Box::new(move |spinner| spinner.node.destroy_publisher_untyped(publisher)));
        }
    }
}
