//! The cache of decoded recordings: found again, never stale, never half, made anew when damaged.
//!
//! Nobody looks into a cache, so that it must not be possible for it to be wrong: whatever happens to its files, what comes out is
//! what decoding gives, or an error.

#[path = "support/demonstrations.rs"]
mod demonstrations;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/small_disk.rs"]
mod small_disk;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use apprentice::data::{Config, Dataset, Interventions, Observation};
use apprentice::noise::Noise;
use demonstrations::{Scratch, demonstration};
use patience::until;
use small_disk::SmallDisk;

/// Far longer than a cache takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Says to the child process of a test which folder is meant.
const FOLDER: &str = "APPRENTICE_TEST_FOLDER";

fn all(dataset: &Dataset) -> anyhow::Result<Vec<Observation>> {
    let ticks = dataset
        .episodes
        .iter()
        .enumerate()
        .flat_map(|(number, episode)| (0..episode.ticks).map(move |tick| (number, tick)));
    Ok(ticks.map(|(episode, tick)| dataset.observation(episode, tick)).collect::<Result<_, _>>()?)
}

/// How many bytes there are in the cache; none where it is not there yet.
fn written(scratch: &Scratch) -> anyhow::Result<u64> {
    let Ok(files) = fs::read_dir(scratch.cache()) else { return Ok(0) };
    // A draft may get its name while it is looked at.
    Ok(files.filter_map(|file| file.ok()?.metadata().ok()).map(|file| file.len()).sum())
}

/// The files in the cache, and of them those that are not whole.
fn files(scratch: &Scratch) -> anyhow::Result<(Vec<PathBuf>, usize)> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(scratch.cache())? {
        files.push(entry?.path());
    }
    files.sort();
    let drafts = files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "part")).count();
    Ok((files, drafts))
}

fn three() -> anyhow::Result<Scratch> {
    let mut scratch = Scratch::new()?;
    for _ in 0..3 {
        scratch.add(&demonstration(600), &[])?;
    }
    Ok(scratch)
}

#[test]
fn what_was_decoded_is_found_again_and_is_the_same() -> anyhow::Result<()> {
    let scratch = three()?;
    let first = scratch.open(&Config::default())?;
    let second = scratch.open(&Config::default())?;
    assert_eq!((first.summary().decoded, second.summary().decoded), (3, 0));
    assert_eq!(all(&first)?, all(&second)?);
    assert_eq!((first.actions(1), first.drivers(1)), (second.actions(1), second.drivers(1)));
    assert_eq!(first.summary().heard, second.summary().heard, "what is told of them is kept too");
    assert_eq!(files(&scratch)?.0.len(), 3);
    Ok(())
}

#[test]
fn a_bag_that_moved_was_copied_or_was_labelled_is_found_again_and_a_changed_one_is_not() -> anyhow::Result<()>
{
    let mut scratch = three()?;
    scratch.open(&Config::default())?;
    let moved = scratch.folder.path().join("elsewhere");
    fs::rename(&scratch.bags[0], &moved)?;
    scratch.bags[0] = moved;
    // Another file of another time, with the same in it.
    let copy = scratch.folder.path().join("copy");
    fs::create_dir(&copy)?;
    for entry in fs::read_dir(&scratch.bags[2])? {
        let file = entry?;
        fs::write(copy.join(file.file_name()), fs::read(file.path())?)?;
    }
    let whole = std::mem::replace(&mut scratch.bags[2], copy);
    let label = [("quality".to_owned(), "0.5".to_owned())].into_iter().collect();
    apprentice::bag::label(&scratch.bags[1], &label)?;
    assert_eq!(scratch.open(&Config::default())?.summary().decoded, 0);
    scratch.bags[2] = whole;
    let mut config = Config::default();
    config.actions.offset_ms = 10.0;
    assert_eq!(scratch.open(&config)?.summary().decoded, 3);
    let config = Config { interventions: Interventions::All, ..Config::default() };
    assert_eq!(scratch.open(&config)?.summary().decoded, 3);
    fs::remove_dir_all(&scratch.bags[2])?;
    demonstrations::write(&scratch.bags[2], &demonstration(800), &[])?;
    assert_eq!(scratch.open(&Config::default())?.summary().decoded, 1);
    Ok(())
}

#[test]
fn a_damaged_file_is_made_anew_wherever_it_is_damaged() -> anyhow::Result<()> {
    let scratch = three()?;
    let whole = all(&*scratch.open(&Config::default())?)?;
    let path = files(&scratch)?.0.remove(0);
    let bytes = fs::read(&path)?;
    let mut noise = Noise::new(1);
    for round in 0..40 {
        let mut damaged = bytes.clone();
        let place = noise.below(bytes.len());
        match round % 3 {
            0 => damaged[place] ^= 1 << noise.below(8),
            1 => damaged.truncate(place),
            _ => damaged.extend_from_slice(&bytes[place..]),
        }
        if damaged == bytes {
            continue;
        }
        fs::write(&path, &damaged)?;
        let dataset = scratch.open(&Config::default())?;
        assert_eq!(dataset.summary().decoded, 1, "round {round} at {place}");
        assert_eq!(all(&dataset)?, whole, "round {round} at {place}");
        assert_eq!(fs::read(&path)?, bytes, "round {round}: what is made anew is the same");
    }
    Ok(())
}

#[test]
fn a_file_that_is_cut_while_it_is_read_is_an_error() -> anyhow::Result<()> {
    let scratch = three()?;
    let dataset = scratch.open(&Config::default())?;
    for path in files(&scratch)?.0 {
        fs::OpenOptions::new().write(true).open(&path)?.set_len(100)?;
    }
    let error = dataset.observation(0, 3).expect_err("its picture is gone").to_string();
    assert!(error.ends_with("it became shorter; it is made anew the next time"), "{error}");
    Ok(())
}

/// Not a test of its own: what a second process does, whose folder it is told.
#[test]
#[ignore = "a part of other tests, run by them in a process of its own"]
fn another_process() -> anyhow::Result<()> {
    let Ok(folder) = std::env::var(FOLDER) else { return Ok(()) };
    let mut scratch = Scratch::new()?;
    scratch.bags = bags(&PathBuf::from(&folder))?;
    let apprentice::config::Settings { robot, observe, act, .. } = &scratch.settings;
    let subject =
        apprentice::data::Subject { robot, observe, act: act.as_ref().expect("the robot is moved") };
    let cache = PathBuf::from(folder).join("cache");
    Dataset::open(&scratch.bags, subject, &Config::default(), &cache, &|_| {})?;
    Ok(())
}

fn bags(folder: &std::path::Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut bags = Vec::new();
    for entry in fs::read_dir(folder)? {
        bags.push(entry?.path());
    }
    bags.retain(|path| path.join("metadata.yaml").exists());
    bags.sort();
    Ok(bags)
}

fn start(scratch: &Scratch) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--exact", "another_process", "--ignored"]).env(FOLDER, scratch.folder.path());
    Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

#[test]
fn two_processes_may_make_the_same_cache_at_once() -> anyhow::Result<()> {
    let mut scratch = three()?;
    for _ in 0..5 {
        scratch.add(&demonstration(3000), &[])?;
    }
    for _ in 0..5 {
        fs::remove_dir_all(scratch.cache()).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        let mut others = [start(&scratch)?, start(&scratch)?];
        let here = scratch.open(&Config::default())?;
        for other in &mut others {
            assert!(other.wait()?.success(), "the other process failed");
        }
        assert_eq!(all(&here)?, all(&*scratch.open(&Config::default())?)?);
        assert_eq!((files(&scratch)?.0.len(), files(&scratch)?.1), (8, 0));
    }
    Ok(())
}

#[test]
fn a_process_that_is_killed_leaves_nothing_that_is_taken_for_whole() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    for _ in 0..6 {
        scratch.add(&demonstration(6000), &[])?;
    }
    let whole = all(&*scratch.open(&Config::default())?)?;
    let (mut noise, size) = (Noise::new(2), written(&scratch)?);
    for round in 0..12 {
        fs::remove_dir_all(scratch.cache())?;
        let mut other = start(&scratch)?;
        // How far it comes is left to chance: every moment must be a good one.
        let share = noise.below(size as usize) as u64;
        until("so much of the cache", PATIENCE, || {
            Ok(written(&scratch)? >= share || other.try_wait()?.is_some())
        })?;
        other.kill()?;
        other.wait()?;
        assert_eq!(all(&*scratch.open(&Config::default())?)?, whole, "round {round}");
    }
    Ok(())
}

#[test]
fn a_full_disk_is_an_error_and_leaves_no_half_file() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    for _ in 0..4 {
        scratch.add(&demonstration(60_000), &[])?;
    }
    let test = "a_full_disk_is_an_error_and_leaves_no_half_file";
    let Some(disk) = SmallDisk::mount(test, &scratch.cache(), "1m") else { return Ok(()) };
    let error = scratch.open(&Config::default()).expect_err("one megabyte is not enough");
    assert!(error.is_full_disk(), "{error:?}");
    assert_eq!(files(&scratch)?.1, 0, "{:?}", files(&scratch)?.0);
    drop(disk);
    assert_eq!(scratch.open(&Config::default())?.summary().decoded, 4, "with room it is read");
    Ok(())
}
