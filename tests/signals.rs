//! Which signals ask a node to end, and how many of them are one.
//!
//! One Ctrl-C under `ros2 launch` is two: from the terminal to all it runs, and from launch to each. Taken for impatience, the second
//! would end a recorder in the middle of its bag, and launch would say that it has died. A terminal that goes sends one of its own.

#[path = "support/cli.rs"]
mod cli;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/running.rs"]
mod running;
#[path = "support/skipped.rs"]
mod skipped;

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use running::Running;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use skipped::skipped;

const WORDS: [&str; 7] = ["record", "--all", "--bus", "local", "--wait", "--no-keys", "--out"];

/// It hears signals before it makes the folder of episodes.
fn until_at_work(out: &Path) -> Result<()> {
    patience::until("it is at work", Duration::from_secs(20), || Ok(out.exists()))
}

/// It has taken the terminal when it erases what it drew. A terminal that nobody has any more ends this with an error.
fn until_drawn(screen: &mut File) -> Result<()> {
    let (mut drawn, mut bytes) = (String::new(), [0; 4096]);
    while !drawn.contains("\x1b[J") {
        let read = screen.read(&mut bytes)?;
        drawn.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    Ok(())
}

/// Whether that process (or `self`) has the signal of a terminal that goes ignored.
fn ignores_hangups(process: &str) -> Result<bool> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).context("Linux says so")?;
    Ok(u64::from_str_radix(mask.trim(), 16)? & 1 == 1)
}

#[test]
fn a_ctrl_c_that_comes_twice_at_once_is_one() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let node = Running::start(WORDS, &[&out])?;
    until_at_work(&out)?;
    // Two of one number may become one on their way.
    node.signal(Signal::INT)?;
    node.signal(Signal::TERM)?;
    let (code, said) = node.end()?;
    assert_eq!(code, Some(0), "it was not left to end as it should: {said}");
    Ok(())
}

#[test]
fn a_terminal_that_goes_has_a_node_end_as_it_should() -> Result<()> {
    if ignores_hangups("self")? {
        skipped("a_terminal_that_goes_has_a_node_end", "the tests shall outlive their terminal themselves");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    unlockpt(&ours)?;
    let theirs = File::from(ioctl_tiocgptpeer(&ours, OpenptFlags::RDWR | OpenptFlags::NOCTTY)?);
    let mut command = cli::command(["record", "--all", "--bus", "local", "--out"], [&out]);
    let mut node =
        command.stdin(theirs.try_clone()?).stdout(theirs.try_clone()?).stderr(theirs.try_clone()?).spawn()?;
    drop((command, theirs));
    let mut screen = File::from(ours);
    let done = until_drawn(&mut screen).and_then(|()| {
        // Its keys cannot be read any more either, and nobody reads what it says.
        drop(screen);
        kill_process(Pid::from_child(&node), Signal::HUP)?;
        patience::until("it ends", Duration::from_secs(20), || Ok(node.try_wait()?.is_some()))
    });
    node.kill().unwrap_or_default();
    let code = node.wait()?.code();
    done?;
    assert_eq!(code, Some(0), "it was not left to end as it should");
    Ok(())
}

#[test]
fn a_node_that_shall_outlive_its_terminal_does_not_hear_it_go() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let plain = cli::command(WORDS, [&out]);
    let mut node = Command::new("nohup")
        .arg(plain.get_program())
        .args(plain.get_args())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let ignored = until_at_work(&out).and_then(|()| ignores_hangups(&node.id().to_string()));
    node.kill()?;
    node.wait()?;
    assert!(ignored?, "it hears what nohup keeps from it");
    Ok(())
}
