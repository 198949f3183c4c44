//! What every bus keeps: one list of cases, run between two nodes of each.
//!
//! The nodes live in this process; between DDS nodes everything travels over sockets of this host all the same. What
//! holds between DDS implementations is in `dds_interop.rs`.

#[cfg(feature = "ros")]
#[path = "support/alone.rs"]
mod alone;
#[path = "support/answering.rs"]
mod answering;
#[path = "support/patience.rs"]
mod patience;
#[cfg(not(feature = "ros"))]
#[path = "support/skipped.rs"]
mod skipped;

use std::sync::Arc;
use std::time::{Duration, Instant};

use apprentice::bag;
use apprentice::bus::local::Hub;
use apprentice::bus::parameter::{Declared, Parameters, Value};
use apprentice::bus::replay::{Pace, Replay};
use apprentice::bus::typed::call_typed;
use apprentice::bus::{Bus, Counts, Error, Inbox, Limit, Node, Sink, Subscription};
use apprentice::msg::rcl::{ParameterValue, SetParameters, SetParametersRequest};
use apprentice::wire::{Qos, Sample, Topic};
use bytes::Bytes;

/// Far longer than anything here takes, so that only a defect reaches it, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long something that must not happen is given to happen.
const GRACE: Duration = Duration::from_millis(300);
const WIDE: Limit = Limit { samples: 1000, bytes: 64 << 20 };

/// Two nodes on one bus.
struct Pair {
    here: Arc<dyn Bus>,
    there: Arc<dyn Bus>,
    /// Whether its samples tell who sent them, when, and with which number; r2r does not pass that on.
    tells: bool,
}

type Case = fn(&Pair) -> Result<(), Error>;

const CASES: &[(&str, Case)] = &[
    ("bytes arrive unchanged, in order and numbered", bytes_arrive_unchanged),
    ("two subscriptions both hear", two_subscriptions_both_hear),
    ("one who comes late gets the last that were latched", a_latched_message_reaches_a_late_joiner),
    ("qualities of service are compatible or not heard", qualities_are_compatible_or_not_heard),
    ("a full inbox drops the oldest and counts it", a_full_inbox_drops_the_oldest),
    ("a subscription that ended is silent", an_ended_subscription_is_silent),
    ("a topic with two types is reported with both", a_topic_with_two_types_is_reported),
    (
        "a subscription of another type neither hears nor counts",
        a_subscription_of_another_type_does_not_count,
    ),
    ("five megabytes arrive whole", five_megabytes_arrive),
    ("a relative name is under the node's namespace", a_relative_name_is_under_the_namespace),
    ("a bad name is refused", a_bad_name_is_refused),
    ("the nodes that publish a topic are known by name", publishers_are_known_by_name),
    ("parameters are read, set and refused", parameters_are_read_set_and_refused),
    ("a service is answered", answering::a_service_is_answered),
    ("an answer may ask the bus for something itself", answering::an_answer_may_ask_the_bus),
    ("a service whose answer fails is unanswered", answering::a_failing_answer_is_unanswered),
    ("a service that nobody answers times out", answering::nobody_answers),
];

fn keeps_the_contract(pair: &Pair) {
    for (name, case) in CASES {
        println!("  {name}");
        case(pair).unwrap_or_else(|error| panic!("{name}: {error}: {error:?}"));
    }
}

#[test]
fn the_local_bus_keeps_the_contract() -> Result<(), Error> {
    let hub = Hub::default();
    let join = |name: &str, namespace: &str| Ok::<_, Error>(Arc::new(hub.join(Node::new(name, namespace)?)));
    keeps_the_contract(&Pair { here: join("here", "arm")?, there: join("there", "")?, tells: true });
    Ok(())
}

#[test]
fn a_replay_keeps_the_contract() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let bag = folder.path().join("nothing_in_it");
    bag::create(&bag, &bag::Options::default())?.finish()?;
    let here = Replay::open(bag::open(&bag)?, Pace::Free, Node::new("here", "arm")?)?;
    let there = here.join(Node::new("there", "")?);
    here.ready();
    keeps_the_contract(&Pair { here: Arc::new(here), there: Arc::new(there), tells: true });
    Ok(())
}

#[cfg(feature = "dds")]
#[test]
fn the_dds_bus_keeps_the_contract() -> Result<(), Error> {
    use apprentice::bus::{Kind, Options, open};
    // A domain of this process's own, away from those people use.
    let domain = u16::try_from(120 + std::process::id() % 50).ok();
    let join = |node: &str, namespace: &str| {
        let (node, namespace) = (node.to_owned(), namespace.to_owned());
        open(&Options { kind: Kind::Dds, node, namespace, domain, ..Options::default() })
    };
    let pair = Pair { here: join("here", "arm")?, there: join("there", "")?, tells: true };
    let granted = pair.here.granted().expect("over a network it matters what the kernel granted");
    assert!(granted.buffer > 0 && granted.buffer_asked > 0, "{granted:?}");
    keeps_the_contract(&pair);
    Ok(())
}

#[cfg(feature = "ros")]
#[test]
fn the_ros_bus_keeps_the_contract() -> Result<(), Box<dyn std::error::Error>> {
    use apprentice::bus::{Kind, Options, open};
    if !alone::alone("the_ros_bus_keeps_the_contract")? {
        return Ok(());
    }
    let join = |node: &str, namespace: &str| {
        let (node, namespace) = (node.to_owned(), namespace.to_owned());
        open(&Options { kind: Kind::Ros, node, namespace, ..Options::default() })
    };
    keeps_the_contract(&Pair { here: join("here", "arm")?, there: join("there", "")?, tells: false });
    Ok(())
}

#[cfg(not(feature = "ros"))]
#[test]
fn the_ros_bus_is_tried_where_ros_is() {
    skipped::skipped("the_ros_bus_is_tried_where_ros_is", "it takes ROS 2 and `make test-ros`");
}

fn message(number: u32, bytes: usize) -> Bytes {
    let mut cdr = vec![0, 1, 0, 0];
    cdr.extend(number.to_le_bytes());
    cdr.extend((0..bytes).map(|at| (at * 7 % 251) as u8));
    cdr.into()
}

fn number(sample: &Sample) -> u32 {
    u32::from_le_bytes(sample.cdr[4..8].try_into().expect("a message of ours has its number"))
}

fn topic(name: &str, qos: Qos) -> Topic {
    Topic::new(name, "std_msgs/msg/String").with(qos)
}

/// Waits until `condition` holds.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    patience::until(what, PATIENCE, || Ok(condition())).expect("only a defect takes that long");
}

fn heard_by(sink: &dyn Sink, subscriptions: usize) {
    until("the publisher knows its subscriptions", || sink.matched() == subscriptions);
}

fn take(inbox: &Inbox, count: usize) -> Vec<Sample> {
    let deadline = Instant::now() + PATIENCE;
    (0..count).map_while(|_| inbox.wait(deadline)).collect()
}

fn bytes_arrive_unchanged(pair: &Pair) -> Result<(), Error> {
    let topic = topic("/order", Qos::reliable(200));
    let inbox = Inbox::new(WIDE);
    let subscription = pair.there.subscribe(&topic, &inbox)?;
    let mut sink = pair.here.advertise(&topic)?;
    heard_by(&*sink, 1);
    let sent: Vec<Bytes> = (0..100).map(|n| message(n, 40 * n as usize)).collect();
    for cdr in &sent {
        sink.send(cdr.clone())?;
    }
    let got = take(&inbox, sent.len());
    assert!(got.iter().map(|sample| &sample.cdr).eq(&sent), "what was sent is not what came");
    assert!(got.iter().all(|sample| *sample.topic == topic));
    assert_eq!(subscription.counts(), Counts { received: 100, dropped: 0, lost: 0 });
    if pair.tells {
        tell_where_they_are_from(&got);
    }
    Ok(())
}

fn tell_where_they_are_from(got: &[Sample]) {
    assert!(got.iter().all(|sample| sample.publisher == got[0].publisher && sample.publisher.is_some()));
    let first = got[0].sequence.expect("this bus numbers");
    assert!(got.iter().zip(first..).all(|(sample, number)| sample.sequence == Some(number)));
    assert!(got.iter().all(|sample| sample.sent.is_some_and(|sent| sent <= sample.received)));
}

fn two_subscriptions_both_hear(pair: &Pair) -> Result<(), Error> {
    let topic = topic("/both", Qos::reliable(10));
    let (one, other) = (Inbox::new(WIDE), Inbox::new(WIDE));
    let _subscriptions = [pair.there.subscribe(&topic, &one)?, pair.there.subscribe(&topic, &other)?];
    let mut sink = pair.here.advertise(&topic)?;
    heard_by(&*sink, 2);
    sink.send(message(7, 100))?;
    for inbox in [one, other] {
        assert_eq!(take(&inbox, 1)[0].cdr, message(7, 100));
    }
    Ok(())
}

fn a_latched_message_reaches_a_late_joiner(pair: &Pair) -> Result<(), Error> {
    let topic = topic("/latched", Qos::latched(2));
    let mut sink = pair.here.advertise(&topic)?;
    for n in 1..=4 {
        sink.send(message(n, 100))?;
    }
    let inbox = Inbox::new(WIDE);
    let _subscription = pair.there.subscribe(&topic, &inbox)?;
    // The last two at least: a writer over DDS may give more of what it has not thrown away yet.
    let deadline = Instant::now() + PATIENCE;
    let came: Vec<u32> = std::iter::from_fn(|| inbox.wait(deadline))
        .map(|sample| number(&sample))
        .take_while(|n| *n < 4)
        .collect();
    assert!(came.ends_with(&[3]) && came.is_sorted(), "{came:?} came before the last");
    sink.send(message(5, 100))?;
    assert_eq!(take(&inbox, 1).iter().map(number).collect::<Vec<_>>(), [5]);
    Ok(())
}

fn qualities_are_compatible_or_not_heard(pair: &Pair) -> Result<(), Error> {
    let (weak, strong) = (topic("/quality", Qos::sensor()), topic("/quality", Qos::reliable(5)));
    let (easy, strict) = (Inbox::new(WIDE), Inbox::new(WIDE));
    let _easy = pair.there.subscribe(&weak, &easy)?;
    let strictly = pair.there.subscribe(&strong, &strict)?;
    let mut best_effort = pair.here.advertise(&weak)?;
    heard_by(&*best_effort, 1);
    heard_at_last(&mut *best_effort, &easy, 1);
    let mut reliable = pair.here.advertise(&strong)?;
    heard_by(&*reliable, 2);
    let sent = heard_at_last(&mut *reliable, &easy, 2);
    assert_eq!(take(&strict, sent).iter().map(number).collect::<Vec<_>>(), vec![2; sent]);
    assert_eq!(strictly.counts().received, sent as u64);
    Ok(())
}

/// Sends until one is heard and says how often: best effort promises nothing before the reader knows the publisher too, which the
/// publisher cannot see.
fn heard_at_last(sink: &mut dyn Sink, inbox: &Inbox, wanted: u32) -> usize {
    let mut sent = 0;
    until("best effort brings one", || {
        sink.send(message(wanted, 0)).expect("it is sent");
        sent += 1;
        let soon = Instant::now() + GRACE;
        std::iter::from_fn(|| inbox.wait(soon)).any(|sample| number(&sample) == wanted)
    });
    sent
}

fn a_full_inbox_drops_the_oldest(pair: &Pair) -> Result<(), Error> {
    let topic = topic("/full", Qos::reliable(20));
    let inbox = Inbox::new(Limit { samples: 3, bytes: 1 << 20 });
    let subscription = pair.there.subscribe(&topic, &inbox)?;
    let mut sink = pair.here.advertise(&topic)?;
    heard_by(&*sink, 1);
    for n in 1..=10 {
        sink.send(message(n, 0))?;
    }
    until("all have come", || subscription.counts().received == 10);
    assert_eq!(take(&inbox, 3).iter().map(number).collect::<Vec<_>>(), [8, 9, 10]);
    assert_eq!(subscription.counts(), Counts { received: 10, dropped: 7, lost: 0 });
    Ok(())
}

fn an_ended_subscription_is_silent(pair: &Pair) -> Result<(), Error> {
    let topic = topic("/ended", Qos::reliable(5));
    let (ended, going_on) = (Inbox::new(WIDE), Inbox::new(WIDE));
    let ends: Subscription = pair.there.subscribe(&topic, &ended)?;
    let _goes_on = pair.there.subscribe(&topic, &going_on)?;
    let mut sink = pair.here.advertise(&topic)?;
    heard_by(&*sink, 2);
    drop(ends);
    // r2r looks only when a message comes whether anybody still listens.
    until("the publisher knows that one is left", || {
        sink.send(message(1, 0)).expect("it is sent");
        sink.matched() == 1
    });
    sink.send(message(2, 0))?;
    let deadline = Instant::now() + PATIENCE;
    let last = std::iter::from_fn(|| going_on.wait(deadline)).find(|sample| number(sample) == 2);
    assert!(last.is_some(), "the other hears it all the same");
    assert!(ended.take().is_none());
    Ok(())
}

fn a_topic_with_two_types_is_reported(pair: &Pair) -> Result<(), Error> {
    let one = topic("/two_types", Qos::reliable(4));
    let other = Topic::new("/two_types", "std_msgs/msg/Header").with(Qos::sensor());
    let sinks = [pair.here.advertise(&one)?, pair.here.advertise(&other)?];
    let offer = || pair.there.offers().into_iter().find(|offer| offer.name == "/two_types");
    until("both types are known", || offer().is_some_and(|offer| offer.types.len() == 2));
    let offer = offer().expect("it was there a moment ago");
    assert!(offer.types.contains(&one.type_name) && offer.types.contains(&other.type_name));
    assert_eq!(offer.offered.len(), 2);
    assert!(offer.offered.iter().any(|qos| one.qos.accepts(qos)), "one publisher is reliable");
    drop(sinks);
    until("a topic goes with its publishers", || {
        pair.there.offers().iter().all(|offer| offer.name != "/two_types")
    });
    Ok(())
}

fn a_subscription_of_another_type_does_not_count(pair: &Pair) -> Result<(), Error> {
    let right = topic("/typed", Qos::reliable(4));
    let wrong = Topic::new("/typed", "std_msgs/msg/Header").with(Qos::reliable(4));
    let (heard, unheard) = (Inbox::new(WIDE), Inbox::new(WIDE));
    let _subscriptions = [pair.there.subscribe(&wrong, &unheard)?, pair.there.subscribe(&right, &heard)?];
    let mut sink = pair.here.advertise(&right)?;
    until("who understands it is there", || sink.matched() > 0);
    sink.send(message(7, 100))?;
    assert_eq!(take(&heard, 1)[0].cdr, message(7, 100));
    assert_eq!(sink.matched(), 1, "who would not understand it counts as a listener");
    assert!(unheard.take().is_none());
    Ok(())
}

fn five_megabytes_arrive(pair: &Pair) -> Result<(), Error> {
    let topic = topic("/large", Qos::reliable(1));
    let inbox = Inbox::new(WIDE);
    let _subscription = pair.there.subscribe(&topic, &inbox)?;
    let mut sink = pair.here.advertise(&topic)?;
    heard_by(&*sink, 1);
    let sent = message(9, 5 << 20);
    sink.send(sent.clone())?;
    assert!(take(&inbox, 1)[0].cdr == sent, "five megabytes came changed");
    Ok(())
}

fn a_relative_name_is_under_the_namespace(pair: &Pair) -> Result<(), Error> {
    let inbox = Inbox::new(WIDE);
    let _subscriptions = [
        pair.there.subscribe(&topic("/arm/plan", Qos::reliable(5)), &inbox)?,
        pair.there.subscribe(&topic("/arm/here/status", Qos::reliable(5)), &inbox)?,
    ];
    for name in ["plan", "~/status"] {
        let mut sink = pair.here.advertise(&topic(name, Qos::reliable(5)))?;
        heard_by(&*sink, 1);
        sink.send(message(1, 0))?;
        assert_eq!(take(&inbox, 1).len(), 1, "{name} was not heard");
    }
    Ok(())
}

fn a_bad_name_is_refused(pair: &Pair) -> Result<(), Error> {
    for bad in ["", "/a//b", "/1", "/a b", "/a/"] {
        let refused = pair.here.advertise(&topic(bad, Qos::default())).err();
        assert!(matches!(refused, Some(Error::Name { .. })), "{bad:?} was let through: {refused:?}");
    }
    Ok(())
}

fn publishers_are_known_by_name(pair: &Pair) -> Result<(), Error> {
    let _sink = pair.here.advertise(&topic("/whose", Qos::default()))?;
    let whose =
        || pair.there.offers().into_iter().find(|offer| offer.name == "/whose").map(|offer| offer.publishers);
    until("the node is known", || whose() == Some(vec!["/arm/here".to_owned()]));
    Ok(())
}

fn parameters_are_read_set_and_refused(pair: &Pair) -> Result<(), Error> {
    let declared = vec![
        Declared::new("rate_hz", Value::Double(30.0), "how often"),
        Declared::new("robot", Value::Text("so101".to_owned()), "which").read_only(),
    ];
    let parameters = Parameters::serve(&*pair.here, declared)?;
    let set = |name: &str, value: ParameterValue| {
        let parameter = apprentice::msg::rcl::Parameter { name: name.to_owned(), value };
        let request = SetParametersRequest { parameters: vec![parameter] };
        let answer =
            call_typed::<SetParameters>(&*pair.there, "/arm/here/set_parameters", &request, PATIENCE)?;
        Ok::<_, Error>(answer.results[0].clone())
    };
    let ten = ParameterValue { r#type: 3, double_value: 10.0, ..ParameterValue::default() };
    assert!(set("rate_hz", ten.clone())?.successful);
    assert_eq!(parameters.get("rate_hz"), Some(Value::Double(10.0)));
    let refused = set("robot", ten)?;
    assert_eq!((refused.successful, refused.reason.as_str()), (false, "\"robot\" is read-only"));
    Ok(())
}
