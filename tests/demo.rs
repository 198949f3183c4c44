//! The story of `apprentice demo` in its smallest form, from the first recording to the page.
//!
//! It is the first thing that a new user runs, and it goes through every room of the house: so it is run here as well, and what it
//! leaves is looked at as a browser would, to which a page that reaches for something outside is a page with holes.
#![cfg(all(feature = "learn", feature = "sim", feature = "dds"))]

#[path = "support/cli.rs"]
mod cli;
#[path = "support/skipped.rs"]
mod skipped;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use cli::text;
use serde_json::Value;
use skipped::skipped;

/// The story with as little as it can be told with.
fn demo(out: &Path, domain: &str) -> Command {
    let words =
        ["demo", "--demonstrations", "4", "--episodes", "3", "--rounds", "1", "--steps", "20", "--trials"];
    let mut command = cli::command(words, [] as [&Path; 0]);
    command.args(["4", "--films", "1", "--seconds", "2", "--domain", domain, "--out"]).arg(out);
    command
}

/// Holds every tag of a page to being closed where it should be.
fn closed(page: &str) -> anyhow::Result<()> {
    let mut open: Vec<&str> = Vec::new();
    // What stands in a style sheet is no tag.
    for part in page.split('<').skip(1) {
        let tag = part.split('>').next().unwrap_or_default();
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap_or_default();
        match tag {
            _ if tag.starts_with('!') || tag.ends_with('/') || ["meta", "img"].contains(&name) => {}
            _ if tag.starts_with('/') => match open.pop() {
                Some(last) if last == name => {}
                last => bail!("</{name}> closes {last:?}"),
            },
            _ => open.push(name),
        }
    }
    ensure!(open.is_empty(), "{open:?} are never closed");
    Ok(())
}

fn json(path: &Path) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(path).with_context(|| format!("{path:?}"))?)?)
}

#[test]
fn the_story_comes_to_its_end_and_its_page_needs_nothing_else() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("demo");
    let begun = Instant::now();
    let told = demo(&out, "204").output()?;
    let story = text(&told.stdout);
    ensure!(told.status.success(), "{story}\n{}", text(&told.stderr));
    println!("the story took {:.0} s", begun.elapsed().as_secs_f64());
    for said in [
        "1. A recording",
        "/joint_states",
        "Round 0",
        "Round 1",
        "95 % interval",
        "3. What came of it",
        "robot.yaml",
    ] {
        ensure!(story.contains(said), "{said:?} is not in\n{story}");
    }
    let page = fs::read_to_string(out.join("report.html"))?;
    ensure!(page.len() < 10_000_000, "{} bytes", page.len());
    closed(&page)?;
    for foreign in ["http:", "https:", "<script", "<link", "url(", "src=\"/", "src=\"."] {
        ensure!(!page.contains(foreign), "{foreign}");
    }
    for held in [
        "<h1>",
        "Before anything was learned",
        "Who drove",
        "How it was learned",
        "The same with your robot",
        "round 1",
    ] {
        ensure!(page.contains(held), "{held:?} is not in the page");
    }
    for round in 0..2 {
        let judged = json(&out.join(format!("rounds/round_{round}/evaluated.json")))?;
        for share in [&judged["share"], &judged["interval"][0], &judged["interval"][1]] {
            let percent = format!("{:.1} %", 100.0 * share.as_f64().context("a share")?);
            ensure!(page.contains(&percent), "{percent} of round {round} is not in the page");
        }
    }
    let corrected = json(&out.join("rounds/round_1/collected.json"))?["tally"]["switches"].clone();
    ensure!(page.contains(&format!("the expert took over {corrected} times")), "{corrected} take-overs");
    let films = page.matches("data:image/gif;base64,").count();
    match story.contains("No pictures can be drawn here") {
        true => {
            skipped("the_story_comes_to_its_end_and_its_page_needs_nothing_else, its films", "no EGL here")
        }
        false => ensure!(films >= 2, "{films} films"),
    }
    let again = demo(&out, "204").output()?;
    let told = text(&again.stdout);
    ensure!(again.status.success() && told.contains("It is there already"), "{told}{}", text(&again.stderr));
    ensure!(fs::read_to_string(out.join("report.html"))? == page, "nothing is done twice");
    Ok(())
}

#[test]
fn where_nothing_can_be_drawn_that_is_said_and_the_rest_is_told() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("demo");
    // Without a vendor's library EGL finds nothing to draw with.
    let told = demo(&out, "205").env("__EGL_VENDOR_LIBRARY_DIRS", folder.path()).output()?;
    let story = text(&told.stdout);
    ensure!(told.status.success(), "{story}\n{}", text(&told.stderr));
    ensure!(story.contains("No pictures can be drawn here") && !story.contains("image_raw"), "{story}");
    let page = fs::read_to_string(out.join("report.html"))?;
    ensure!(!page.contains("<img") && page.contains("Who drove"), "ribbons need no pictures");
    closed(&page)
}
