//! Nothing that stands in a file makes us panic, or take memory the file does not warrant.
//!
//! Small valid recordings are damaged at random (bytes changed, cut, repeated, lengths made huge) and read to the
//! end: 100,000 times for MCAP, 10,000 for `metadata.yaml`, and fewer for SQLite, whose own code does the reading. What
//! the reader holds at most is counted by the allocator.

#[path = "support/bags.rs"]
mod bags;
#[path = "support/counting.rs"]
mod counting;
#[path = "support/hostile.rs"]
mod hostile;

use std::path::Path;

use apprentice::bag::{Options, Sqlite, Storage, Style};
use bags::{files, storages, write};
use counting::{Counting, most_held};
use hostile::{read_file, read_metadata, recover_file};
use proptest::collection::vec;
use proptest::prelude::*;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The largest chunk that is unpacked, and the most a byte can unpack to: see `bag/mcap`.
const CHUNK_LIMIT: usize = 256 << 20;
const MOST_UNPACKED: usize = 40_000;
/// What bookkeeping may take beside the contents.
const BOOKKEEPING: usize = 1 << 20;
/// What the reader of a file without compression may hold for each of its bytes.
const MOST_COPIED: usize = 4;

/// One way to damage some bytes; places are shares of the length.
#[derive(Clone, Debug)]
enum Damage {
    Change(f64, u8),
    Cut(f64),
    Remove(f64, usize),
    Repeat(f64, usize),
    /// Eight bytes that read as this number: lengths, offsets, times.
    Number(f64, u64),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = 0.0..1.0;
    let number = prop_oneof![Just(1 << 60), Just(u64::MAX), Just(1 << 31), 0..5000_u64, any::<u64>()];
    prop_oneof![
        4 => (place.clone(), any::<u8>()).prop_map(|(at, byte)| Damage::Change(at, byte)),
        1 => place.clone().prop_map(Damage::Cut),
        1 => (place.clone(), 1..40_usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        1 => (place.clone(), 1..200_usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
        2 => (place, number).prop_map(|(at, number)| Damage::Number(at, number)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let place = |share: f64| ((bytes.len() as f64 * share) as usize).min(bytes.len() - 1);
    match *damage {
        Damage::Change(share, byte) => {
            let at = place(share);
            bytes[at] = byte;
        }
        Damage::Cut(share) => bytes.truncate(place(share)),
        Damage::Remove(share, length) => {
            let at = place(share);
            bytes.drain(at..(at + length).min(bytes.len()));
        }
        Damage::Repeat(share, length) => {
            let at = place(share);
            let again = bytes[at..(at + length).min(bytes.len())].to_vec();
            bytes.splice(at..at, again);
        }
        Damage::Number(share, number) => {
            let at = place(share);
            let end = (at + 8).min(bytes.len());
            bytes[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
        }
    }
}

/// A folder in memory where the system has one: a hundred thousand small files are no work for a disk.
fn scratch_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a scratch folder")
}

/// The bytes of small recordings, one for each way to keep one.
fn recordings(scratch: &Path) -> Vec<Vec<u8>> {
    let of = |(name, storage): (&str, Storage)| {
        let folder = scratch.join(name);
        write(&folder, &Options { storage: small(storage), ..Options::default() }, 8, 40);
        std::fs::read(&files(&folder)[0]).expect("a file")
    };
    storages().into_iter().map(of).collect()
}

/// Several chunks even for a few messages.
fn small(storage: Storage) -> Storage {
    match storage {
        Storage::Mcap(mcap) => Storage::Mcap(apprentice::bag::Mcap { chunk_bytes: 150, ..mcap }),
        other => other,
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn run<S: Strategy>(cases: u32, strategy: &S, mut case: impl FnMut(S::Value)) {
    let mut runner = proptest::test_runner::TestRunner::new(config(cases));
    let case = std::cell::RefCell::new(&mut case);
    let outcome = runner.run(strategy, |value| {
        (case.borrow_mut())(value);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn no_damage_to_an_mcap_file_panics_or_takes_memory_it_does_not_warrant() {
    let scratch = scratch_folder();
    let originals: Vec<Vec<u8>> = recordings(scratch.path()).into_iter().take(3).collect();
    let mut worst = 0;
    let strategy = (0..originals.len(), vec(damage(), 1..6));
    run(100_000, &strategy, |(which, damages)| {
        let mut bytes = originals[which].clone();
        damages.iter().for_each(|damage| apply(&mut bytes, damage));
        let (_, held) = most_held(|| read_file(scratch.path(), "damaged.mcap", &bytes));
        // The first is not compressed, and damage does not make it so: nothing in it warrants more than is there.
        let most = if which == 0 { MOST_COPIED } else { MOST_UNPACKED };
        let bound = (bytes.len() * most).min(2 * CHUNK_LIMIT) + BOOKKEEPING;
        assert!(held <= bound, "{held} bytes held for a file of {}", bytes.len());
        worst = worst.max(held);
    });
    eprintln!("the most held at once: {worst} bytes");
}

#[test]
fn noise_behind_a_magic_is_no_harm() {
    let scratch = scratch_folder();
    run(10_000, &vec(any::<u8>(), 0..400), |noise| {
        let mut bytes = b"\x89MCAP0\r\n".to_vec();
        bytes.extend(noise);
        let (_, held) = most_held(|| read_file(scratch.path(), "noise.mcap", &bytes));
        assert!(held <= BOOKKEEPING, "{held} bytes held for noise");
    });
}

#[test]
fn no_damage_to_metadata_panics_or_takes_memory_it_does_not_warrant() {
    let scratch = scratch_folder();
    let folder = scratch.path().join("episode");
    write(&folder, &Options::default(), 3, 8);
    let original = std::fs::read(folder.join("metadata.yaml")).expect("metadata");
    run(10_000, &vec(damage(), 1..6), |damages| {
        let mut text = original.clone();
        damages.iter().for_each(|damage| apply(&mut text, damage));
        let (_, held) = most_held(|| read_metadata(&folder, &text));
        assert!(held <= 2 * BOOKKEEPING, "{held} bytes held for metadata of {}", text.len());
    });
}

#[test]
fn an_alias_bomb_in_metadata_is_refused() {
    let scratch = scratch_folder();
    let folder = scratch.path().join("episode");
    write(&folder, &Options::default(), 1, 8);
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = level - 1;
        let list = vec![format!("*a{below}"); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    text.push_str("rosbag2_bagfile_information: *a11\n");
    let (opened, held) = most_held(|| read_metadata(&folder, text.as_bytes()));
    assert!(!opened);
    assert!(held <= 64 * BOOKKEEPING, "{held} bytes held");
}

#[test]
fn no_damage_to_a_sqlite_file_panics() {
    let scratch = scratch_folder();
    let originals: Vec<Vec<u8>> = recordings(scratch.path()).into_iter().skip(3).collect();
    run(1_000, &(0..originals.len(), vec(damage(), 1..6)), |(which, damages)| {
        let mut bytes = originals[which].clone();
        damages.iter().for_each(|damage| apply(&mut bytes, damage));
        let (_, held) = most_held(|| read_file(scratch.path(), "damaged.db3", &bytes));
        assert!(held <= 4 * BOOKKEEPING, "{held} bytes held for a file of {}", bytes.len());
    });
}

#[test]
fn whatever_recovery_accepts_is_whole_afterwards() {
    let scratch = scratch_folder();
    let folder = scratch.path().join("torn");
    std::fs::create_dir(&folder).expect("a folder");
    let mut originals = recordings(scratch.path());
    // A Humble-style file says no more about recovery than a Jazzy-style one.
    originals.truncate(4);
    assert!(matches!(storages()[3].1, Storage::Sqlite(Sqlite { style: Style::Jazzy })));
    run(600, &(0..3_usize, vec(damage(), 1..4)), |(which, damages)| {
        let mut bytes = originals[which].clone();
        damages.iter().for_each(|damage| apply(&mut bytes, damage));
        recover_file(&folder, "torn_0.mcap", &bytes);
    });
}
