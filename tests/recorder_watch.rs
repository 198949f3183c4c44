//! What a recorder says about the topics it records: alarms, losses, status and diagnostics.
//!
//! An alarm that comes late or stays is worse than none: so each is held to its time and has to be in the bag as well, where
//! it is still known when the recording is learned from.

#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;

use std::time::{Duration, Instant};

use apprentice::bus::{Bus, Inbox, Limit};
use apprentice::msg::Message;
use apprentice::msg::diagnostic::DiagnosticArray;
use apprentice::msg::own::Recording;
use apprentice::node::recorder::{Config, Wanted};
use apprentice::spec::Expect;
use apprentice::time::{Clock, Stamp};
use apprentice::wire::{Qos, Sample, Topic};
use recording::{PATIENCE, Read, Stage, config, episode, number, session, topics, wait_until_heard};

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
