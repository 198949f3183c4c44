//! What a recorder does when the world breaks: the disk fills, its folder vanishes, somebody else is at work there.
//!
//! The disk that fills is a real one, a small file system in memory: how a write fails, and what is left of the file, is the
//! kernel's to say and no stand-in for it would know.

#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;
#[path = "support/small_disk.rs"]
mod small_disk;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use apprentice::bus::Sink;
use apprentice::msg::own::Recording;
use apprentice::node::recorder::{self, Config, Session, notes};
use apprentice::wire::Qos;
use bytes::Bytes;
use recording::{Read, Stage, config, episode, number, session, topics, wait_until_heard};
use small_disk::SmallDisk;

/// A message of a megabyte that begins with a number.
fn large(i: u64) -> Bytes {
    let mut bytes = number(i).to_vec();
    bytes.resize(1 << 20, 0);
    Bytes::from(bytes)
}

/// Sends a megabyte every two milliseconds until the recorder says that the episode failed.
fn fill(stage: &Stage, recorder: &recording::Recorder, camera: &mut dyn Sink) -> anyhow::Result<()> {
    for i in 0..5000 {
        stage.advance(Duration::from_millis(10));
        camera.send(large(i))?;
        if recorder.said()?.iter().any(|status| status.state == Recording::FAILED) {
            return Ok(());
        }
        // The camera's pace, well below what memory takes.
        patience::due_at(Instant::now() + Duration::from_millis(2));
    }
    anyhow::bail!("the disk was never full")
}

/// The numbers in an episode are those sent, from the first on, without a hole.
fn is_whole_from_the_start(path: &Path) -> anyhow::Result<u64> {
    let numbers = Read::open(path)?.numbers("/camera")?;
    ensure!(numbers.iter().copied().eq(0..numbers.len() as u64), "there is a hole in {numbers:?}");
    Ok(numbers.len() as u64)
}

fn a_disk_fills_up(test: &str, config: Config, expected_end: &str) -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let Some(disk) = SmallDisk::mount(test, out.path(), "64m") else { return Ok(()) };
    let stage = Stage::new()?;
    let mut camera = stage.advertise("/camera", Qos::default())?;
    let recorder = stage.record(topics(&["/camera"]), config, session(out.path()))?;
    wait_until_heard(camera.as_ref())?;

    recorder.start()?;
    fill(&stage, &recorder, camera.as_mut())?;
    let full = episode(out.path(), 0);
    let held = is_whole_from_the_start(&full)?;
    assert!((20..64).contains(&held), "{held} MB of 64 were used");
    let read = Read::open(&full)?;
    assert_eq!(read.note(notes::ENDED)?, expected_end);
    drop(read);

    let rest = out.path().join("somebody else's");
    let mut filler = std::fs::File::create(&rest)?;
    while filler.write_all(&[1; 1 << 16]).is_ok() {}
    let refused = recorder.trigger("start")?;
    assert!(!refused.success, "an episode began on a full disk: {}", refused.message);
    assert!(!episode(out.path(), 1).exists());

    std::fs::remove_file(&rest)?;
    std::fs::remove_dir_all(&full)?;
    recorder.start()?;
    for i in 0..10 {
        camera.send(large(i))?;
    }
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 10))?;
    let answer = recorder.stop(true)?;
    assert!(answer.success, "{answer:?}");
    let outcome = recorder.end()?;
    assert_eq!((outcome.kept.len(), outcome.failed), (2, 1));
    assert_eq!(is_whole_from_the_start(&outcome.kept[1].path)?, 10);
    drop(disk);
    Ok(())
}

#[test]
fn a_disk_that_runs_low_ends_the_episode_in_order() -> anyhow::Result<()> {
    a_disk_fills_up(
        "a_disk_that_runs_low_ends_the_episode_in_order",
        Config { min_free_megabytes: 20, ..config() },
        "disk full",
    )
}

#[test]
fn a_disk_that_is_full_leaves_a_readable_episode_and_the_next_is_clean() -> anyhow::Result<()> {
    a_disk_fills_up(
        "a_disk_that_is_full_leaves_a_readable_episode_and_the_next_is_clean",
        config(),
        "disk full",
    )
}

#[test]
fn a_folder_that_vanishes_fails_the_episode_and_not_the_next() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let folder = out.path().join("demos");
    let mut camera = stage.advertise("/camera", Qos::default())?;
    let recorder = stage.record(topics(&["/camera"]), config(), session(&folder))?;
    wait_until_heard(camera.as_ref())?;
    recorder.start()?;
    camera.send(large(0))?;
    std::fs::remove_dir_all(&folder)?;
    recorder.status_where(|status| status.state == Recording::FAILED)?;

    let refused = recorder.trigger("start")?;
    assert!(!refused.success && refused.message.contains("demos"), "{refused:?}");
    assert!(!folder.exists(), "a folder that somebody took away is not made again behind their back");
    std::fs::create_dir(&folder)?;
    recorder.start()?;
    camera.send(large(0))?;
    recorder.status_where(|status| status.streams.iter().any(|stream| stream.received == 1))?;
    assert!(recorder.stop(true)?.success);
    let outcome = recorder.end()?;
    assert_eq!((outcome.kept.len(), outcome.failed), (1, 1));
    assert_eq!(is_whole_from_the_start(&outcome.kept[0].path)?, 1);
    Ok(())
}

#[test]
fn a_second_recorder_in_the_same_folder_is_refused() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let (here, there) = (Stage::new()?, Stage::new()?);
    let first = here.record(topics(&["/camera"]), config(), session(out.path()))?;
    first.status_where(|status| status.state == Recording::IDLE)?;
    let second = there.record(topics(&["/camera"]), config(), session(out.path()))?;
    let refused = second.join().expect_err("they would number each other's episodes");
    assert!(refused.to_string().contains("another recorder writes into"), "{refused}");
    first.end()?;
    Ok(())
}

#[test]
fn without_an_operator_trouble_ends_the_session_with_an_error() -> anyhow::Result<()> {
    let (stage, out) = (Stage::new()?, tempfile::tempdir()?);
    let mut camera = stage.advertise("/camera", Qos::default())?;
    let config = Config { min_free_megabytes: u64::MAX / 2_000_000, ..config() };
    let today = Session { auto: true, ..session(out.path()) };
    let recorder = stage.record(topics(&["/camera"]), config, today)?;
    wait_until_heard(camera.as_ref())?;
    camera.send(large(0))?;
    let error = recorder.join().expect_err("nobody is there to make room");
    assert!(matches!(error.downcast_ref(), Some(recorder::Error::Space { .. })), "{error}");
    Ok(())
}
