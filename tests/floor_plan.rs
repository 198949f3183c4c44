//! Holds the house to its floor plan: who may import whom, behind which door an outside crate stands, how long a
//! file may grow.
//!
//! It reads the sources as text, because what it guards is what a reader sees: a room named in a file is an
//! import, whether by `use` or by a full path.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by floor, the highest first. A room imports only from floors below its own.
const FLOORS: &[&[&str]] = &[
    &["main", "config"],
    &["node", "study"],
    &["train"],
    &["policy"],
    &["nn"],
    &["data", "control", "sim"],
    &["bus"],
    &["bag"],
    &["wire", "arm"],
    &["time", "msg", "spec", "noise", "precedence"],
];

/// Outside crates and the files, by how their paths begin, that may name them.
const DOORS: &[(&str, &[&str])] = &[
    ("tch", &["src/data/batch", "src/nn/", "src/policy/", "src/train/", "tests/", "benches/"]),
    ("torch_sys", &["src/nn/"]),
    ("libloading", &["src/nn/"]),
    ("libc", &["src/precedence/fifo.rs"]),
    ("mujoco_rs", &["src/sim/physics.rs", "src/sim/render.rs"]),
    ("gif", &["src/train/film.rs", "src/train/evaluate/"]),
    ("image", &["src/node/simulator/", "src/data/", "tests/support/cameras.rs"]),
    ("nalgebra", &["src/arm/", "src/node/teleop/", "src/sim/", "tests/", "benches/"]),
    ("evdev", &["src/node/teleop/gamepad.rs"]),
    ("roxmltree", &["src/arm/urdf/", "tests/"]),
    ("r2r", &["src/bus/ros"]),
    ("rustdds", &["src/bus/dds"]),
    ("mcap", &["tests/", "benches/"]),
    ("lz4", &["src/bag/mcap"]),
    ("zstd", &["src/bag/mcap", "tests/bag_memory.rs"]),
    ("rand_chacha", &["src/noise.rs"]),
    ("base64", &["src/train/report/moving.rs"]),
    ("crc32c", &["src/train/events.rs"]),
    ("crc32fast", &["src/bag/mcap", "src/data/store/"]),
    ("rusqlite", &["src/bag/sqlite", "tests/"]),
    ("rosbag2_rs", &["tests/"]),
    ("crossterm", &["src/node/screen.rs"]),
    ("indicatif", &["src/main/progress.rs", "src/main/course.rs"]),
    ("signal_hook", &["src/node/stop.rs"]),
    (
        "serde_saphyr",
        &[
            "src/config/",
            "src/bag/metadata.rs",
            "src/bag/qos.rs",
            "src/policy/checkpoint/",
            "tests/",
            "benches/",
        ],
    ),
    ("safetensors", &["src/policy/checkpoint/"]),
    ("tracing_subscriber", &["src/main/"]),
    // The commands in src/main/ are main.rs taken apart: their errors end in the same printed chain.
    ("anyhow", &["src/main.rs", "src/main/", "tests/", "examples/", "benches/"]),
    ("clap", &["src/main.rs", "src/main/"]),
];

/// The most lines a source file may have.
const WALL: usize = 400;

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["src", "tests", "benches", "examples"].iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.expect("a folder that opened lists").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file is text");
                let name =
                    path.strip_prefix(root).expect("found below the root").to_string_lossy().into_owned();
                found.push((name, text));
            }
        }
    }
    assert!(found.len() > 5, "the sources were not found");
    found
}

/// The file without comments and without what follows `#[cfg(test)]` at the start of a line.
fn code(text: &str) -> String {
    let shipped = text.find("\n#[cfg(test)]\nmod tests").map_or(text, |end| &text[..end]);
    shipped.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

fn room_of(file: &str) -> Option<&str> {
    let inside = file.strip_prefix("src/")?;
    let room = inside.split('/').next()?;
    Some(room.strip_suffix(".rs").unwrap_or(room)).filter(|room| *room != "lib")
}

fn floor_of(room: &str) -> usize {
    FLOORS
        .iter()
        .position(|floor| floor.contains(&room))
        .unwrap_or_else(|| panic!("the room {room:?} is not on the floor plan"))
}

/// Every room that `code` names as `PREFIX::room`, with `PREFIX::{a, b}` taken apart.
fn rooms_named(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    let rooms_of_floors: BTreeSet<&str> = FLOORS.iter().flat_map(|floor| floor.iter().copied()).collect();
    for (at, _) in code.match_indices(&format!("{prefix}::")) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + prefix.len() + 2..];
        let names: Vec<String> = match rest.strip_prefix('{') {
            Some(group) => heads_of(group),
            None => vec![rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()],
        };
        rooms.extend(names.into_iter().filter(|name| rooms_of_floors.contains(name.as_str())));
    }
    rooms
}

/// The first names in a brace group: `{a::B, c::{D, E}}` gives a and c.
fn heads_of(group: &str) -> Vec<String> {
    let (mut heads, mut word, mut depth, mut taking) = (Vec::new(), String::new(), 0, true);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.push(std::mem::take(&mut word));
                taking = true;
            }
            c if depth == 0 && taking && (c.is_alphanumeric() || c == '_') => word.push(c),
            ':' if depth == 0 => taking = false,
            _ => {}
        }
    }
    heads.push(word);
    heads
}

/// Whether `code` names the outside crate: in a path, or by `use` as a whole or under another name.
fn names(code: &str, outside: &str) -> bool {
    let in_a_word = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let in_a_path = code.match_indices(&format!("{outside}::")).any(|(at, _)| {
        let before = &code[..at];
        let path_of_ours = before.ends_with("::") && !before.ends_with(" ::");
        !path_of_ours && !in_a_word(before)
    });
    let as_a_whole = ["use ", "use ::", "extern crate "].iter().any(|by| {
        [";", " as "].iter().any(|end| {
            code.match_indices(&format!("{by}{outside}{end}")).any(|(at, _)| !in_a_word(&code[..at]))
        })
    });
    in_a_path || as_a_whole
}

/// Whether the text begins with a paragraph of `//!` that says what is inside, and another that says why.
fn says_what_and_why(text: &str) -> bool {
    let header: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let mut paragraphs = header.split(|line| line.is_empty());
    [paragraphs.next(), paragraphs.next()].iter().all(|found| found.is_some_and(|lines| !lines.is_empty()))
}

#[test]
fn every_source_file_says_what_is_inside_and_why() {
    let silent: Vec<String> =
        sources().into_iter().filter(|(_, text)| !says_what_and_why(text)).map(|(file, _)| file).collect();
    assert!(silent.is_empty(), "without a first line and a second paragraph:\n{}", silent.join("\n"));
    assert!(!says_what_and_why("//! What is inside.\n//! More of it.\n\nuse std::fs;"));
}

#[test]
fn a_room_imports_only_rooms_below_it() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(room) = room_of(&file) else { continue };
        let code = code(&text);
        let prefixes: &[&str] = if room == "main" { &["crate", "apprentice"] } else { &["crate"] };
        for named in prefixes.iter().flat_map(|prefix| rooms_named(&code, prefix)) {
            let allowed = named == room || floor_of(&named) > floor_of(room) || room == "main";
            if !allowed {
                wrong.push(format!("{file} ({room}) imports {named}"));
            }
        }
    }
    assert!(wrong.is_empty(), "imports upwards or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn an_outside_crate_is_named_only_behind_its_own_door() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let code = if file.starts_with("src/") { code(&text) } else { text };
        for (outside, doors) in DOORS {
            if names(&code, outside)
                && file != "tests/floor_plan.rs"
                && !doors.iter().any(|door| file.starts_with(door))
            {
                wrong.push(format!("{file} names {outside}"));
            }
        }
    }
    assert!(wrong.is_empty(), "outside crates away from their doors:\n{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_longer_than_the_wall() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, lines)| *lines > WALL)
        .map(|(file, lines)| format!("{file}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "over the wall of {WALL} lines:\n{}", long.join("\n"));
}

#[test]
fn the_guard_sees_every_way_to_name_a_room() {
    let code = "use crate::{bag::Reader, wire};\nfn f(_: crate::bus::Inbox) {}\nuse xcrate::node::Y;";
    let seen: Vec<String> = rooms_named(code, "crate").into_iter().collect();
    assert_eq!(seen, ["bag", "bus", "wire"]);
}

#[test]
fn the_guard_sees_every_way_to_name_an_outside_crate() {
    for named in
        ["use mcap::Reader;", "use mcap;", "use mcap as m;", "pub use ::mcap as m;", "fn f(_: ::mcap::R) {}"]
    {
        assert!(names(named, "mcap"), "{named}");
    }
    for not_named in ["use crate::bag::mcap;", "use super::mcap::Reader;", "use mcap_files;", "let mcap = 1;"]
    {
        assert!(!names(not_named, "mcap"), "{not_named}");
    }
}
