//! Messages on top of a bus of bytes.
//!
//! A bus itself knows bytes and a type's name only, so that it can carry and record types nobody compiled in; types are
//! laid over it here, once for every bus.

use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;

use super::{Bus, Error, Inbox, Served, Sink, Subscription};
use crate::msg::{Message, Service};
use crate::wire::{Qos, Sample, Topic};

/// The topic of messages `M` under that name.
pub fn topic<M: Message>(name: &str, qos: Qos) -> Topic {
    Topic::new(name, M::TYPE).with(qos)
}

/// The sending end of a topic of messages `M`.
pub struct Publisher<M> {
    sink: Box<dyn Sink>,
    sends: PhantomData<fn(M)>,
}

impl<M: Message> Publisher<M> {
    /// Opens the sending end of the topic `name`.
    pub fn open(bus: &dyn Bus, name: &str, qos: Qos) -> Result<Self, Error> {
        Ok(Self { sink: bus.advertise(&topic::<M>(name, qos))?, sends: PhantomData })
    }

    /// Sends one message.
    pub fn send(&mut self, message: &M) -> Result<(), Error> {
        self.sink.send(message.encode())
    }

    /// How many subscriptions hear it now.
    pub fn matched(&self) -> usize {
        self.sink.matched()
    }
}

impl<M> std::fmt::Debug for Publisher<M> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Publisher").field("matched", &self.sink.matched()).finish_non_exhaustive()
    }
}

/// Has every message of the topic `name` delivered into `inbox`; [`read`] makes messages of them.
pub fn subscribe<M: Message>(
    bus: &dyn Bus,
    name: &str,
    qos: Qos,
    inbox: &Inbox,
) -> Result<Subscription, Error> {
    bus.subscribe(&topic::<M>(name, qos), inbox)
}

/// The message in a sample.
pub fn read<M: Message>(sample: &Sample) -> Result<M, Error> {
    decode(&sample.topic.name, M::TYPE, &sample.cdr)
}

fn decode<M: Message>(topic: &str, type_name: &str, cdr: &Bytes) -> Result<M, Error> {
    M::decode(cdr).map_err(|source| Error::Message {
        topic: topic.to_owned(),
        type_name: type_name.to_owned(),
        source: Box::new(source),
    })
}

/// Answers the service `name`. A request that does not read is unanswered, as one whose answer fails.
pub fn serve_typed<S: Service>(
    bus: &dyn Bus,
    name: &str,
    mut answer: impl FnMut(S::Request) -> Result<S::Response, Error> + Send + 'static,
) -> Result<Box<dyn Served>, Error> {
    let service = bus.node().resolve(name)?;
    let answer = move |request: Bytes| Ok(answer(decode(&service, S::TYPE, &request)?)?.encode());
    bus.serve(name, S::TYPE, Box::new(answer))
}

/// Calls the service `name` and waits for the answer.
pub fn call_typed<S: Service>(
    bus: &dyn Bus,
    name: &str,
    request: &S::Request,
    within: Duration,
) -> Result<S::Response, Error> {
    decode(name, S::TYPE, &bus.call(name, S::TYPE, request.encode(), within)?)
}
