//! One Ctrl-C under `ros2 launch` is two signals: from the terminal to all it runs, and from launch to each.
//!
//! Taken for impatience, the second would end a recorder in the middle of its bag, and launch would say that it has died.

#[path = "support/cli.rs"]
mod cli;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/running.rs"]
mod running;

use std::time::Duration;

use anyhow::Result;
use running::Running;
use rustix::process::Signal;

#[test]
fn a_ctrl_c_that_comes_twice_at_once_is_one() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let words = ["record", "--all", "--bus", "local", "--wait", "--no-keys", "--out"];
    let node = Running::start(words, &[&out])?;
    // It hears signals before it makes the folder of episodes.
    patience::until("it is at work", Duration::from_secs(20), || Ok(out.exists()))?;
    // Two of one number may become one on their way.
    node.signal(Signal::INT)?;
    node.signal(Signal::TERM)?;
    let (code, said) = node.end()?;
    assert_eq!(code, Some(0), "it was not left to end as it should: {said}");
    Ok(())
}
