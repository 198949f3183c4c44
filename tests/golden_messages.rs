//! Our messages against what others make of the same types: our own interface files here, bytes and hashes of an
//! independent implementation in `golden/`.
//!
//! The registry is the list: a type that is added to it and has no golden fails by name.

use std::fs;
use std::path::{Path, PathBuf};

use apprentice::msg::definition::{find_under, parse, parse_service};
use apprentice::msg::{KnownService, MESSAGES, SERVICES, known, known_service};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The interface files of one kind with the type each defines and its text.
fn interfaces(kind: &str) -> Vec<(String, String)> {
    let files = fs::read_dir(root().join(kind)).expect("the folder of interfaces lists");
    let paths = files.map(|file| file.expect("a folder that opened lists").path());
    paths
        .map(|path: PathBuf| {
            let name = path.file_stem().expect("an interface has a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("an interface is text");
            (format!("apprentice/{kind}/{name}"), text)
        })
        .collect()
}

#[test]
fn every_interface_file_says_what_its_struct_says() {
    let files = interfaces("msg");
    for (type_name, text) in &files {
        let ours = known(type_name).unwrap_or_else(|| panic!("{type_name} has no struct"));
        assert_eq!(parse(type_name, text), Ok((ours.describe)()));
    }
    let own = MESSAGES.iter().filter(|known| known.type_name.starts_with("apprentice/"));
    assert_eq!(own.count(), files.len(), "a struct of ours has no file");
}

#[test]
fn every_service_file_says_what_its_structs_say() {
    let files = interfaces("srv");
    for (type_name, text) in &files {
        let KnownService { request, response, .. } =
            known_service(type_name).unwrap_or_else(|| panic!("{type_name} has no struct"));
        assert_eq!(parse_service(type_name, text), Ok([(request.describe)(), (response.describe)()]));
    }
    let own = SERVICES.iter().filter(|known| known.type_name.starts_with("apprentice/"));
    assert_eq!(own.count(), files.len(), "a service of ours has no file");
}

/// Hashes as ROS 2 Jazzy has them. `rosbags` makes none for services, and another than ROS 2 where a field is a `char`.
#[test]
fn the_hash_of_a_service_is_that_of_ros_2() {
    let published = [
        ("std_srvs/srv/Trigger", "RIHS01_eeff2cd6fa5ad9d27cdf4dec64818317839b62f212a91e6b5304b634b2062c5f"),
        ("std_srvs/srv/SetBool", "RIHS01_abe9e4bb6b41b40e6789712c00ec8871923e089af3f667a79992a428cff2da0a"),
        ("std_srvs/srv/Empty", "RIHS01_5888399dedec5ccc85ea6451949fd2c9f97bfdf963f9a588821639fcd31b5d19"),
    ];
    for (type_name, hash) in published {
        let service = known_service(type_name).expect("a service we have");
        assert_eq!((service.definition)().hash, hash, "{type_name}");
    }
    let info = find_under(&[], "service_msgs/msg/ServiceEventInfo").expect("a message we have");
    assert_eq!(info.hash, "RIHS01_41bcbbe07a75c9b52bc96bfd5c24d7f0fc0a08c0cb7921b3373c5732345a6f45");
}
