//! Every version of `metadata.yaml` that rosbag2 has written since Foxy is read: 4 to 9.
//!
//! The files in `tests/golden/metadata/` follow what `rosbag2_storage` of each version writes: which keys there are and in
//! which order, qualities of service as numbers in a text or as words in a list, unlimited periods in the three ways they
//! were spelled, custom data that is there, nothing, or not known yet.

#[path = "support/bags.rs"]
mod bags;

use std::fs;
use std::path::{Path, PathBuf};

use apprentice::bag::{self, Notes, Options, Sqlite, Storage, Style};
use apprentice::time::Stamp;
use bags::{assert_same, files, read_all, write};

/// A recording whose metadata is of that version, with the messages it says it has.
fn of_version(version: u32, scratch: &Path) -> (PathBuf, Vec<apprentice::wire::Sample>) {
    let folder = scratch.join(format!("version_{version}"));
    let storage = match version {
        4 | 5 => Storage::Sqlite(Sqlite { style: Style::Humble }),
        _ => Storage::default(),
    };
    let written = write(&folder, &Options { storage, ..Options::default() }, 30, 100);
    let ours = &files(&folder)[0];
    assert_eq!(ours.file_stem(), folder.join(format!("version_{version}_0")).file_name(), "as the file says");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/metadata");
    fs::copy(golden.join(format!("version_{version}.yaml")), folder.join("metadata.yaml")).expect("a copy");
    (folder, written)
}

#[test]
fn every_version_is_read() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for version in 4..=9 {
        let (folder, written) = of_version(version, scratch.path());
        let reader = bag::open(&folder).unwrap_or_else(|error| panic!("version {version}: {error}"));
        assert_eq!(reader.span(), Some((Stamp(1_000_000_000), Stamp(1_290_000_000))), "version {version}");
        let topics: Vec<_> =
            reader.tracks().iter().map(|track| (track.topic.name.as_str(), track.messages)).collect();
        assert_eq!(topics, [("/arm", 15), ("/camera", 15)], "version {version}");
        let noted =
            ["lerobot.operator_prompt", "shift"].map(|key| reader.notes().get(key).map(String::as_str));
        let expected = if version > 6 { [Some("stack the cups"), Some("3")] } else { [None, None] };
        assert_eq!(noted, expected, "version {version}");
        assert_same(&read_all(&folder, &[]), &written);
    }
}

#[test]
fn every_version_can_be_labelled() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for version in 4..=9 {
        let (folder, written) = of_version(version, scratch.path());
        let label: Notes = [("success".to_owned(), "true".to_owned())].into();
        bag::label(&folder, &label).unwrap_or_else(|error| panic!("version {version}: {error}"));
        let reader = bag::open(&folder).unwrap_or_else(|error| panic!("version {version}: {error}"));
        assert_eq!(reader.notes()["success"], "true", "version {version}");
        assert_eq!(reader.notes().contains_key("shift"), version > 6, "version {version}");
        assert_same(&read_all(&folder, &[]), &written);
    }
}

#[test]
fn versions_that_are_not_known_are_refused_with_their_number() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let (folder, _) = of_version(9, scratch.path());
    let path = folder.join("metadata.yaml");
    let text = fs::read_to_string(&path).expect("it was copied");
    for version in [3, 10] {
        fs::write(&path, text.replace("version: 9", &format!("version: {version}"))).expect("a file");
        let error = bag::open(&folder).err().expect("it is not known").to_string();
        assert!(error.contains(&format!("version {version}")) && error.contains("metadata.yaml"), "{error}");
    }
}
