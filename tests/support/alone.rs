//! Runs a test of ROS 2 in a process and a domain of its own.
//!
//! ROS 2 takes its domain and its reach from the environment alone, once for a process. So the test runs itself again in a
//! process in which they are set: no robot hears it, and no other test.

use std::io::{Error, Result};
use std::process::Command;

/// The domain that belongs to this process's children, away from those people use.
pub(crate) fn domain() -> String {
    (170 + std::process::id() % 50).to_string()
}

/// Whether this process is one in which ROS 2 is by itself; if not, the test `name` was run in such a one and passed.
pub(crate) fn alone(name: &str) -> Result<bool> {
    if std::env::var_os("ROS_LOCALHOST_ONLY").is_some() && std::env::var_os("ROS_DOMAIN_ID").is_some() {
        return Ok(true);
    }
    let again = Command::new(std::env::current_exe()?)
        .args([name, "--exact", "--nocapture"])
        .env("ROS_LOCALHOST_ONLY", "1")
        .env("ROS_DOMAIN_ID", domain())
        .status()?;
    again.success().then_some(false).ok_or_else(|| Error::other(format!("{name} failed: {again}")))
}
