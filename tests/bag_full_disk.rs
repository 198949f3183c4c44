//! A disk that runs full while a recording is written.
//!
//! The disk is a small tmpfs, which takes the right to mount; without it the tests say that they were skipped.

#[path = "support/bags.rs"]
mod bags;
#[path = "support/small_disk.rs"]
mod small_disk;

use std::fs;
use std::path::Path;

use apprentice::bag::{self, Error, Options, Storage};
use bags::{DEFINITION, files, over_every_storage, read_all, sample, topic};
use small_disk::SmallDisk;

/// Records until the disk refuses; says how many messages were written and flushed before, and how it ended.
fn record_until_full(folder: &Path, options: &Options, length: usize) -> (usize, Error) {
    let mut writer = bag::create(folder, options).expect("a new recording");
    let camera = topic("/camera");
    writer.declare(&camera, DEFINITION, "").expect("declared");
    let mut flushed = 0;
    for n in 0.. {
        let written = writer.write(&sample(&camera, 1_000_000_000 + n * 1_000_000, length));
        match written.and_then(|()| writer.flush()) {
            Ok(()) => flushed += 1,
            Err(error) => {
                // Whether the end fits is not what this is about; what is left must be readable.
                drop(writer.finish());
                return (flushed, error);
            }
        }
    }
    unreachable!("a small disk is full at some time")
}

#[test]
fn a_recording_on_a_full_disk_ends_readable_with_all_that_was_flushed() {
    // Several lengths, so that the disk is full at different places of a chunk.
    for length in [1500, 3907, 4096, 70_001] {
        over_every_storage(|folder, options| {
            let test = "a_recording_on_a_full_disk_ends_readable_with_all_that_was_flushed";
            let Some(_disk) = SmallDisk::mount(test, folder, "8m") else { return };
            let ballast = folder.join("ballast");
            fs::write(&ballast, vec![7; 4_500_000]).expect("there is room");
            let folder = &folder.join("episode");
            let (flushed, error) = record_until_full(folder, &options, length);
            assert!(error.is_full_disk(), "{error:?}");
            if let Storage::Sqlite(_) = options.storage {
                // What is in SQLite's log can only be folded in once there is room again.
                fs::remove_file(&ballast).expect("removed");
                bag::recover(folder).expect("recovered");
            }
            let read = read_all(folder, &[]).len();
            assert!(read >= flushed, "{read} of {flushed} messages are left");
            assert!(folder.join("metadata.yaml").exists(), "there was no room for the metadata");
            assert!(!bag::recover(folder).expect("whole").changed);
        });
    }
}

#[test]
fn a_recording_that_cannot_begin_leaves_nothing_and_the_next_begins_clean() {
    over_every_storage(|folder, options| {
        let test = "a_recording_that_cannot_begin_leaves_nothing_and_the_next_begins_clean";
        let Some(_disk) = SmallDisk::mount(test, folder, "1m") else { return };
        let ballast = folder.join("ballast");
        fs::write(&ballast, vec![7; 1_040_000]).expect("there is room");
        let episode = folder.join("episode");
        let error = bag::create(&episode, &options).err().expect("no room");
        assert!(error.is_full_disk(), "{error:?}");
        assert!(!episode.exists());
        fs::remove_file(&ballast).expect("removed");
        bag::create(&episode, &options).expect("room again").finish().expect("finished");
        assert_eq!(files(&episode).len(), 1);
    });
}
