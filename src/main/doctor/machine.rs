//! What the machine brings: devices, rendering, time, disk, and what an earlier recording left behind.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::command::table::bytes;

/// Bytes a second of four raw 640×480 cameras at 30 Hz and two fast joint topics.
const FOUR_CAMERAS: u64 = 110_000_000;

/// Which device networks would run on.
pub(crate) fn accelerator() -> Vec<Finding> {
    let driver = fs::read_to_string("/proc/driver/nvidia/version").ok();
    let said = driver.as_deref().and_then(|text| text.lines().next()).map(str::trim);
    vec![match said {
        Some(line) => Finding::good("device", format!("an NVIDIA driver is loaded: {line}")),
        None => Finding::good("device", "no NVIDIA driver is loaded: networks run on the processor"),
    }]
}

/// Whether cameras can be simulated, which needs EGL.
pub(crate) fn rendering() -> Vec<Finding> {
    vec![match library("libEGL.so.1") {
        Some(path) => Finding::good("EGL", path.display().to_string()),
        None => Finding::missing(
            "EGL",
            "libEGL.so.1 is not there: simulated cameras see nothing",
            "sudo apt install libegl1 libgl1-mesa-dri",
        ),
    }]
}

/// Where the loader would find a library.
fn library(name: &str) -> Option<PathBuf> {
    let told = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
    let usual = [
        format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH),
        "/usr/lib64".to_owned(),
        "/usr/lib".to_owned(),
        "/usr/local/lib".to_owned(),
    ];
    let mut folders = told.split(':').filter(|folder| !folder.is_empty()).map(str::to_owned).chain(usual);
    folders.find_map(|folder| Some(Path::new(&folder).join(name)).filter(|path| path.exists()))
}

/// Whether the control loop may ask for realtime priority.
pub(crate) fn realtime() -> Vec<Finding> {
    let granted = getrlimit(Resource::Rtprio).current;
    vec![match granted {
        Some(0) => Finding::missing(
            "realtime priority",
            "not granted to this user: under load, commands may leave late",
            "echo \"$USER - rtprio 80\" | sudo tee /etc/security/limits.d/60-apprentice.conf   # then log in again",
        ),
        Some(granted) => Finding::good("realtime priority", format!("up to {granted}")),
        None => Finding::good("realtime priority", "without a limit"),
    }]
}

/// What is free where one stands, in minutes of recording.
pub(crate) fn disk() -> Vec<Finding> {
    vec![match rustix::fs::statvfs(".") {
        Ok(disk) => {
            let free = disk.f_bavail * disk.f_frsize;
            let minutes = free / FOUR_CAMERAS / 60;
            let detail =
                format!("{} free here: {minutes} minutes of four raw cameras (110 MB/s)", bytes(free));
            match minutes {
                0 => Finding::wrong("disk", detail, "record elsewhere: --out /a/larger/disk"),
                _ => Finding::good("disk", detail),
            }
        }
        Err(error) => Finding::wrong("disk", format!("cannot be asked: {error}"), "cd ~"),
    }]
}

/// Bags below this folder that lost their writer.
pub(crate) fn unfinished_bags() -> Vec<Finding> {
    let unfinished = unfinished(Path::new("."), 2);
    if unfinished.is_empty() {
        return vec![Finding::good("unfinished bags", "none here")];
    }
    let named: Vec<String> = unfinished.iter().map(|path| path.display().to_string()).collect();
    let remedy = format!("apprentice bag recover {}", named.join(" "));
    vec![Finding::wrong("unfinished bags", named.join(", "), remedy)]
}

/// Folders, at most `deep` levels down, with a file of messages and no metadata.yaml, which is written last.
fn unfinished(folder: &Path, deep: usize) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let messages = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "mcap" || kind == "db3");
    if paths.iter().any(messages) && !folder.join("metadata.yaml").exists() {
        return vec![folder.to_path_buf()];
    }
    let folders = paths.iter().filter(|path| deep > 0 && path.is_dir() && !path.is_symlink());
    let mut found: Vec<PathBuf> = folders.flat_map(|path| unfinished(path, deep - 1)).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bag_without_metadata_is_unfinished() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        for (bag, finished) in [("a", true), ("b", false)] {
            let bag = folder.path().join(bag);
            fs::create_dir(&bag)?;
            fs::write(bag.join("x_0.mcap"), "")?;
            if finished {
                fs::write(bag.join("metadata.yaml"), "")?;
            }
        }
        assert_eq!(unfinished(folder.path(), 2), [folder.path().join("b")]);
        Ok(())
    }
}
