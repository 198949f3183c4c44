//! ROS 2 through r2r: its traps, each with a test that falls in where we do.
//!
//! What every bus keeps is in `bus_contract.rs`. Here is what r2r does that its users meet as lost messages, a busy
//! processor or a node that hangs; each test runs in a process and a domain of its own.

use std::fs;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use apprentice::bus::{Bus, Counts, Error, Inbox, Kind, Limit, Options, open};
use apprentice::msg::Message;
use apprentice::msg::Service;
use apprentice::msg::std::{Clock, Time, Trigger, TriggerRequest, TriggerResponse};
use apprentice::time::Stamp;
use apprentice::wire::{Qos, Sample, Topic};
use bytes::Bytes;

use crate::alone::alone;
use crate::patience;

/// Far longer than anything here takes, so that only a defect reaches it, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);
const WIDE: Limit = Limit { samples: 10_000, bytes: 64 << 20 };

fn join(node: &str) -> Result<Arc<dyn Bus>, Error> {
    open(&Options { kind: Kind::Ros, node: node.to_owned(), ..Options::default() })
}

fn message(number: u32) -> Bytes {
    let mut cdr = vec![0, 1, 0, 0];
    cdr.extend(number.to_le_bytes());
    cdr.into()
}

fn topic(name: &str) -> Topic {
    Topic::new(name, "std_msgs/msg/String").with(Qos::reliable(1000))
}

fn until(what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
    patience::until(what, PATIENCE, || Ok(condition()))
}

fn take(inbox: &Inbox, count: usize) -> Vec<Sample> {
    let deadline = Instant::now() + PATIENCE;
    (0..count).map_while(|_| inbox.wait(deadline)).collect()
}

#[test]
fn a_burst_of_which_r2r_would_drop_the_newest_comes_whole() -> Result<()> {
    if !alone("traps::a_burst_of_which_r2r_would_drop_the_newest_comes_whole")? {
        return Ok(());
    }
    let (here, there) = (join("here")?, join("there")?);
    let inbox = Inbox::new(WIDE);
    let subscription = there.subscribe(&topic("/burst"), &inbox)?;
    let mut sink = here.advertise(&topic("/burst"))?;
    until("it is heard", || sink.matched() == 1)?;
    // Nobody takes while it comes: r2r's own channel holds eleven.
    for number in 0..500 {
        sink.send(message(number))?;
    }
    until("all have come", || subscription.counts().received == 500)?;
    assert!(take(&inbox, 500).iter().map(|sample| sample.cdr.clone()).eq((0..500).map(message)));
    assert_eq!(subscription.counts(), Counts { received: 500, dropped: 0, lost: 0 });
    Ok(())
}

#[test]
fn what_r2r_does_not_pass_on_is_not_made_up() -> Result<()> {
    if !alone("traps::what_r2r_does_not_pass_on_is_not_made_up")? {
        return Ok(());
    }
    let (here, there) = (join("here")?, join("there")?);
    let inbox = Inbox::new(WIDE);
    let _subscription = there.subscribe(&topic("/from"), &inbox)?;
    let mut sink = here.advertise(&topic("/from"))?;
    until("it is heard", || sink.matched() == 1)?;
    sink.send(message(1))?;
    let sample = take(&inbox, 1).pop().context("it came")?;
    assert_eq!((sample.sent, sample.publisher, sample.sequence), (None, None, None));
    Ok(())
}

/// Ticks of the processor that the threads of that name took so far, and how many such threads there are.
fn ticks_of(name: &str) -> Result<(u64, usize)> {
    let (mut ticks, mut threads) = (0, 0);
    for thread in fs::read_dir("/proc/self/task")? {
        let Ok(stat) = fs::read_to_string(thread?.path().join("stat")) else { continue };
        let (named, rest) = stat.rsplit_once(") ").context("a line of stat")?;
        if named.split_once('(').is_some_and(|(_, thread)| thread == name) {
            // User and system time are the 14th and 15th of all, the 12th and 13th behind the name.
            let times = rest.split(' ').skip(11).take(2);
            ticks += times.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
            threads += 1;
        }
    }
    Ok((ticks, threads))
}

#[test]
fn a_node_with_nothing_to_wait_for_does_not_spin() -> Result<()> {
    if !alone("traps::a_node_with_nothing_to_wait_for_does_not_spin")? {
        return Ok(());
    }
    let _idle = join("idle")?;
    let (before, threads) = ticks_of("bus ros")?;
    assert!(threads >= 1, "and those of the middleware that it started");
    // Nothing comes, so this waits a second.
    assert!(Inbox::new(WIDE).wait(Instant::now() + Duration::from_secs(1)).is_none());
    let took = ticks_of("bus ros")?.0 - before;
    assert!(took <= 20, "a node without anything to do took {took} of 100 ticks");
    Ok(())
}

#[test]
fn an_answer_that_takes_its_time_holds_up_no_message() -> Result<()> {
    if !alone("traps::an_answer_that_takes_its_time_holds_up_no_message")? {
        return Ok(());
    }
    let (here, there) = (join("here")?, join("there")?);
    let (go_on, held) = sync_channel::<()>(0);
    let (tell, asked) = sync_channel::<()>(1);
    let answer = move |_| {
        tell.send(()).expect("it is waited for");
        held.recv_timeout(PATIENCE).expect("it is let go on");
        Ok(TriggerResponse { success: true, message: "at last".to_owned() }.encode())
    };
    let _served = here.serve("/slow", Trigger::TYPE, Box::new(answer))?;
    let inbox = Inbox::new(WIDE);
    let _subscription = here.subscribe(&topic("/beside"), &inbox)?;
    let mut sink = there.advertise(&topic("/beside"))?;
    until("it is heard", || sink.matched() == 1)?;
    let caller = Arc::clone(&there);
    let calling =
        std::thread::spawn(move || caller.call("/slow", Trigger::TYPE, TriggerRequest {}.encode(), PATIENCE));
    asked.recv_timeout(PATIENCE)?;
    sink.send(message(7))?;
    assert_eq!(take(&inbox, 1)[0].cdr, message(7), "it was held up by the answer");
    go_on.send(())?;
    let said = calling.join().expect("the caller ends")?;
    assert_eq!(TriggerResponse::decode(&said)?.message, "at last");
    Ok(())
}

#[test]
fn a_type_that_was_not_bound_is_refused_by_name() -> Result<()> {
    if !alone("traps::a_type_that_was_not_bound_is_refused_by_name")? {
        return Ok(());
    }
    let here = join("here")?;
    let unknown = Topic::new("/odd", "somebody_msgs/msg/Odd");
    let refused = here.subscribe(&unknown, &Inbox::new(WIDE)).expect_err("it is not bound").to_string();
    assert!(refused.contains("\"/odd\"") && refused.contains("\"somebody_msgs/msg/Odd\""), "{refused}");
    let refused = here.advertise(&unknown).err().context("it is not bound")?.to_string();
    assert!(refused.contains("\"/odd\""), "{refused}");
    let refused = here.call("/odd", "somebody_msgs/srv/Odd", Bytes::new(), PATIENCE);
    assert!(refused.expect_err("it is not bound").to_string().contains("\"somebody_msgs/srv/Odd\""));
    Ok(())
}

#[test]
fn a_domain_that_ros_cannot_be_told_is_refused() -> Result<()> {
    if !alone("traps::a_domain_that_ros_cannot_be_told_is_refused")? {
        return Ok(());
    }
    let options = Options { kind: Kind::Ros, node: "n".to_owned(), ..Options::default() };
    let elsewhere = Options { domain: Some((options.domain()? + 1) % 200), ..options.clone() };
    for refused in [elsewhere, Options { leave_host: true, ..options }] {
        let error = open(&refused).err().context("ROS 2 was promised what it was not told")?;
        let why = std::error::Error::source(&error).context("it says why")?.to_string();
        assert!(why.contains("ROS_DOMAIN_ID") || why.contains("ROS_LOCALHOST_ONLY"), "{why}");
    }
    Ok(())
}

#[test]
fn time_is_what_clock_says_where_it_is_asked_for() -> Result<()> {
    if !alone("traps::time_is_what_clock_says_where_it_is_asked_for")? {
        return Ok(());
    }
    let simulated =
        Options { kind: Kind::Ros, node: "by_clock".to_owned(), sim_time: true, ..Options::default() };
    let (here, world) = (open(&simulated)?, join("world")?);
    assert_eq!(here.clock().now(), Stamp(0), "before /clock says anything");
    let mut clock = world.advertise(&Topic::new("/clock", Clock::TYPE).with(Qos::sensor()))?;
    until("it is heard", || clock.matched() >= 1)?;
    let said = Clock { clock: Time { sec: 12, nanosec: 34 } };
    until("it is that time", || {
        clock.send(said.encode()).expect("it is sent");
        here.clock().now() == Stamp::from_parts(12, 34)
    })
}

#[test]
fn a_node_that_ended_is_gone_for_others_at_once() -> Result<()> {
    if !alone("traps::a_node_that_ended_is_gone_for_others_at_once")? {
        return Ok(());
    }
    let there = join("there")?;
    let threads = ticks_of("bus ros")?.1;
    let here = join("here")?;
    let sink = here.advertise(&topic("/gone"))?;
    let known = || there.offers().iter().any(|offer| offer.name == "/gone");
    until("it is known", known)?;
    drop(sink);
    drop(here);
    assert_eq!(ticks_of("bus ros")?.1, threads, "the thread of the node is still there");
    until("it is gone", || !known())
}
