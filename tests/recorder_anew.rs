//! A topic that is subscribed to anew within an episode, because a publisher joined that offers less.
//!
//! Between the two subscriptions nobody listens, for a moment that no test could hit by chance: so the bus is one that
//! has the first publisher speak in just that moment.

#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apprentice::bus::local::Local;
use apprentice::bus::{Answer, Bus, Error, Inbox, Node, Offer, Served, Sink, Subscription};
use apprentice::time::Clock;
use apprentice::wire::{Qos, Reliability, Topic};
use bytes::Bytes;
use recording::{PATIENCE, Read, Stage, config, episode, number, session, topics, wait_until_heard};

/// A bus that has something done just before the recorder's topic is subscribed to a second time, and refuses as often as it is told to.
struct Gap {
    bus: Local,
    between: Box<dyn Fn() + Send + Sync>,
    subscribed: AtomicU32,
    refusals: AtomicU32,
}

impl Bus for Gap {
    fn subscribe(&self, topic: &Topic, inbox: &Inbox) -> Result<Subscription, Error> {
        let left = self.refusals.load(SeqCst);
        if left > 0 {
            self.refusals.store(left - 1, SeqCst);
            return Err(Error::Unanswered { service: topic.name.clone(), after_ms: 0 });
        }
        if self.subscribed.load(SeqCst) == 1 {
            (self.between)();
        }
        let subscription = self.bus.subscribe(topic, inbox);
        self.subscribed.fetch_add(1, SeqCst);
        subscription
    }

    fn advertise(&self, topic: &Topic) -> Result<Box<dyn Sink>, Error> {
        self.bus.advertise(topic)
    }

    fn offers(&self) -> Vec<Offer> {
        self.bus.offers()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.bus.clock()
    }

    fn serve(&self, name: &str, type_name: &str, answer: Answer) -> Result<Box<dyn Served>, Error> {
        self.bus.serve(name, type_name, answer)
    }

    fn call(&self, name: &str, type_name: &str, request: Bytes, within: Duration) -> Result<Bytes, Error> {
        self.bus.call(name, type_name, request, within)
    }

    fn node(&self) -> &Node {
        self.bus.node()
    }
}

/// Of a publisher of that quality, records the numbers up to 10, those of `between` while nobody listens, and those from
/// 16 to 20 after a lesser publisher joined; what is in the bag, and what it notes as lost on the wire.
fn recorded(qos: Qos, lesser: Qos, between: RangeInclusive<u64>) -> anyhow::Result<(Vec<u64>, u64)> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let arm = Mutex::new(stage.advertise("/arm", qos)?);
    let say = move |numbers: RangeInclusive<u64>| {
        let mut arm = arm.lock().expect("nobody panics with it");
        numbers.into_iter().for_each(|i| arm.send(number(i)).expect("a hub never refuses"));
    };
    let say = Arc::new(say);
    let first = Arc::clone(&say);
    let gap = Arc::new(Gap {
        bus: stage.hub.join(Node::new("recorder", "")?),
        between: Box::new(move || first(between.clone())),
        subscribed: AtomicU32::new(0),
        refusals: AtomicU32::new(0),
    });
    let subscribed =
        |times| patience::until("a subscription", PATIENCE, || Ok(gap.subscribed.load(SeqCst) == times));
    let recorder = stage.record_from(gap.clone(), topics(&["/arm"]), config(), session(out.path()))?;
    subscribed(1)?;
    recorder.start()?;
    say(1..=10);
    recorder.status_where(|status| status.streams[0].received == 10)?;
    let _lesser = stage.advertise("/arm", lesser)?;
    subscribed(2)?;
    say(16..=20);
    recorder.status_where(|status| status.streams[0].received >= 15)?;
    recorder.stop(true)?;
    recorder.end()?;
    let mut read = Read::open(&episode(out.path(), 0))?;
    let lost = read.lost()?["topics"]["/arm"]["wire"].as_u64().unwrap_or_default();
    Ok((read.numbers("/arm")?, lost))
}

#[test]
fn what_is_missed_while_a_topic_is_subscribed_to_anew_is_counted() -> anyhow::Result<()> {
    let (there, lost) = recorded(Qos::reliable(10), Qos::sensor(), 11..=15)?;
    assert_eq!(there, (1..=10).chain(16..=20).collect::<Vec<_>>());
    assert_eq!(lost, 5);
    Ok(())
}

#[test]
fn what_a_latched_topic_says_again_to_a_new_subscription_is_recorded_once() -> anyhow::Result<()> {
    let lesser = Qos { reliability: Reliability::BestEffort, ..Qos::latched(3) };
    let (there, lost) = recorded(Qos::latched(3), lesser, 11..=12)?;
    // 10 was heard and is said again, 11 and 12 are said for the first time.
    assert_eq!(there, (1..=12).chain(16..=20).collect::<Vec<_>>());
    assert_eq!(lost, 0);
    Ok(())
}

#[test]
fn a_topic_that_could_not_be_subscribed_to_at_once_is_recorded_once_it_can() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let gap = Arc::new(Gap {
        bus: stage.hub.join(Node::new("recorder", "")?),
        between: Box::new(|| ()),
        subscribed: AtomicU32::new(0),
        refusals: AtomicU32::new(1),
    });
    let recorder = stage.record_from(gap, topics(&["/arm"]), config(), session(out.path()))?;
    recorder.start()?;
    // The episode runs already: only what is found anew is declared to it.
    let mut arm = stage.advertise("/arm", Qos::reliable(10))?;
    wait_until_heard(arm.as_ref())?;
    arm.send(number(1))?;
    recorder.status_where(|status| status.streams[0].received == 1)?;
    let stopped = recorder.stop(true)?;
    assert!(stopped.success, "{}", stopped.message);
    recorder.end()?;
    assert_eq!(Read::open(&episode(out.path(), 0))?.numbers("/arm")?, [1]);
    Ok(())
}
