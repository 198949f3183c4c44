//! A bus that notes what its node opens: what it publishes, what it hears, and what it answers.
//!
//! What a node is for others is what it opens on the bus. To ask the bus is to ask the code, where a list kept by hand would tell what
//! somebody remembered.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apprentice::bus::{Answer, Bus, Error, Granted, Inbox, Node, Offer, Served, Sink, Subscription};
use apprentice::time::Clock;
use apprentice::wire::{Qos, Topic};
use bytes::Bytes;

/// What a node opened, by full name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Opened {
    pub(crate) published: BTreeMap<String, (String, Qos)>,
    pub(crate) heard: BTreeMap<String, (String, Qos)>,
    pub(crate) answered: BTreeMap<String, String>,
}

/// The end of another bus, and what was opened through it.
pub(crate) struct Noting {
    under: Arc<dyn Bus>,
    opened: Arc<Mutex<Opened>>,
}

impl Noting {
    pub(crate) fn over(under: Arc<dyn Bus>) -> Self {
        Self { under, opened: Arc::default() }
    }

    /// What was opened until now, and will be.
    pub(crate) fn opened(&self) -> impl Fn() -> Opened + use<> {
        let opened = Arc::clone(&self.opened);
        move || opened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: impl FnOnce(&mut Opened)) {
        note(&mut self.opened.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn said(&self, topic: &Topic) -> Result<(String, (String, Qos)), Error> {
        Ok((self.node().resolve(&topic.name)?, (topic.type_name.clone(), topic.qos)))
    }
}

impl Bus for Noting {
    fn advertise(&self, topic: &Topic) -> Result<Box<dyn Sink>, Error> {
        let (name, said) = self.said(topic)?;
        self.note(|opened| drop(opened.published.insert(name, said)));
        self.under.advertise(topic)
    }

    fn subscribe(&self, topic: &Topic, inbox: &Inbox) -> Result<Subscription, Error> {
        let (name, said) = self.said(topic)?;
        self.note(|opened| drop(opened.heard.insert(name, said)));
        self.under.subscribe(topic, inbox)
    }

    fn serve(&self, name: &str, type_name: &str, answer: Answer) -> Result<Box<dyn Served>, Error> {
        let full = self.node().resolve(name)?;
        self.note(|opened| drop(opened.answered.insert(full, type_name.to_owned())));
        self.under.serve(name, type_name, answer)
    }

    fn call(&self, name: &str, type_name: &str, request: Bytes, within: Duration) -> Result<Bytes, Error> {
        self.under.call(name, type_name, request, within)
    }

    fn offers(&self) -> Vec<Offer> {
        self.under.offers()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.under.clock()
    }

    fn node(&self) -> &Node {
        self.under.node()
    }

    fn sim_time(&self) -> bool {
        self.under.sim_time()
    }

    fn ready(&self) {
        self.under.ready();
    }

    fn ended(&self) -> bool {
        self.under.ended()
    }

    fn patient(&self) -> bool {
        self.under.patient()
    }

    fn granted(&self) -> Option<Granted> {
        self.under.granted()
    }
}
