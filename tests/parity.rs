//! The importer's observations and those of a robot that hears the same messages, to the byte.
//!
//! What a policy was trained on must be what it gets. The robot's side listens on a bus on which the bag is played, asks its
//! observer at each tick, and knows nothing of the importer.

#[path = "support/demonstrations.rs"]
mod demonstrations;

use std::time::Duration;

use apprentice::bag;
use apprentice::bus::replay::{Pace, Reached, Replay};
use apprentice::bus::{Bus, Inbox, Limit, Node, Subscription};
use apprentice::data::observe::{Decoder, Observer};
use apprentice::data::{Config, Dataset, Observation};
use apprentice::msg::geometry::{Point, Pose, PoseStamped, Quaternion};
use apprentice::noise::Noise;
use apprentice::time::Stamp;
use apprentice::wire::{Qos, Topic};
use demonstrations::{ROBOT, Said, Scratch, demonstration, header, instant, said};

/// A demonstration whose messages come late, by chance and out of step with the grid, and of which some are lost.
fn disorderly(seed: u64) -> Vec<Said> {
    let mut noise = Noise::new(seed);
    let late = |one: Said, noise: &mut Noise| Said { at: one.at + noise.below(15) as i64, ..one };
    let mut heard = demonstration(2000);
    heard.extend(poses());
    heard.retain(|_| !noise.chance(0.1));
    heard = heard.into_iter().map(|one| late(one, &mut noise)).collect();
    heard.sort_by_key(|one| one.at);
    heard
}

/// A hand that is seen from a cube, each by rules of its own.
const POSES: &str =
    "    cube: {topic: /cube, type: geometry_msgs/msg/PoseStamped, align: newest, max_age_ms: 200, time: header}
    hand: {topic: /hand, type: geometry_msgs/msg/PoseStamped, align: linear, max_age_ms: 200, latency_ms: 20, relative_to: cube}
";

/// The hand and the cube, of which the one moves and turns and the other moves.
fn poses() -> Vec<Said> {
    let pose = |at: i64, speed: f64, turn: f64| {
        let orientation = Quaternion { x: 0.0, y: (turn / 2.0).sin(), z: 0.0, w: (turn / 2.0).cos() };
        let position = Point { x: speed * at as f64, y: 0.2, z: -0.1 };
        PoseStamped { header: header(at), pose: Pose { position, orientation } }
    };
    let mut poses = Vec::new();
    for at in (0..=2000).step_by(20) {
        poses.push(said(at, "/cube", &pose(at, 0.001, 0.5)));
        poses.push(said(at, "/hand", &pose(at, -0.002, 0.003 * at as f64)));
    }
    poses
}

/// What a robot knows at each of the instants.
fn on_the_robot(scratch: &Scratch, dataset: &Dataset, ticks: &[Stamp]) -> anyhow::Result<Vec<Observation>> {
    let observe = &scratch.settings.observe;
    let replay = Replay::open(bag::open(&scratch.bags[0])?, Pace::Stepped, Node::new("runner", "")?)?;
    let inbox = Inbox::new(Limit { samples: 10_000, bytes: 1 << 28 });
    let topics: Vec<String> =
        dataset.layout.streams().map(|name| observe.streams[name].topic.to_string()).collect();
    let subscribe = |name: &str| {
        let topic =
            Topic::new(observe.streams[name].topic.as_str(), observe.streams[name].type_name.as_str());
        replay.subscribe(&topic.with(Qos::reliable(10)), &inbox)
    };
    let _heard: Vec<Subscription> = dataset.layout.streams().map(subscribe).collect::<Result<_, _>>()?;
    let (decoder, mut observer) =
        (Decoder::new(&dataset.layout, observe), Observer::new(&dataset.layout, observe));
    let mut seen = Vec::new();
    for tick in ticks {
        // The robot hears a little more than it thinks of: thinking runs beside listening.
        assert_eq!(replay.step_to(*tick + Duration::from_millis(30)), Reached::Goal);
        while let Some(sample) = inbox.take() {
            let stream = topics.iter().position(|topic| *topic == sample.topic.name).expect("one of ours");
            if let Ok((stamps, reading)) = decoder.read(stream, &sample) {
                observer.see(stream, stamps, reading);
            }
        }
        seen.push(observer.at(*tick)?);
    }
    Ok(seen)
}

#[test]
fn a_bag_and_a_robot_give_the_same_observations_to_the_byte() -> anyhow::Result<()> {
    for (seed, text) in [
        (1, ROBOT.to_owned()),
        (2, ROBOT.replace("max_age_ms: 50, time: header", "max_age_ms: 50, time: header, latency_ms: 25")),
        (3, ROBOT.replace("time: header", "time: receive")),
        (4, ROBOT.replace("    joints: {topic", &format!("{POSES}    joints: {{topic"))),
    ] {
        let mut scratch = Scratch::of(&text)?;
        let dataset = scratch.add(&disorderly(seed), &[])?.open(&Config::default())?;
        let places: Vec<(usize, usize)> = dataset
            .episodes
            .iter()
            .enumerate()
            .flat_map(|(number, episode)| (0..episode.ticks).map(move |tick| (number, tick)))
            .collect();
        let imported = places
            .iter()
            .map(|(episode, tick)| dataset.observation(*episode, *tick))
            .collect::<Result<Vec<_>, _>>()?;
        assert!(imported.len() > 40, "{} ticks", imported.len());
        let ticks: Vec<Stamp> = imported.iter().map(|seen| seen.stamp).collect();
        assert!(ticks[0] >= instant(0));
        let robot = on_the_robot(&scratch, &dataset, &ticks)?;
        for (one, other) in imported.iter().zip(&robot) {
            assert_eq!(one.stamp, other.stamp);
            let bits = |row: &[f32]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&one.state), bits(&other.state), "at {}", one.stamp);
            for (one, other) in one.frames.iter().zip(&other.frames) {
                assert_eq!((one.size, &one.pixels), (other.size, &other.pixels));
            }
        }
    }
    Ok(())
}
