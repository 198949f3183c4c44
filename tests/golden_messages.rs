//! Our messages against what others make of the same types: our own interface files, and bytes and hashes of an
//! independent implementation in `golden/`.
//!
//! The registry is the list: a type that is added to it and has no golden fails by name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use apprentice::msg::definition::{find_under, parse, parse_service};
use apprentice::msg::diagnostic::{DiagnosticArray, DiagnosticStatus, KeyValue};
use apprentice::msg::own::{Recording, Stream};
use apprentice::msg::sensor::{Image, JointState};
use apprentice::msg::std::{Duration, Header, Time};
use apprentice::msg::trajectory::{JointTrajectory, JointTrajectoryPoint};
use apprentice::msg::{Error, KnownService, MESSAGES, Message, SERVICES, all, known, known_service};
use bytes::Bytes;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[derive(serde::Deserialize)]
struct Golden {
    r#type: String,
    hash: String,
    little: Option<String>,
    big: Option<String>,
}

impl Golden {
    fn bytes(hex: Option<&String>) -> Bytes {
        let hex = hex.expect("a message has bytes");
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    }

    fn little(&self) -> Bytes {
        Self::bytes(self.little.as_ref())
    }

    fn big(&self) -> Bytes {
        Self::bytes(self.big.as_ref())
    }
}

fn goldens() -> BTreeMap<String, Golden> {
    let text = fs::read_to_string(root().join("tests/golden/messages.jsonl")).expect("the goldens are there");
    let lines = text.lines().map(|line| serde_json::from_str::<Golden>(line).expect("a golden is JSON"));
    lines.map(|golden| (golden.r#type.clone(), golden)).collect()
}

#[test]
fn every_message_reads_and_writes_the_bytes_of_another_implementation() {
    let goldens = goldens();
    for known in all() {
        let name = known.type_name;
        let golden =
            goldens.get(name).unwrap_or_else(|| panic!("no golden of {name}: see tests/golden/README.md"));
        for bytes in [golden.little(), golden.big()] {
            assert_eq!((known.recode)(&bytes), Ok(golden.little()), "{name}");
        }
    }
}

#[test]
fn every_type_has_the_hash_another_implementation_gives_it() {
    let goldens = goldens();
    for (name, definition) in all()
        .map(|known| (known.type_name, (known.definition)()))
        .chain(SERVICES.iter().map(|known| (known.type_name, (known.definition)())))
    {
        let golden =
            goldens.get(name).unwrap_or_else(|| panic!("no golden of {name}: see tests/golden/README.md"));
        assert_eq!(definition.hash, golden.hash, "{name}:\n{}", definition.text);
    }
}

#[test]
fn a_message_cut_anywhere_is_too_short() {
    for (name, golden) in goldens() {
        // An empty message may come without the one byte that fills it.
        let Some(known) = known(&name).filter(|known| !(known.describe)().fields.is_empty()) else {
            continue;
        };
        let whole = golden.little();
        for end in 0..whole.len() {
            let cut = (known.recode)(&whole.slice(..end));
            assert!(matches!(cut, Err(Error::Short { .. })), "{name} cut at {end}: {cut:?}");
        }
        let padded: Bytes = whole.iter().copied().chain([0, 0, 0]).collect();
        assert_eq!((known.recode)(&padded), Ok(whole), "{name}");
    }
}

fn header(frame_id: &str) -> Header {
    Header { stamp: Time { sec: 1_700_000_000, nanosec: 123_456_789 }, frame_id: frame_id.into() }
}

/// Decodes both byte orders of the golden of that type and compares with `expected`.
fn says<M: Message>(expected: &M) {
    let goldens = goldens();
    let golden = &goldens[M::TYPE];
    assert_eq!(M::decode(&golden.little()).as_ref(), Ok(expected));
    assert_eq!(M::decode(&golden.big()).as_ref(), Ok(expected));
}

#[test]
fn fields_have_the_values_that_were_written() {
    says(&JointState {
        header: header("base"),
        name: vec!["shoulder".into(), "elbow".into(), "händ".into()],
        position: vec![0.5, -1.25, 3.0],
        velocity: vec![],
        effort: vec![1e-300],
    });
    says(&Image {
        header: header("camera"),
        height: 1,
        width: 2,
        encoding: "rgb8".into(),
        is_bigendian: 0,
        step: 6,
        data: Bytes::from_static(&[1, 2, 3, 253, 254, 255]),
    });
    let point = JointTrajectoryPoint {
        positions: vec![1.0],
        velocities: vec![2.0, 3.0],
        time_from_start: Duration { sec: -1, nanosec: 5 },
        ..Default::default()
    };
    says(&JointTrajectory { header: header(""), joint_names: vec!["a".into()], points: vec![point] });
}

#[test]
fn nested_fields_have_the_values_that_were_written() {
    says(&DiagnosticArray {
        header: header(""),
        status: vec![DiagnosticStatus {
            level: DiagnosticStatus::WARN,
            name: "arm".into(),
            message: "warm".into(),
            hardware_id: String::new(),
            values: vec![KeyValue { key: "motor".into(), value: "61".into() }],
        }],
    });
    let stream = Stream {
        topic: "/joint_states".into(),
        r#type: JointState::TYPE.into(),
        rate_hz: 499.5,
        expected_hz: 500.0,
        age_ms: 2.0,
        received: 1249,
        lost: 1,
        alarm: "slow".into(),
    };
    says(&Recording {
        header: header(""),
        state: Recording::RECORDING,
        path: "/bags/episode_0007".into(),
        episode: 7,
        seconds: 2.5,
        bytes: 1 << 40,
        streams: vec![stream],
    });
}

#[test]
fn an_image_is_a_slice_of_what_it_came_in() {
    let cdr = goldens()[Image::TYPE].little();
    let image = Image::decode(&cdr).expect("the golden decodes");
    assert!(cdr.as_ptr_range().contains(&image.data.as_ptr()), "the pixels were copied");
}

/// The interface files of one kind: the type each defines, and its text.
fn interfaces(kind: &str) -> Vec<(String, String)> {
    let files = fs::read_dir(root().join(kind)).expect("the folder of interfaces lists");
    let of = |path: &Path| {
        let name = path.file_stem().expect("an interface has a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(path).expect("an interface is text");
        (format!("apprentice/{kind}/{name}"), text)
    };
    files.map(|file| of(&file.expect("a folder that opened lists").path())).collect()
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

/// The hashes as ROS 2 Jazzy publishes them, which no script of ours had a hand in.
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
}

#[test]
fn a_type_we_do_not_have_is_found_in_a_sourced_workspace() -> Result<(), Box<dyn std::error::Error>> {
    let install = tempfile::tempdir()?;
    let folder = install.path().join("share/demo_msgs/msg");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("Outer.msg"), "# kept as it stands\nInner[] inner\nstd_msgs/Header header")?;
    fs::write(folder.join("Inner.msg"), "float64 w 1.0\n")?;
    let prefixes = ["/nowhere".into(), install.path().to_owned()];

    let found = find_under(&prefixes, "demo_msgs/msg/Outer")?;
    let rule = "=".repeat(80);
    let text = format!(
        "# kept as it stands\nInner[] inner\nstd_msgs/Header header\n\n{rule}\nMSG: demo_msgs/Inner\n\
         float64 w 1.0\n\n{rule}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n\n\
         {rule}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
    );
    assert_eq!(found.text, text);
    assert_eq!(apprentice::msg::definition::from_text("demo_msgs/msg/Outer", &text)?, found);

    let missing = find_under(&prefixes, "demo_msgs/msg/Absent").expect_err("there is no such file");
    assert!(missing.to_string().contains("demo_msgs/msg/Absent"), "{missing}");
    Ok(())
}
