//! What belongs to an episode when it ends, and what no longer does: losses, the ring, the count of those wanted.
//!
//! Between the end of an episode and the moment its bag is whole the recorder goes on listening. The tests stop it there, in
//! the service that makes the arm stiff again, and let happen what must not be found in the bag.

#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;

use std::sync::Mutex;
use std::time::Duration;

use apprentice::bus::Bus;
use apprentice::msg::own::Recording;
use apprentice::msg::std::{SetBool, SetBoolRequest, SetBoolResponse};
use apprentice::msg::{Message, Service};
use apprentice::node::recorder::{Config, Ring, Session};
use apprentice::spec::{Name, Teach};
use apprentice::wire::Qos;
use bytes::Bytes;
use recording::{Read, Stage, config, episode, number, session, topics, wait_until_heard};

/// A message of so many bytes that begins with a number.
fn padded(i: u64, bytes: usize) -> Bytes {
    let mut message = number(i).to_vec();
    message.resize(bytes, 0);
    Bytes::from(message)
}

#[test]
fn what_is_lost_after_an_episodes_end_is_not_noted_in_it() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut arm = stage.advertise("/arm", Qos::reliable(10))?;
    let flood = Mutex::new(stage.advertise("/arm", Qos::reliable(10))?);
    let answer = move |request: Bytes| {
        let request = SetBoolRequest::decode(&request).expect("the recorder asks rightly");
        if !request.data {
            // The recorder waits for this answer and takes nothing meanwhile: a megabyte holds four of these.
            let mut flood = flood.lock().expect("nobody panics with it");
            (0..20).for_each(|i| flood.send(padded(100 + i, 250_000)).expect("the bus takes it"));
        }
        Ok(SetBoolResponse { success: true, message: String::new() }.encode())
    };
    let _served = stage.robot.serve("/arm/freedrive", SetBool::TYPE, Box::new(answer))?;
    let teach = Some(Teach::SetBool { service: Name::parse("/arm/freedrive")? });
    let small = Config { inbox_megabytes: 1, ..config() };
    let recorder = stage.record(topics(&["/arm"]), small, Session { teach, ..session(out.path()) })?;
    wait_until_heard(arm.as_ref())?;
    recorder.start()?;
    arm.send(number(1))?;
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 1))?;
    assert!(recorder.stop(true)?.message.ends_with(", 0 lost"));
    // That something was lost is seen once the bag is whole.
    let lost = |status: &Recording| status.streams.iter().any(|stream| stream.lost == 16);
    recorder.status_where(lost)?;
    recorder.start()?;
    assert!(recorder.stop(true)?.message.ends_with(", 0 lost"), "nor is it the next one's");
    let outcome = recorder.end()?;
    assert_eq!(outcome.kept.iter().map(|kept| kept.lost).collect::<Vec<_>>(), [0, 0]);
    let mut read = Read::open(&episode(out.path(), 0))?;
    assert_eq!(read.lost()?, serde_json::json!({"total": 0, "topics": {}}));
    assert_eq!(read.numbers("/arm")?, [1]);
    Ok(())
}

#[test]
fn what_the_ring_holds_is_saved_whole_through_a_queue_that_is_smaller() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut camera = stage.advertise("/camera", Qos::reliable(10))?;
    let ring = Ring { seconds: 60.0, megabytes: 40, ..Ring::default() };
    let small = Config { ring, queue_megabytes: 1, ..config() };
    let recorder = stage.record(topics(&["/camera"]), small, session(out.path()))?;
    wait_until_heard(camera.as_ref())?;
    for i in 0..20 {
        stage.advance(Duration::from_millis(10));
        camera.send(padded(i, 1_000_000))?;
    }
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 20))?;
    assert!(recorder.trigger("save_last")?.success);
    let outcome = recorder.end()?;
    assert_eq!((outcome.kept[0].messages, outcome.kept[0].lost), (20, 0));
    assert_eq!(Read::open(&episode(out.path(), 0))?.numbers("/camera")?, (0..20).collect::<Vec<u64>>());
    Ok(())
}

#[test]
fn an_episode_that_vanished_is_not_one_of_those_wanted() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut arm = stage.advertise("/arm", Qos::reliable(10))?;
    let today = Session { episodes: Some(2), ..session(out.path()) };
    let recorder = stage.record(topics(&["/arm"]), config(), today)?;
    wait_until_heard(arm.as_ref())?;
    let mut start = |i| -> anyhow::Result<()> {
        recorder.start()?;
        arm.send(number(i))?;
        recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 1)).map(drop)
    };
    start(0)?;
    assert!(recorder.stop(true)?.success);
    start(1)?;
    std::fs::remove_dir_all(episode(out.path(), 1))?;
    recorder.status_where(|status| status.state == Recording::FAILED)?;
    start(2)?;
    assert!(recorder.stop(true)?.success);
    // Two are kept, so it ends by itself.
    let outcome = recorder.join()?;
    assert_eq!((outcome.kept.len(), outcome.failed), (2, 1), "{outcome:?}");
    Ok(())
}
