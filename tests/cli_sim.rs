//! `apprentice sim` as its users meet it: the built binary, its demonstrations and what `bag check` says of them.
//!
//! What is noted in a bag is put together by the command, above everything that tests within one process reach.
#![cfg(feature = "sim")]

#[path = "support/cli.rs"]
mod cli;

use cli::{apprentice, json, text};

#[test]
fn demonstrations_with_fewer_cameras_are_as_their_own_notes_say() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let words = "sim --world reach --expert --episodes 1 --cameras none --out";
    let made = apprentice(words.split_whitespace(), [folder.path()]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let checked = apprentice(["bag", "check"], [folder.path()]);
    assert_eq!(checked.status.code(), Some(0), "{}{}", text(&checked.stdout), text(&checked.stderr));
    let said = json(&apprentice(["bag", "info", "--json"], [folder.path()]), 0);
    let noted = said[0]["notes"]["config"].as_str().expect("the robot's file is noted");
    assert!(noted.contains("/joint_states") && !noted.contains("image_raw"), "{noted}");
    let table = text(&apprentice(["bag", "info"], [folder.path()]).stdout);
    assert!(table.contains("(simulated time)"), "{table}");
}
