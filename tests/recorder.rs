//! What an operator may count on: episodes begin and end when asked, hold what was said between, and note the rest.

#![allow(
    clippy::result_large_err,
    reason = "closures answer with the bus's error, whose size is the bus's affair"
)]

#[path = "support/recording.rs"]
mod recording;

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use apprentice::bag;
use apprentice::bus::{Bus, Inbox, Limit};
use apprentice::msg::diagnostic::DiagnosticArray;
use apprentice::msg::own::Recording;
use apprentice::msg::std::{SetBool, SetBoolRequest, SetBoolResponse};
use apprentice::msg::{Message, Service};
use apprentice::node::recorder::{Config, Ring, Session, Teach, Wanted, notes};
use apprentice::spec::Expect;
use apprentice::time::{Clock, Stamp};
use apprentice::wire::{Qos, Sample, Topic};
use recording::{PATIENCE, Read, Stage, config, episode, number, session, topics, wait_until_heard};

const MS: Duration = Duration::from_millis(1);

#[test]
fn an_episode_holds_what_was_said_between_start_and_stop() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut arm = stage.advertise("/arm", Qos::reliable(10))?;
    let today = Session { notes: [("task".to_owned(), "fold".to_owned())].into(), ..session(out.path()) };
    let recorder = stage.record(topics(&["/arm"]), config(), today)?;
    wait_until_heard(arm.as_ref())?;
    arm.send(number(0))?;
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 1))?;
    recorder.start()?;
    for i in 1..=100 {
        stage.advance(10 * MS);
        arm.send(number(i))?;
    }
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 100))?;
    let answer = recorder.stop(true)?;
    assert!(answer.success && answer.message.contains("100 messages in 1.0 s"), "{answer:?}");
    let outcome = recorder.end()?;
    assert_eq!(outcome.kept.len(), 1);
    assert_eq!((outcome.kept[0].messages, outcome.kept[0].lost, outcome.failed), (100, 0, 0));

    let mut read = Read::open(&episode(out.path(), 0))?;
    assert_eq!(read.numbers("/arm")?, (1..=100).collect::<Vec<u64>>());
    assert_eq!(read.note("task")?, "fold");
    assert_eq!(read.note(notes::SUCCESS)?, "true");
    assert_eq!(read.note(notes::ENDED)?, "asked");
    assert_eq!(read.lost()?, serde_json::json!({"total": 0, "topics": {}}));
    assert!(read.alarms()?.is_empty());
    assert!(read.bag.definition("/arm").is_some_and(|text| text.contains("float64[] data")));
    assert!(read.bag.type_hash("/arm").is_some_and(|hash| hash.starts_with("RIHS01_")));
    Ok(())
}

#[test]
fn a_discarded_episode_is_gone_and_its_number_free() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let arm = stage.advertise("/arm", Qos::default())?;
    let recorder = stage.record(topics(&["/arm"]), config(), session(out.path()))?;
    wait_until_heard(arm.as_ref())?;
    recorder.start()?;
    assert!(episode(out.path(), 0).exists());
    assert!(recorder.trigger("discard")?.success);
    assert!(!episode(out.path(), 0).exists());
    recorder.start()?;
    assert!(recorder.stop(false)?.success);
    assert_eq!(Read::open(&episode(out.path(), 0))?.note(notes::SUCCESS)?, "false");
    assert_eq!(recorder.end()?.kept.len(), 1);
    Ok(())
}

#[test]
fn what_cannot_be_done_is_refused_in_words() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let recorder = stage.record(topics(&["/arm"]), config(), session(out.path()))?;
    assert_eq!(recorder.stop(true)?.message, "nothing is being recorded");
    assert!(!recorder.trigger("discard")?.success);
    let refused = recorder.trigger("save_last")?;
    assert!(!refused.success && refused.message.contains("record.ring.seconds"), "{refused:?}");
    recorder.start()?;
    assert!(!recorder.trigger("start")?.success, "an episode is running");
    recorder.end()?;
    Ok(())
}

#[test]
fn the_last_seconds_can_be_saved_after_the_fact() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut arm = stage.advertise("/arm", Qos::default())?;
    let ring = Ring { seconds: 2.0, ..Ring::default() };
    let recorder = stage.record(topics(&["/arm"]), Config { ring, ..config() }, session(out.path()))?;
    wait_until_heard(arm.as_ref())?;
    for i in 1..=1000 {
        stage.advance(10 * MS);
        arm.send(number(i))?;
    }
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 1000))?;
    assert!(recorder.trigger("save_last")?.success);
    recorder.end()?;
    let saved = Read::open(&episode(out.path(), 0))?.numbers("/arm")?;
    assert_eq!(saved, (800..=1000).collect::<Vec<u64>>(), "two seconds of a hundred a second");
    Ok(())
}

#[test]
fn an_episode_may_begin_with_what_the_ring_holds() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut arm = stage.advertise("/arm", Qos::default())?;
    let ring = Ring { seconds: 1.0, before_start: true, ..Ring::default() };
    let recorder = stage.record(topics(&["/arm"]), Config { ring, ..config() }, session(out.path()))?;
    wait_until_heard(arm.as_ref())?;
    for i in 1..=300 {
        stage.advance(10 * MS);
        arm.send(number(i))?;
    }
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 300))?;
    recorder.start()?;
    arm.send(number(301))?;
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 1))?;
    recorder.stop(true)?;
    recorder.end()?;
    assert_eq!(Read::open(&episode(out.path(), 0))?.numbers("/arm")?, (200..=301).collect::<Vec<u64>>());
    Ok(())
}

#[test]
fn without_an_operator_episodes_follow_each_other_until_there_are_enough() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    std::fs::create_dir(episode(out.path(), 6))?;
    let mut arm = stage.advertise("/arm", Qos::default())?;
    let today = Session {
        auto: true,
        episodes: Some(2),
        length: Some(Duration::from_secs(3)),
        ..session(out.path())
    };
    let recorder = stage.record(topics(&["/arm"]), config(), today)?;
    wait_until_heard(arm.as_ref())?;
    let deadline = Instant::now() + PATIENCE;
    let mut sent = 0;
    while arm.matched() > 0 && Instant::now() < deadline {
        // The robot's pace, a hundred times life's: one that ran away from the recorder would fill its inbox.
        stage.advance(10 * MS);
        arm.send(number(sent))?;
        sent += 1;
        std::thread::sleep(MS / 10);
    }
    let outcome = recorder.join()?;
    let paths: Vec<_> = outcome.kept.iter().map(|kept| kept.path.clone()).collect();
    assert_eq!(paths, [episode(out.path(), 7), episode(out.path(), 8)], "after the last, whatever it is");
    for kept in &outcome.kept {
        assert!((3000..3200).contains(&kept.length.as_millis()), "{kept:?}");
        assert_eq!(Read::open(&kept.path)?.note(notes::ENDED)?, "length");
    }
    Ok(())
}

#[test]
fn without_an_operator_a_topic_that_never_comes_is_an_error() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut arm = stage.advertise("/arm", Qos::default())?;
    let today = Session { auto: true, ..session(out.path()) };
    let config = Config { wait_s: 0.3, ..config() };
    let recorder = stage.record(topics(&["/arm", "/camera"]), config, today)?;
    wait_until_heard(arm.as_ref())?;
    arm.send(number(1))?;
    let error = recorder.join().expect_err("half of it is no demonstration");
    assert_eq!(error.to_string(), r#"nothing was received on ["/camera"] within 0.3 s"#);
    assert!(!episode(out.path(), 0).exists());
    Ok(())
}

#[test]
fn a_recorder_that_is_told_to_stop_keeps_the_running_episode() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut arm = stage.advertise("/arm", Qos::default())?;
    let recorder = stage.record(topics(&["/arm"]), config(), session(out.path()))?;
    wait_until_heard(arm.as_ref())?;
    recorder.start()?;
    arm.send(number(1))?;
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 1))?;
    assert_eq!(recorder.end()?.kept.len(), 1);
    let mut read = Read::open(&episode(out.path(), 0))?;
    assert_eq!(read.numbers("/arm")?, [1]);
    assert_eq!(read.note(notes::ENDED)?, "interrupted");
    Ok(())
}

#[test]
fn whatever_comes_late_is_recorded_too() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut arm = stage.advertise("/arm", Qos::reliable(10))?;
    let recorder = stage.record(Wanted { all: true, ..Wanted::default() }, config(), session(out.path()))?;
    wait_until_heard(arm.as_ref())?;
    recorder.start()?;
    arm.send(number(1))?;
    // A second publisher that offers less than the first, and a topic of a type that nobody here knows.
    let mut lesser = stage.advertise("/arm", Qos::sensor())?;
    let mut secret = stage.robot.advertise(&Topic::new("/secret", "nobody_msgs/msg/Secret"))?;
    wait_until_heard(lesser.as_ref())?;
    wait_until_heard(secret.as_ref())?;
    lesser.send(number(2))?;
    secret.send(number(3))?;
    recorder.status_where(|status| status.streams.iter().map(|stream| stream.received).sum::<u64>() == 3)?;
    recorder.stop(true)?;
    recorder.end()?;
    let mut read = Read::open(&episode(out.path(), 0))?;
    assert_eq!(read.numbers("/arm")?, [1, 2]);
    assert_eq!(read.numbers("/secret")?, [3]);
    assert!(read.bag.topics().iter().all(|topic| !topic.name.starts_with("/recorder")), "not itself");
    Ok(())
}

#[test]
fn an_arm_is_made_draggable_before_and_stiff_after() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let draggable = Arc::new(AtomicI32::new(0));
    let told = Arc::clone(&draggable);
    let answer = move |request| {
        let request = SetBoolRequest::decode(&request).expect("the recorder asks rightly");
        told.fetch_add(if request.data { 1 } else { -1 }, SeqCst);
        Ok(SetBoolResponse { success: true, message: String::new() }.encode())
    };
    let _served = stage.robot.serve("/arm/freedrive", SetBool::TYPE, Box::new(answer))?;
    let teach = Some(Teach::SetBool { service: "/arm/freedrive".to_owned() });
    let recorder = stage.record(topics(&["/arm"]), config(), Session { teach, ..session(out.path()) })?;
    recorder.start()?;
    assert_eq!(draggable.load(SeqCst), 1);
    recorder.stop(true)?;
    assert_eq!(draggable.load(SeqCst), 0);
    recorder.start()?;
    recorder.end()?;
    assert_eq!(draggable.load(SeqCst), 0, "also when the recorder is told to stop");
    Ok(())
}

#[test]
fn an_arm_that_stays_stiff_is_not_recorded() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let answer = |_| Ok(SetBoolResponse { success: false, message: "joint 3 is hot".to_owned() }.encode());
    let _served = stage.robot.serve("/arm/freedrive", SetBool::TYPE, Box::new(answer))?;
    let teach = Some(Teach::SetBool { service: "/arm/freedrive".to_owned() });
    let recorder = stage.record(topics(&["/arm"]), config(), Session { teach, ..session(out.path()) })?;
    let refused = recorder.trigger("start")?;
    assert!(!refused.success && refused.message.contains("joint 3 is hot"), "{refused:?}");
    assert!(!episode(out.path(), 0).exists());
    recorder.end()?;
    Ok(())
}

#[test]
fn status_and_diagnostics_say_what_is_recorded() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let inbox = Inbox::new(Limit { samples: 100, bytes: 1 << 20 });
    let topic = Topic::new("/diagnostics", DiagnosticArray::TYPE);
    let _subscription = stage.robot.subscribe(&topic, &inbox)?;
    let arm = stage.advertise("/arm", Qos::default())?;
    let recorder = stage.record(topics(&["/arm"]), config(), session(out.path()))?;
    wait_until_heard(arm.as_ref())?;
    recorder.start()?;
    let status = recorder.status_where(|status| status.state == Recording::RECORDING)?;
    assert_eq!(status.path, episode(out.path(), 0).display().to_string());
    assert_eq!(status.streams[0].topic, "/arm");
    assert_eq!(status.streams[0].r#type, "std_msgs/msg/Float64MultiArray");

    let late = Inbox::new(Limit { samples: 1, bytes: 1 });
    let topic = Topic::new("/recorder/status", Recording::TYPE).with(Qos::latched(1));
    let _late = stage.robot.subscribe(&topic, &late)?;
    assert!(late.take().is_some(), "one who comes late is told at once");
    let names = |sample: Sample| -> anyhow::Result<Vec<String>> {
        Ok(DiagnosticArray::decode(&sample.cdr)?.status.into_iter().map(|status| status.name).collect())
    };
    let said = inbox.wait(Instant::now() + PATIENCE).expect("a second is not long");
    assert_eq!(names(said)?, ["recorder: episode", "recorder: /arm"]);
    recorder.end()?;
    Ok(())
}

#[test]
fn every_message_that_found_no_room_is_in_the_account() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut arm = stage.advertise("/arm", Qos::default())?;
    // An inbox of no bytes holds one message: most of a burst is pushed out by the next.
    let config = Config { inbox_megabytes: 0, ..config() };
    let recorder = stage.record(topics(&["/arm"]), config, session(out.path()))?;
    wait_until_heard(arm.as_ref())?;
    recorder.start()?;
    let sent = 50_000;
    (0..sent).try_for_each(|i| arm.send(number(i)))?;
    let all = |status: &Recording| {
        status.streams.iter().any(|stream| stream.received == sent && stream.alarm == "lost")
    };
    recorder.status_where(all)?;
    recorder.stop(true)?;
    recorder.end()?;
    let mut read = Read::open(&episode(out.path(), 0))?;
    let there = read.numbers("/arm")?.len() as u64;
    let lost = read.lost()?;
    assert!(there < sent, "the burst was no burst");
    assert_eq!(lost["total"], sent - there);
    assert_eq!(lost["topics"]["/arm"]["inbox"], sent - there);
    Ok(())
}

#[test]
fn each_alarm_is_said_within_a_second_and_named_in_the_bag() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let names = ["/silent", "/half", "/backwards", "/well"];
    let mut cameras: Vec<_> =
        names.iter().map(|name| stage.advertise_stamped(name)).collect::<Result<_, _>>()?;
    let expect = names.iter().map(|name| Expect { rate_hz: Some(30.0), ..Expect::any(*name) }).collect();
    let recorder = stage.record(Wanted { expect, all: false }, config(), session(out.path()))?;
    cameras.iter().try_for_each(|camera| wait_until_heard(camera.as_ref()))?;
    recorder.start()?;
    let start = stage.clock.now();
    for frame in 0..300_i64 {
        let second = frame as f64 / 30.0;
        stage.clock.tell(start + Duration::from_secs_f64(second));
        let now = stage.clock.now();
        if !(4.0..6.0).contains(&second) {
            cameras[0].send(recording::stamped(now))?;
        }
        if second < 4.0 || frame % 2 == 0 {
            cameras[1].send(recording::stamped(now))?;
        }
        let jumped = Stamp(now.0 - if frame >= 120 { 500_000_000 } else { 0 });
        cameras[2].send(recording::stamped(jumped))?;
        cameras[3].send(recording::stamped(now))?;
    }
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 300))?;
    recorder.stop(true)?;
    recorder.end()?;
    let noted = Read::open(&episode(out.path(), 0))?.alarms()?;
    let [silent, half, backwards] = &noted[..] else { panic!("{noted:?}") };
    assert_eq!((silent.topic.as_str(), silent.alarm.to_string().as_str()), ("/silent", "silent"));
    assert_eq!((half.topic.as_str(), half.alarm.to_string().as_str()), ("/half", "slow"));
    assert_eq!((backwards.topic.as_str(), backwards.alarm.to_string().as_str()), ("/backwards", "backwards"));
    for alarm in &noted {
        assert!((4.0..5.0).contains(&alarm.said_s), "{alarm:?} was not said within a second");
    }
    assert!((1.9..2.2).contains(&silent.lasted_s), "{silent:?}");
    assert!(half.lasted_s > 4.9, "it was slow to the end: {half:?}");
    Ok(())
}

#[test]
fn what_an_earlier_recorder_was_torn_from_is_made_whole_at_the_start() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let torn = episode(out.path(), 0);
    let topic = Arc::new(Topic::new("/arm", "std_msgs/msg/Float64MultiArray"));
    let mut writer = bag::create(&torn, &bag::Options::default())?;
    writer.declare(&topic, "", "")?;
    for i in 0..10 {
        let received = Stamp(1_000_000_000 + i);
        let cdr = number(i as u64);
        writer.write(&Sample {
            topic: Arc::clone(&topic),
            received,
            sent: None,
            publisher: None,
            sequence: None,
            cdr,
        })?;
    }
    writer.flush()?;
    // As a kill does: nothing is ended, nothing is dropped.
    std::mem::forget(writer);
    let recorder = stage.record(topics(&["/arm"]), config(), session(out.path()))?;
    recorder.start()?;
    recorder.stop(true)?;
    let outcome = recorder.end()?;
    assert_eq!(outcome.recovered, std::slice::from_ref(&torn));
    assert_eq!(outcome.kept[0].path, episode(out.path(), 1));
    assert_eq!(Read::open(&torn)?.numbers("/arm")?, (0..10).collect::<Vec<u64>>());
    Ok(())
}
