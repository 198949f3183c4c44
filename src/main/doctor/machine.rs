//! What the machine brings: devices, rendering, time, disk, and what an earlier recording left behind.
//!
//! Each part is tried rather than looked up, since a library that is there may still not run; where a feature was not built
//! in, the same question has a version that needs none of it.

use std::fs;
use std::path::Path;
#[cfg(not(feature = "sim"))]
use std::path::PathBuf;

use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::command::table::bytes;

/// Bytes a second of four raw 640×480 cameras at 30 Hz and two fast joint topics.
const FOUR_CAMERAS: u64 = 110_000_000;

/// Which devices networks run on, each tried.
#[cfg(feature = "learn")]
pub(crate) fn accelerator() -> Vec<Finding> {
    use apprentice::nn::device;
    let tried = device::all().into_iter().map(|one| match device::check(one) {
        Ok(()) => Finding::good("device", format!("libtorch {} computes on {one:?}", device::LIBTORCH)),
        Err(error) => Finding::wrong("device", error.to_string(), "make setup"),
    });
    tried.chain(driver_without_cuda()).collect()
}

/// A GPU that libtorch does not see, because only the processor's libraries were brought.
#[cfg(feature = "learn")]
fn driver_without_cuda() -> Option<Finding> {
    let blind = apprentice::nn::device::all().len() == 1;
    let driver = nvidia_driver().filter(|_| blind)?;
    let detail = format!("libtorch sees no GPU, though there is a driver: {driver}");
    Some(Finding::missing("GPU", detail, "make setup CUDA=1 && cargo build --release"))
}

/// Which device networks would run on, were they built in.
#[cfg(not(feature = "learn"))]
pub(crate) fn accelerator() -> Vec<Finding> {
    let detail = match nvidia_driver() {
        Some(driver) => format!("an NVIDIA driver is loaded: {driver}"),
        None => "no NVIDIA driver is loaded: networks would run on the processor".to_owned(),
    };
    vec![Finding::good("device", detail)]
}

fn nvidia_driver() -> Option<String> {
    let text = fs::read_to_string("/proc/driver/nvidia/version").ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

/// Whether the simulator simulates.
#[cfg(feature = "sim")]
pub(crate) fn simulator() -> Vec<Finding> {
    use apprentice::sim::physics;
    vec![match physics::check() {
        Ok(()) => Finding::good("simulator", format!("MuJoCo {} simulates", physics::version())),
        Err(error) => Finding::wrong("simulator", error.to_string(), "make setup"),
    }]
}

/// Nothing to look at where no simulator is built in; that it is not says the list of features.
#[cfg(not(feature = "sim"))]
pub(crate) fn simulator() -> Vec<Finding> {
    Vec::new()
}

/// What brings EGL.
const EGL: &str = "sudo apt install libegl1 libgl1-mesa-dri";

/// Whether cameras can be simulated, which needs EGL: a small picture is drawn.
#[cfg(feature = "sim")]
pub(crate) fn rendering() -> Vec<Finding> {
    use apprentice::sim::{Error, Light, Simulation};
    const SIZE: [u32; 2] = [16, 16];
    let tick = std::time::Duration::from_millis(10);
    let drawn =
        Simulation::open("reach", tick, Light::Plain).and_then(|mut world| world.picture("front", SIZE));
    vec![match drawn {
        Ok(_) => Finding::good("EGL", "a simulated camera sees"),
        Err(Error::Blind { why }) => {
            Finding::missing("EGL", format!("simulated cameras see nothing: {why}"), EGL)
        }
        Err(error) => Finding::wrong("EGL", error.to_string(), "make setup"),
    }]
}

/// Whether what cameras would be simulated with is there; nothing here can try it.
#[cfg(not(feature = "sim"))]
pub(crate) fn rendering() -> Vec<Finding> {
    vec![match library("libEGL.so.1") {
        Some(path) => Finding::good("EGL", format!("{} is there, not tried", path.display())),
        None => Finding::missing("EGL", "libEGL.so.1 is not there: simulated cameras would see nothing", EGL),
    }]
}

/// Where the loader would find a library.
#[cfg(not(feature = "sim"))]
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
            "echo \"$USER - rtprio 80\" | sudo tee /etc/security/limits.d/60-apprentice-rtprio.conf   # then log in again",
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
    let unfinished = apprentice::bag::unfinished(Path::new("."));
    if unfinished.is_empty() {
        return vec![Finding::good("unfinished bags", "none here")];
    }
    let named: Vec<String> = unfinished.iter().map(|path| path.display().to_string()).collect();
    let remedy = format!("apprentice bag recover {}", named.join(" "));
    vec![Finding::wrong("unfinished bags", named.join(", "), remedy)]
}
