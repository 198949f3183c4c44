//! What this binary is and what was built into it.
//!
//! Most of what seems broken was not built in: so each feature that is missing names the command that brings it.

use super::Finding;

/// Which version runs, and from where.
pub(crate) fn version() -> Vec<Finding> {
    let path = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
    vec![Finding::good("apprentice", format!("{} at {path}", env!("CARGO_PKG_VERSION")))]
}

/// Which features were built in, and how each that was not is had.
pub(crate) fn features() -> Vec<Finding> {
    let feature = |name: &str, built: bool, gives: &str, how: &str| {
        let what = format!("feature {name}");
        if built {
            Finding::good(what, gives)
        } else {
            Finding::missing(what, format!("not built in: {gives}"), how)
        }
    };
    vec![
        feature(
            "dds",
            cfg!(feature = "dds"),
            "speaks with ROS 2 nodes without a ROS 2 install",
            "cargo build --release --features dds",
        ),
        feature(
            "learn",
            cfg!(feature = "learn"),
            "trains and runs policies on libtorch",
            "make setup && cargo build --release --features learn",
        ),
        feature(
            "sim",
            cfg!(feature = "sim"),
            "simulates on MuJoCo",
            "make setup && cargo build --release --features sim",
        ),
        feature(
            "ros",
            cfg!(feature = "ros"),
            "speaks through the ROS 2 that is sourced: any RMW, parameters, lifecycle",
            "source /opt/ros/$ROS_DISTRO/setup.bash && colcon build --packages-select apprentice",
        ),
    ]
}
