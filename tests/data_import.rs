//! Recordings as a learner gets them: each stream where its rules put it, each action at its tick, nothing filled in.
//!
//! A shift of one tick between what was seen and what was done ruins a policy and shows in no loss curve, so every case says
//! which value belongs to which instant.

#[path = "support/demonstrations.rs"]
mod demonstrations;

use apprentice::data::{Before, Config, Driver, Failures, Gaps, Interventions};
use apprentice::msg::geometry::{Point, Pose, PoseStamped, Quaternion};
use apprentice::msg::own::{Command, Intervention};
use apprentice::msg::std::Float64MultiArray;
use demonstrations::{
    PERIOD, ROBOT, Said, Scratch, demonstration, header, instant, joints, leader, near, picture, said,
};

#[test]
fn every_tick_has_what_was_so_then_and_what_was_done_then() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    let dataset = scratch.add(&demonstration(1000), &[("success", "true")])?.open(&Config::default())?;
    assert_eq!(dataset.episodes.len(), 1);
    assert_eq!(dataset.layout.labels(), ["joints/position/a", "joints/position/b"]);
    let summary = dataset.summary();
    assert_eq!((summary.ticks, summary.success, summary.decoded), (26, [1, 0, 0], 1));
    assert!((summary.heard["joints"].rate_hz() - 101.0).abs() < 1e-9, "{:?}", summary.heard["joints"]);
    assert!(summary.remarks().is_empty(), "{:?}", summary.remarks());
    for tick in 0..26 {
        let at = tick as i64 * PERIOD;
        let seen = dataset.observation(0, tick)?;
        assert_eq!(seen.stamp, instant(at));
        assert!(near(&seen.state, &joints(at)), "{tick}: {:?}", seen.state);
        assert_eq!(seen.frames[0].pixels, vec![(at / 10 % 251) as u8; 8 * 6 * 3], "{tick}");
        assert!(near(&dataset.actions(0)[tick * 2..][..2], &leader(at)), "{tick}");
        let past = if tick == 0 { joints(0) } else { leader(at - PERIOD) };
        assert!(near(&seen.past, &past), "{tick}: {:?}", seen.past);
    }
    Ok(())
}

#[test]
fn a_stream_is_looked_at_before_the_tick_and_what_came_later_is_not_used() -> anyhow::Result<()> {
    let text = ROBOT
        .replace("max_age_ms: 50, time: header", "max_age_ms: 50, time: header, latency_ms: 17")
        .replace("max_age_ms: 100, time: header", "max_age_ms: 100, time: receive, latency_ms: 50");
    let mut scratch = Scratch::of(&text)?;
    // Joints come 5 ms after they were measured, pictures when they are taken.
    let late = |one: Said| if one.topic == "/joint_states" { Said { at: one.at + 5, ..one } } else { one };
    let mut heard: Vec<Said> = demonstration(1000).into_iter().map(late).collect();
    heard.sort_by_key(|one| one.at);
    let dataset = scratch.add(&heard, &[])?.open(&Config::default())?;
    let seen = dataset.observation(0, 5)?;
    let tick = (seen.stamp.0 - instant(0).0) / 1_000_000;
    // At tick − 17 ms there is a neighbour on either side that was received by then.
    assert!(near(&seen.state, &joints(tick - 17)), "{tick}: {:?}", seen.state);
    let newest = (tick - 50) / 40 * 40;
    assert_eq!(seen.frames[0].pixels[0], (newest / 10 % 251) as u8, "{tick}");
    Ok(())
}

#[test]
fn a_gap_ends_the_episode_and_is_never_filled() -> anyhow::Result<()> {
    let silent = |one: &Said| !(one.topic == "/joint_states" && (300..600).contains(&one.at));
    let mut heard = demonstration(1000);
    heard.retain(silent);
    let mut scratch = Scratch::new()?;
    let dataset = scratch.add(&heard, &[])?.open(&Config::default())?;
    let lengths: Vec<usize> = dataset.episodes.iter().map(|episode| episode.ticks).collect();
    assert_eq!(lengths, [9, 11], "0 to 320 ms, where the last message is 30 ms old, and 600 to 1000");
    assert_eq!((dataset.summary().heard["joints"].gaps, dataset.summary().cut), (6, 1));
    assert_eq!(dataset.observation(1, 0)?.stamp, instant(600));
    assert!(
        near(&dataset.observation(1, 0)?.past, &joints(600)),
        "what was done before the gap is not known"
    );
    let remarks = dataset.summary().remarks();
    assert!(
        remarks.iter().any(|remark| remark.starts_with("joints: nothing to say at 6 ticks")),
        "{remarks:?}"
    );
    let kept = scratch.open(&Config { gaps: Gaps::Drop, ..Config::default() })?;
    assert_eq!(kept.episodes.len(), 2, "what is dropped are windows");
    Ok(())
}

#[test]
fn kinesthetic_teaching_learns_the_next_position() -> anyhow::Result<()> {
    let text =
        ROBOT.replace("from: {topic: /leader, type: sensor_msgs/msg/JointState}", "from: {next: joints}");
    let mut scratch = Scratch::of(&text)?;
    let dataset = scratch.add(&demonstration(400), &[])?.open(&Config::default())?;
    for tick in 0..9 {
        let at = tick as i64 * PERIOD;
        assert!(near(&dataset.actions(0)[tick * 2..][..2], &joints(at + PERIOD)), "{tick}");
    }
    Ok(())
}

#[test]
fn a_known_lag_of_the_actions_is_taken_out() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    let mut config = Config::default();
    config.actions.offset_ms = 30.0;
    let dataset = scratch.add(&demonstration(400), &[])?.open(&config)?;
    assert!(near(&dataset.actions(0)[2..4], &leader(PERIOD + 30)), "{:?}", &dataset.actions(0)[2..4]);
    Ok(())
}

/// A demonstration in which the policy drives, a person takes over at 400 ms, and nobody drives from 800 ms on.
fn taking_over() -> Vec<Said> {
    let driver = |at: i64| match at {
        ..400 => Intervention::POLICY,
        400..800 => Intervention::HUMAN,
        _ => Intervention::HOLD,
    };
    let mut heard = demonstration(1000);
    for at in (0..=1000).step_by(20) {
        let names = ["a", "b"].map(String::from).to_vec();
        let values = leader(at).map(|value| value + 1.0).to_vec();
        heard.push(said(
            at,
            "/cell/command",
            &Command { header: header(at), names, values, ..Command::default() },
        ));
        let told = Intervention { header: header(at), driver: driver(at), ..Intervention::default() };
        heard.push(said(at, "/cell/intervention", &told));
    }
    heard.sort_by_key(|one| one.at);
    heard
}

#[test]
fn corrections_are_labelled_by_whoever_drove() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    scratch.add(&taking_over(), &[("success", "true")])?;
    let left = |at: i64| leader(at).map(|value| value + 1.0);
    for (interventions, learned, expected) in [
        (Interventions::Corrections, 10, left(PERIOD)),
        (Interventions::Successes, 20, left(PERIOD)),
        (Interventions::All, 20, left(PERIOD)),
        (Interventions::Expert, 26, leader(PERIOD)),
    ] {
        let dataset = scratch.open(&Config { interventions, ..Config::default() })?;
        assert_eq!((dataset.summary().ticks, dataset.summary().learned), (26, learned), "{interventions:?}");
        assert!(near(&dataset.actions(0)[2..4], &expected), "{interventions:?}");
        assert!(
            near(&dataset.actions(0)[22..24], &leader(11 * PERIOD)),
            "{interventions:?}: the person's own word"
        );
        let (drivers, past) = (dataset.drivers(0), dataset.observation(0, 11)?.past);
        assert_eq!((drivers[9], drivers[10], drivers[20]), (Driver::Policy, Driver::Human, Driver::Hold));
        assert!(near(&past, &left(10 * PERIOD)), "what was carried out is what left: {past:?}");
    }
    Ok(())
}

#[test]
fn before_the_first_word_it_was_whoever_that_word_says() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    let mut late = taking_over();
    late.retain(|one| one.topic != "/cell/intervention" || one.at >= 100);
    let dataset = scratch.add(&late, &[])?.open(&Config::default())?;
    assert_eq!(dataset.drivers(0)[..10], [Driver::Policy; 10]);
    assert_eq!(
        dataset.summary().learned,
        10,
        "nothing of the policy's is learned as if a person had done it"
    );
    Ok(())
}

#[test]
fn numbers_poses_and_depth_are_seen_as_their_layout_says() -> anyhow::Result<()> {
    let text = ROBOT.replace(
        "    front:",
        "    cube: {topic: /cube, type: geometry_msgs/msg/PoseStamped, align: linear, max_age_ms: 200, latency_ms: 20, time: header}
    things: {topic: things, type: std_msgs/msg/Float64MultiArray, align: newest, max_age_ms: 100}
    front:",
    );
    let text =
        text.replace("size: [8, 6], align: newest", "size: [8, 6], depth_m: [1.0, 2.0], align: newest");
    let mut scratch = Scratch::of(&text)?;
    let mut heard = demonstration(600);
    heard.retain(|one| one.topic != "/front");
    for at in (0..=600).step_by(40) {
        let depth: Vec<u8> = (0..16 * 12).flat_map(|_| 1500_u16.to_le_bytes()).collect();
        let mut image = picture(at, [16, 12]);
        (image.encoding, image.step, image.data) = ("16UC1".into(), 32, depth.into());
        heard.push(said(at, "/front", &image));
        heard.push(said(
            at,
            "/cell/things",
            &Float64MultiArray { data: vec![at as f64, 1.0, 2.0], ..Default::default() },
        ));
        // A quarter turn about z in the whole, with a sign that jumps: the same rotation.
        let half = std::f64::consts::FRAC_PI_4 * at as f64 / 600.0;
        let sign = if at % 80 == 0 { 1.0 } else { -1.0 };
        let orientation = Quaternion { x: 0.0, y: 0.0, z: sign * half.sin(), w: sign * half.cos() };
        heard.push(said(
            at,
            "/cube",
            &PoseStamped { header: header(at), pose: Pose { orientation, ..Pose::default() } },
        ));
    }
    heard.sort_by_key(|one| one.at);
    let dataset = scratch.add(&heard, &[])?.open(&Config::default())?;
    assert_eq!((dataset.layout.width(), dataset.layout.cameras[0].channels), (14, 1));
    let seen = dataset.observation(0, 5)?;
    let at = (seen.stamp.0 - instant(0).0) / 1_000_000;
    let turned = std::f64::consts::FRAC_PI_2 * (at - 20) as f64 / 600.0;
    let columns = [turned.cos(), turned.sin(), 0.0, -turned.sin(), turned.cos(), 0.0];
    assert!(near(&seen.state[3..9], &columns), "{:?} {columns:?}", &seen.state[3..9]);
    assert_eq!(seen.state[11..], [at as f32, 1.0, 2.0]);
    assert_eq!(seen.frames[0].pixels, [128; 48]);
    Ok(())
}

#[test]
fn a_pose_that_is_relative_is_seen_from_where_the_other_one_is() -> anyhow::Result<()> {
    let text = ROBOT.replace(
        "    front:",
        "    cube: {topic: /cube, type: geometry_msgs/msg/PoseStamped, align: newest, max_age_ms: 200, time: header}
    hand: {topic: /hand, type: geometry_msgs/msg/PoseStamped, relative_to: cube, align: newest, max_age_ms: 200, time: header}
    front:",
    );
    let mut scratch = Scratch::of(&text)?;
    let mut heard = demonstration(600);
    let quarter = Quaternion {
        z: std::f64::consts::FRAC_1_SQRT_2,
        w: std::f64::consts::FRAC_1_SQRT_2,
        ..Quaternion::default()
    };
    for at in (0..=600).step_by(20) {
        let place = |x: f64, y: f64, z: f64| Point { x, y, z };
        for (topic, position, orientation) in [
            ("/cube", place(at as f64 / 1000.0, 0.2, 0.0), quarter.clone()),
            ("/hand", place(at as f64 / 1000.0, 0.5, 0.1), Quaternion::default()),
        ] {
            let pose = Pose { position, orientation };
            heard.push(said(at, topic, &PoseStamped { header: header(at), pose }));
        }
    }
    heard.sort_by_key(|one| one.at);
    let dataset = scratch.add(&heard, &[])?.open(&Config::default())?;
    assert_eq!(dataset.layout.labels()[9], "hand/from cube/x");
    for tick in [0, 7] {
        let seen = dataset.observation(0, tick)?.state;
        // The cube is turned to the left by a quarter: the hand, left of it, is ahead and is turned to the right.
        assert!(near(&seen[9..18], &[0.3, 0.0, 0.1, 0.0, -1.0, 0.0, 1.0, 0.0, 0.0]), "{:?}", &seen[9..18]);
    }
    let goal = apprentice::data::goal::Goal { stream: "hand".into(), ..Default::default() };
    let refused =
        scratch.open(&Config { goal: Some(goal), ..Config::default() }).err().map(|why| why.to_string());
    assert!(refused.is_some_and(|why| why.starts_with("data.goal.stream: ")), "a goal is told as it is");
    Ok(())
}

#[test]
fn what_is_held_out_is_whole_recordings_and_always_the_same() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    for _ in 0..10 {
        let mut heard = demonstration(400);
        heard.retain(|one| !(one.topic == "/joint_states" && (150..250).contains(&one.at)));
        scratch.add(&heard, &[])?;
    }
    let dataset = scratch.open(&Config::default())?;
    assert_eq!(dataset.episodes.len(), 20);
    let (learned, judged) = dataset.split(0.3, 5);
    assert_eq!((learned.len(), judged.len()), (14, 6));
    let recording = |episode: &usize| dataset.episodes[*episode].recording;
    assert!(
        judged.iter().map(recording).all(|held| !learned.iter().map(recording).any(|other| other == held))
    );
    assert_eq!(dataset.split(0.3, 5), (learned.clone(), judged));
    assert_ne!(dataset.split(0.3, 6).0, learned);
    assert_eq!(dataset.split(0.0, 5).1.len(), 0);
    assert_eq!(dataset.split(0.01, 5).1.len(), 2, "one recording at the least");
    assert_eq!(dataset.split(1.0, 5).0.len(), 2, "and one to learn from");
    Ok(())
}

#[test]
fn what_was_learned_from_before_is_not_held_out_and_what_was_held_out_gives_way_to_what_is_new()
-> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    for _ in 0..10 {
        scratch.add(&demonstration(200), &[])?;
    }
    let dataset = scratch.open(&Config::default())?;
    let hashes: Vec<String> = dataset.identities().map(|(_, hash)| hash).collect();
    let held = |share: f64, before: &dyn Fn(usize) -> Before| {
        let place = |hash: &str| hashes.iter().position(|known| known == hash).expect("it is one of them");
        let (learned, held) = dataset.split_after(share, 5, |hash| before(place(hash)));
        assert_eq!(learned.len() + held.len(), 10);
        held
    };
    // The first eight were there, of which two were held out.
    let before = |recording: usize| match recording {
        3 | 5 => Before::HeldOut,
        0..8 => Before::Learned,
        _ => Before::Unseen,
    };
    let few = held(0.2, &before);
    assert!(few.len() == 1 && few[0] >= 8, "a fifth of four, a new one: {few:?}");
    assert_eq!(held(1.0, &before), [8, 9], "half of what was not learned from is");
    assert_eq!(held(0.0, &before), [0; 0]);
    let nothing_new = |recording| if recording >= 8 { Before::Learned } else { before(recording) };
    assert_eq!(held(0.2, &nothing_new), [3, 5], "what was held out stays so");
    assert_eq!(held(0.3, &|_| Before::Learned), [0; 0], "nothing is left to judge by");
    let one_new = |recording| if recording == 9 { Before::Unseen } else { Before::Learned };
    assert_eq!(held(0.3, &one_new), [0; 0], "what little is new is learned from");
    Ok(())
}

#[test]
fn a_recording_that_teaches_nothing_is_not_held_out() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    let shown = demonstration(400);
    let mut unaided = shown.clone();
    let told = Intervention { header: header(0), driver: Intervention::POLICY, ..Intervention::default() };
    unaided.insert(0, said(0, "/cell/intervention", &told));
    for recording in 0..8 {
        scratch.add(if recording < 2 { &shown } else { &unaided }, &[])?;
    }
    let dataset = scratch.open(&Config::default())?;
    assert_eq!(dataset.summary().learned, 2 * 11);
    for seed in 0..20 {
        let (learned, held) = dataset.split(0.5, seed);
        assert_eq!((learned.len(), held.len()), (7, 1));
        assert!(held[0] < 2, "seed {seed}: {held:?}");
    }
    Ok(())
}

/// A recording with its notes, and whether it went well.
type Case<'a> = (&'a [Said], &'a [(&'a str, &'a str)], bool);

#[test]
fn a_recording_went_well_where_whoever_drove_came_through_alone() -> anyhow::Result<()> {
    let mut scratch = Scratch::new()?;
    let shown = demonstration(400);
    let mut unaided = shown.clone();
    let told = Intervention { header: header(0), driver: Intervention::POLICY, ..Intervention::default() };
    unaided.insert(0, said(0, "/cell/intervention", &told));
    let (yes, no) = ([("success", "true")], [("success", "false")]);
    let corrected = taking_over();
    let cases: [Case<'_>; 7] = [
        (&shown, &[], true),
        (&shown, &yes, true),
        (&shown, &no, false),
        (&unaided, &yes, true),
        (&unaided, &no, false),
        (&unaided, &[], false),
        (&corrected, &yes, false),
    ];
    for (heard, notes, _) in cases {
        scratch.add(heard, notes)?;
    }
    let dataset = scratch.open(&Config { failures: Failures::Keep, ..Config::default() })?;
    for (recording, (_, notes, well)) in cases.into_iter().enumerate() {
        assert_eq!(dataset.went_well(recording), well, "{recording}: {notes:?}");
    }
    Ok(())
}
