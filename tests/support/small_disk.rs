//! A disk of a few megabytes, to run full.
//!
//! It is a tmpfs, which takes the right to mount; without it a test says that it was skipped.

#[path = "skipped.rs"]
mod skipped;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use skipped::skipped;

/// A small disk, gone when dropped.
pub(crate) struct SmallDisk(pub(crate) PathBuf);

impl SmallDisk {
    /// Mounts one of that size (`8m`, `64k`) for `test`, where that is allowed.
    pub(crate) fn mount(test: &str, place: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(place).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(place);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        if !mounted {
            skipped(test, "a full disk cannot be tried here, because mounting a tmpfs is not allowed");
        }
        mounted.then(|| Self(place.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{:?} is still mounted", self.0);
    }
}
