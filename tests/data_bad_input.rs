//! Recordings that cannot be, or not wholly, learned from: each is an error that says why, or a drop that is counted.
//!
//! Whatever is not said here is found out months later, on a robot that acts strangely.

#[path = "support/demonstrations.rs"]
mod demonstrations;

use std::fs;

use apprentice::data::{Config, Dropped, Error, Failures, Rules, Shape, Windows};
use apprentice::msg::Message as _;
use apprentice::msg::sensor::{CompressedImage, Image, JointState};
use apprentice::msg::std::Float64MultiArray;
use bytes::Bytes;
use demonstrations::{ROBOT, Said, Scratch, demonstration, header, joints, leader, picture, said, state};

/// The error of a data set of one bag.
fn error_of(heard: &[Said]) -> anyhow::Result<String> {
    let mut scratch = Scratch::new()?;
    let opened = scratch.add(heard, &[])?.open(&Config::default());
    Ok(opened.expect_err("it cannot be learned from").to_string())
}

/// What is remarked of a data set of one bag whose messages of `topic` are changed.
fn remarks_after(topic: &str, change: impl Fn(i64) -> Option<Said>) -> anyhow::Result<(Vec<String>, usize)> {
    let changed = |one: Said| if one.topic == topic { change(one.at).unwrap_or(one) } else { one };
    let heard: Vec<Said> = demonstration(1000).into_iter().map(changed).collect();
    let mut scratch = Scratch::new()?;
    let dataset = scratch.add(&heard, &[])?.open(&Config::default())?;
    Ok((dataset.summary().remarks(), dataset.summary().ticks))
}

#[test]
fn a_topic_that_is_missing_or_silent_is_named() -> anyhow::Result<()> {
    let mut without = demonstration(400);
    without.retain(|one| one.topic != "/leader");
    assert!(error_of(&without)?.ends_with("the topic \"/leader\" is not in it"), "{}", error_of(&without)?);
    let other: Vec<Said> = demonstration(400)
        .into_iter()
        .map(|one| match one.topic.as_str() {
            "/leader" => {
                said(one.at, "/leader", &Float64MultiArray { data: vec![0.0; 2], ..Default::default() })
            }
            _ => one,
        })
        .collect();
    assert!(error_of(&other)?.contains("the topic \"/leader\" is std_msgs/msg/Float64MultiArray in it"));
    Ok(())
}

#[test]
fn an_empty_bag_and_one_without_a_demonstration_are_left_out() -> anyhow::Result<()> {
    assert!(error_of(&[])?.ends_with("there is no message in it"), "{}", error_of(&[])?);
    // All of them speak, but the joints are over before the first picture comes.
    let never = |one: &Said| if one.topic == "/joint_states" { one.at < 200 } else { one.at >= 500 };
    let mut apart = demonstration(1000);
    apart.retain(never);
    assert!(error_of(&apart)?.contains("\"joints\" has nothing to say at 13 ticks"), "{}", error_of(&apart)?);
    let mut idle = demonstration(1000);
    idle.retain(|one| one.topic != "/leader");
    idle.push(said(1030, "/leader", &state(1030, leader(1030))));
    assert!(error_of(&idle)?.contains("26 ticks lie before the first"), "{}", error_of(&idle)?);
    Ok(())
}

#[test]
fn a_renamed_joint_is_named_with_those_that_are_there() -> anyhow::Result<()> {
    let renamed: Vec<Said> = demonstration(400)
        .into_iter()
        .map(|one| match one.topic.as_str() {
            "/joint_states" => {
                let name = ["a", "elbow"].map(String::from).to_vec();
                let position = joints(one.at).to_vec();
                said(
                    one.at,
                    "/joint_states",
                    &JointState { header: header(one.at), name, position, ..Default::default() },
                )
            }
            _ => one,
        })
        .collect();
    let error = error_of(&renamed)?;
    assert!(
        error.contains("\"/joint_states\" can be used: the joint \"b\" is not in it, which has a, elbow"),
        "{error}"
    );
    Ok(())
}

#[test]
fn stamps_of_another_clock_are_named_where_no_tick_is_left() -> anyhow::Result<()> {
    const TEN_HOURS: i64 = 36_000_000;
    let stamped = |one: Said| match one.topic.as_str() {
        "/joint_states" => said(one.at, "/joint_states", &state(one.at - TEN_HOURS, joints(one.at))),
        _ => one,
    };
    let error = error_of(&demonstration(400).into_iter().map(stamped).collect::<Vec<_>>())?;
    assert!(
        error.contains("at no tick do all of its streams speak") && error.contains("10 hours"),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_number_that_is_none_is_counted_and_never_learned() -> anyhow::Result<()> {
    let nan = |topic: &'static str| {
        move |at: i64| (at == 400).then(|| said(at, topic, &state(at, [f64::NAN, 1.0])))
    };
    let (remarks, ticks) = remarks_after("/joint_states", nan("/joint_states"))?;
    assert_eq!(remarks, ["joints: 1 of 101 messages are not used: position/a is NaN"]);
    assert_eq!(ticks, 26, "the message before it is young enough");
    let (remarks, _) = remarks_after("/leader", nan("/leader"))?;
    assert_eq!(remarks, ["act.parts.arm: 1 of 51 messages are not used: a is NaN"]);
    Ok(())
}

#[test]
fn a_header_that_goes_back_in_time_is_counted() -> anyhow::Result<()> {
    let back = |at: i64| (at == 400).then(|| said(at, "/joint_states", &state(at - 100, joints(at))));
    let (remarks, ticks) = remarks_after("/joint_states", back)?;
    assert_eq!(remarks, ["joints: 1 messages went back in time and are not used"]);
    assert_eq!(ticks, 26);
    Ok(())
}

#[test]
fn pictures_of_two_sizes_become_one_and_it_is_said() -> anyhow::Result<()> {
    let larger = |at: i64| (at >= 400).then(|| said(at, "/front", &picture(at, [20, 15])));
    let (remarks, ticks) = remarks_after("/front", larger)?;
    assert_eq!(remarks, ["front: its pictures came in 16×12, 20×15 and are all brought to one size"]);
    assert_eq!(ticks, 26);
    Ok(())
}

#[test]
fn a_picture_that_does_not_decode_is_counted() -> anyhow::Result<()> {
    let torn = |at: i64| {
        (at == 400).then(|| {
            said(at, "/front", &Image { data: Bytes::from_static(&[1, 2]), ..picture(at, [16, 12]) })
        })
    };
    let (remarks, _) = remarks_after("/front", torn)?;
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(
        remarks[0].starts_with("front: 1 of 26 messages are not used: its picture: 16×12"),
        "{remarks:?}"
    );
    let text = ROBOT.replace("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage");
    let mut scratch = Scratch::of(&text)?;
    let compressed = |one: Said| match one.topic.as_str() {
        "/front" => said(
            one.at,
            "/front",
            &CompressedImage { format: "jpeg".into(), data: Bytes::from_static(b"no"), ..Default::default() },
        ),
        _ => one,
    };
    let heard: Vec<Said> = demonstration(400).into_iter().map(compressed).collect();
    let error =
        scratch.add(&heard, &[])?.open(&Config::default()).expect_err("no picture decodes").to_string();
    assert!(error.contains("no message of \"/front\" can be used: its picture: "), "{error}");
    Ok(())
}

#[test]
fn a_damaged_bag_is_left_out_beside_a_whole_one() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    scratch.add(&demonstration(400), &[])?.add(&demonstration(400), &[])?;
    let torn = scratch.bags[0].join("metadata.yaml");
    fs::write(&torn, "no metadata")?;
    scratch.bags.push(scratch.folder.path().join("nowhere"));
    let dataset = scratch.open(&Config::default())?;
    let dropped = &dataset.summary().dropped;
    assert_eq!((dataset.episodes.len(), dropped.len()), (1, 2), "{dropped:?}");
    assert!(dropped.iter().all(|(_, why)| matches!(why, Dropped::Bag(_))), "{dropped:?}");
    let remarks = dataset.summary().remarks();
    assert!(remarks[0].contains("episode_0000 is left out: it cannot be read"), "{remarks:?}");
    Ok(())
}

#[test]
fn a_demonstration_that_is_there_twice_counts_once() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    scratch.add(&demonstration(400), &[])?.add(&demonstration(400), &[])?;
    let copy = scratch.folder.path().join("copy");
    std::fs::create_dir(&copy)?;
    for entry in std::fs::read_dir(&scratch.bags[0])? {
        let file = entry?;
        std::fs::write(copy.join(file.file_name()), std::fs::read(file.path())?)?;
    }
    scratch.bags.push(copy.clone());
    let dataset = scratch.open(&Config::default())?;
    let [(path, why)] = &dataset.summary().dropped[..] else { anyhow::bail!("{:?}", dataset.summary()) };
    assert_eq!((path, dataset.episodes.len()), (&copy, 2), "and those that are only alike count both");
    assert!(why.in_words().contains("it is the same as") && why.in_words().contains("episode_0000"), "{why}");
    Ok(())
}

#[test]
fn failures_are_left_out_unless_they_are_wanted() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    scratch
        .add(&demonstration(400), &[("success", "false")])?
        .add(&demonstration(400), &[("success", "true")])?;
    let dataset = scratch.open(&Config::default())?;
    assert!(matches!(dataset.summary().dropped[..], [(_, Dropped::Failed)]));
    let all = scratch.open(&Config { failures: Failures::Keep, ..Config::default() })?;
    assert_eq!((all.episodes.len(), all.summary().success), (2, [1, 1, 0]));
    Ok(())
}

#[test]
fn a_demonstration_shorter_than_a_chunk_is_learned_with_its_end_masked_and_counted() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    let dataset = scratch.add(&demonstration(160), &[])?.open(&Config::default())?;
    let windows = Windows::new(&dataset, &[0], Shape { history: 2, chunk: 16 }, Rules::default())?;
    assert_eq!((windows.len(), windows.short()), (5, 1));
    let config = Config { gaps: apprentice::data::Gaps::Drop, ..Config::default() };
    let whole = scratch.open(&config)?;
    assert_eq!(Windows::new(&whole, &[0], Shape { history: 2, chunk: 16 }, Rules::default())?.len(), 5);
    Ok(())
}

#[test]
fn settings_that_do_not_go_with_the_data_are_named_by_their_key() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    scratch.add(&demonstration(400), &[("quality", "fair")])?;
    let error = scratch.open(&Config::default()).expect_err("a word nobody weighs").to_string();
    assert_eq!(
        error,
        "data.weights.quality: a recording's quality is \"fair\", which is neither one of its words nor a number"
    );
    let mut scratch =
        Scratch::of(&ROBOT.replace("sensor_msgs/msg/JointState},\n", "geometry_msgs/msg/PoseStamped},\n"))?;
    let error = scratch
        .add(&demonstration(400), &[])?
        .open(&Config::default())
        .expect_err("joints from a pose")
        .to_string();
    assert!(
        error.starts_with("act.parts.arm.from: joints cannot be learned from geometry_msgs/msg/PoseStamped"),
        "{error}"
    );
    assert!(matches!(Scratch::new()?.open(&Config::default()), Err(Error::NoRecordings)));
    Ok(())
}

#[test]
fn a_message_that_is_no_message_is_counted() -> anyhow::Result<()> {
    let mut heard = demonstration(400);
    let torn = heard.iter_mut().find(|one| one.topic == "/leader" && one.at == 200).expect("it is there");
    torn.cdr = Bytes::from_static(&[0, 1, 0, 0, 9]);
    assert_eq!(torn.type_name, JointState::TYPE);
    let mut scratch = Scratch::new()?;
    let dataset = scratch.add(&heard, &[])?.open(&Config::default())?;
    assert_eq!(dataset.summary().heard["act.parts.arm"].bad.values().sum::<u64>(), 1);
    let expected = leader(200);
    assert!(demonstrations::near(&dataset.actions(0)[10..12], &expected), "its neighbours tell the same");
    Ok(())
}

#[test]
fn a_stamp_from_a_clock_that_goes_before_costs_its_message_and_no_other() -> anyhow::Result<()> {
    let ahead = |by: i64| {
        let one = move |at: i64| {
            let told = JointState { header: header(at + by), ..state(at, joints(at)) };
            (at == 200).then(|| said(at, "/joint_states", &told))
        };
        remarks_after("/joint_states", one)
    };
    let (remarks, ticks) = ahead(600_000)?;
    let told =
        "joints: 1 of 101 messages are not used: it is stamped 600s after it was received: the clocks differ";
    assert_eq!((remarks, ticks), (vec![told.to_owned()], 26));
    Ok(())
}
