//! Runs the built binary as a user does.
//!
//! The caller's environment is taken away first: a domain or ROS arguments set in somebody's shell would have the tests talk
//! to that person's robot.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The binary with these words and paths, in the folder of this package; nothing of the caller's ROS environment reaches
/// it, and nobody sits at its terminal.
pub(crate) fn command<'a, P: AsRef<Path>>(
    words: impl IntoIterator<Item = &'a str>,
    paths: impl IntoIterator<Item = P>,
) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apprentice"));
    command
        .args(words)
        .args(paths.into_iter().map(|path| OsStr::new(path.as_ref()).to_owned()))
        .env_remove("ROS_DOMAIN_ID")
        .env_remove("ROS_DISTRO")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    command
}

/// Runs [`command`] to its end.
pub(crate) fn apprentice<'a, P: AsRef<Path>>(
    words: impl IntoIterator<Item = &'a str>,
    paths: impl IntoIterator<Item = P>,
) -> Output {
    command(words, paths).output().expect("the binary starts")
}

/// What was printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The JSON that was printed by a run that ended with `code`.
pub(crate) fn json(output: &Output, code: i32) -> serde_json::Value {
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
}
