//! What an operator may count on: episodes begin and end when asked, hold what was said between, and note the rest.
//!
//! A real recorder runs on the bus of this process against a clock that the test owns: what is asserted is what a reader
//! finds in the bag, not what the recorder says of itself.

#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use apprentice::bag;
use apprentice::bus::typed::call_typed;
use apprentice::bus::{Bus, Node};
use apprentice::msg::own::Recording;
use apprentice::msg::rcl::{Parameter, ParameterType, ParameterValue, SetParameters, SetParametersRequest};
use apprentice::msg::std::{Clock, SetBool, SetBoolRequest, SetBoolResponse, Time};
use apprentice::msg::{Message, Service};
use apprentice::node::recorder::{Config, Ring, Session, Wanted, notes};
use apprentice::spec::{Name, Teach};
use apprentice::time::Stamp;
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
fn a_latched_message_is_in_every_episode() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut frames = stage.advertise("/tf_static", Qos::latched(1))?;
    frames.send(number(6))?;
    frames.send(number(7))?;
    stage.advance(Duration::from_secs(3600));
    let recorder = stage.record(topics(&["/tf_static"]), config(), session(out.path()))?;
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 1))?;
    for _ in 0..2 {
        stage.advance(Duration::from_secs(60));
        recorder.start()?;
        stage.advance(Duration::from_secs(1));
        assert!(recorder.stop(true)?.message.contains("1 messages in 1.0 s, "));
    }
    recorder.end()?;
    for (number, start_s) in [(0, 4660), (1, 4721)] {
        let mut read = Read::open(&episode(out.path(), number))?;
        assert_eq!(read.numbers("/tf_static")?, [7]);
        let received = read.samples("/tf_static")?[0].received;
        assert_eq!(received, Stamp(start_s * 1_000_000_000), "the bag does not span the hour before it");
    }
    Ok(())
}

#[test]
fn what_waits_when_an_episode_ends_is_still_its() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut arm = stage.advertise("/arm", Qos::reliable(10))?;
    let recorder = stage.record(topics(&["/arm"]), config(), session(out.path()))?;
    wait_until_heard(arm.as_ref())?;
    for round in 0..20 {
        (0..50).try_for_each(|_| arm.send(number(1000)))?;
        stage.advance(MS);
        recorder.start()?;
        (0..50).try_for_each(|i| arm.send(number(i)))?;
        recorder.stop(true)?;
        stage.advance(MS);
        let written = Read::open(&episode(out.path(), round))?.numbers("/arm")?;
        assert_eq!(written, (0..50).collect::<Vec<u64>>(), "of episode {round}");
    }
    recorder.end()?;
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
        patience::due_at(Instant::now() + MS / 10);
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
    recorder.status_where(|status| status.state == Recording::FAILED)?;
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
    let teach = Some(Teach::SetBool { service: Name::parse("/arm/freedrive")? });
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
    let teach = Some(Teach::SetBool { service: Name::parse("/arm/freedrive")? });
    let recorder = stage.record(topics(&["/arm"]), config(), Session { teach, ..session(out.path()) })?;
    let refused = recorder.trigger("start")?;
    assert!(!refused.success && refused.message.contains("joint 3 is hot"), "{refused:?}");
    assert!(!episode(out.path(), 0).exists());
    recorder.end()?;
    Ok(())
}

#[test]
fn the_next_episodes_task_may_be_told_as_a_parameter() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let today = Session { notes: [("task".to_owned(), "fold".to_owned())].into(), ..session(out.path()) };
    let recorder = stage.record(topics(&["/arm"]), config(), today)?;
    recorder.start()?;
    let value = ParameterValue {
        r#type: ParameterType::PARAMETER_STRING,
        string_value: "iron".to_owned(),
        ..ParameterValue::default()
    };
    let request = SetParametersRequest { parameters: vec![Parameter { name: "task".to_owned(), value }] };
    let set = "/recorder/set_parameters";
    let answer = call_typed::<SetParameters>(&stage.robot, set, &request, PATIENCE)?;
    assert!(answer.results[0].successful, "{answer:?}");
    recorder.stop(true)?;
    recorder.start()?;
    recorder.stop(true)?;
    recorder.end()?;
    assert_eq!(Read::open(&episode(out.path(), 0))?.note("task")?, "fold", "it was told while this one ran");
    let second = Read::open(&episode(out.path(), 1))?;
    assert_eq!([second.note("task")?, second.note(notes::PROMPT)?], ["iron", "iron"], "for rosetta too");
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
    // Dropped before its end, which is what a kill leaves.
    drop(writer);
    let recorder = stage.record(topics(&["/arm"]), config(), session(out.path()))?;
    recorder.start()?;
    recorder.stop(true)?;
    let outcome = recorder.end()?;
    assert_eq!(outcome.recovered, std::slice::from_ref(&torn));
    assert_eq!(outcome.kept[0].path, episode(out.path(), 1));
    assert_eq!(Read::open(&torn)?.numbers("/arm")?, (0..10).collect::<Vec<u64>>());
    Ok(())
}

#[test]
fn no_episode_begins_before_the_first_word_of_the_clock() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut arm = stage.advertise("/arm", Qos::reliable(10))?;
    let mut time = stage.robot.advertise(&Topic::new("/clock", Clock::TYPE))?;
    let told = || anyhow::Ok(Arc::new(stage.hub.join(Node::new("recorder", "")?).with_sim_time()?));
    let alone = Session { auto: true, ..session(out.path()) };
    let recorder =
        stage.record_from(told()?, topics(&["/arm"]), Config { wait_s: 0.2, ..config() }, alone)?;
    arm.send(number(0))?;
    let error = recorder.join().expect_err("there is no time").to_string();
    assert!(error.contains("\"/clock\""), "{error}");

    let ring = Config { ring: Ring { seconds: 5.0, ..Ring::default() }, ..config() };
    let recorder = stage.record_from(told()?, topics(&["/arm"]), ring, session(out.path()))?;
    for ask in ["start", "save_last"] {
        let refused = recorder.trigger(ask)?;
        assert!(!refused.success && refused.message.contains("/clock"), "{refused:?}");
    }
    time.send(Clock { clock: Time { sec: 7, nanosec: 0 } }.encode())?;
    patience::until("there is a time", PATIENCE, || Ok(recorder.trigger("start")?.success))?;
    wait_until_heard(arm.as_ref())?;
    arm.send(number(1))?;
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 1))?;
    assert!(recorder.stop(true)?.success);
    recorder.end()?;
    let came: Vec<Stamp> =
        Read::open(&episode(out.path(), 0))?.samples("/arm")?.iter().map(|sample| sample.received).collect();
    assert_eq!(came, [Stamp::from_parts(7, 0)]);
    Ok(())
}
