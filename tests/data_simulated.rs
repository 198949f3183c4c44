//! The expert's demonstrations in the simulator, recorded by the ordinary recorder, as a learner gets them.
//!
//! A simulated tick has exact instants, so that what was seen and what the expert did about it must meet to the bit: here a shift
//! between observation and action would show, which on a robot nobody could tell from noise.
#![cfg(feature = "sim")]

#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;
#[path = "support/simulating.rs"]
mod simulating;

use std::collections::BTreeMap;

use anyhow::Context as _;
use apprentice::bag;
use apprentice::bus::Node;
use apprentice::config::Settings;
use apprentice::data::{Config, Dataset, Subject};
use apprentice::msg::Message as _;
use apprentice::msg::own::Command;
use apprentice::msg::sensor::JointState;
use apprentice::msg::std::Float64MultiArray;
use apprentice::node::Stop;
use apprentice::node::simulator::{self, Collected, Options, Pace};
use recording::{config, session};
use simulating::{ROBOT, options};

/// Our arm without its cameras, told where it is to go.
fn settings() -> anyhow::Result<Settings> {
    let target = "  streams:
    target: {topic: /target_pose, type: geometry_msgs/msg/PoseStamped, align: linear, max_age_ms: 50, time: header}
";
    let mut settings = Settings::parse(&ROBOT.replacen("  streams:\n", target, 1), "sim_arm.yaml")?;
    settings.observe.streams.retain(|_, stream| stream.size.is_none());
    Ok(settings)
}

#[test]
fn what_the_expert_saw_and_what_it_did_meet_at_every_tick() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let settings = settings()?;
    let wanted = Options {
        seed: 3,
        episodes: Some(3),
        observe: settings.observe.clone(),
        ..options("reach", Pace::Fast, Float64MultiArray::TYPE)?
    };
    let expected = settings.expected(&Node::new("recorder", "")?)?;
    let mut bags = Vec::new();
    let keep = |one: &Collected| bags.push(one.path.clone());
    simulator::collect(
        &wanted,
        &expected,
        config(),
        session(&out.path().join("bags")),
        &Stop::default(),
        keep,
    )?;

    let subject = Subject {
        robot: &settings.robot,
        observe: &settings.observe,
        act: settings.act.as_ref().context("our arm is moved")?,
    };
    let dataset = Dataset::open(&bags, subject, &Config::default(), &out.path().join("cache"), &|_| {})?;
    assert_eq!((dataset.episodes.len(), dataset.summary().success), (3, [3, 0, 0]));
    assert_eq!((dataset.layout.width(), dataset.layout.actions.len()), (16, 7));
    assert!(dataset.summary().remarks().len() <= 1, "{:?}", dataset.summary().remarks());
    for (number, path) in bags.iter().enumerate() {
        let (mut meant, mut measured) = (BTreeMap::new(), BTreeMap::new());
        for sample in bag::open(path)?.samples(&["/expert/command", "/joint_states"]) {
            let sample = sample?;
            if sample.topic.type_name == Command::TYPE {
                meant.insert(sample.received, Command::decode(&sample.cdr)?.values);
            } else {
                measured.insert(sample.received, JointState::decode(&sample.cdr)?.position);
            }
        }
        let ticks = dataset.episodes[number].ticks;
        assert!(ticks >= meant.len() / 4, "{ticks} ticks of {} commands", meant.len());
        for tick in 0..ticks {
            let seen = dataset.observation(number, tick)?;
            let floats = |row: &[f64]| row.iter().map(|value| *value as f32).collect::<Vec<f32>>();
            assert_eq!(seen.state[..7], floats(&measured[&seen.stamp]), "{tick}");
            // The last observation is of how it came out: nothing was done about it, and the last command still stands.
            let (_, done) = meant.range(..=seen.stamp).next_back().context("a command at every tick")?;
            assert_eq!(dataset.actions(number)[tick * 7..][..7], floats(done), "{tick}");
        }
    }
    Ok(())
}
