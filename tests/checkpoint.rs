//! Checkpoints: what was saved is what is loaded, whatever happens in between, or it is refused in words.
//!
//! A policy that loads with one wrong number moves an arm just the same. So every file is spoiled here in every way a disk, a copy
//! or a hand can, and each must be found.
#![cfg(feature = "learn")]

#[path = "support/policies.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use apprentice::data::Layout;
use apprentice::noise::Noise;
use apprentice::policy::checkpoint::{self, Bag, Contents, Origin};
use apprentice::policy::{Error, Policy, Spec};
use support::*;
use tch::{Device, Tensor};

const TEXT: &str = "{history: 2, chunk: 4, width: 8, encoder: {convnet: {channels: [2, 2, 2]}}, \
                    head: {mse: {width: 8, layers: 1}}}";
const SETTINGS: &str = "# as written\nrobot: {name: two}\n";
const FILES: [&str; 5] = ["weights.safetensors", "config.yaml", "spec.yaml", "stats.json", "provenance.json"];

/// Weights with their names.
type Named = Vec<(String, Tensor)>;

fn origin() -> Origin {
    let bags = vec![Bag { name: "episode_0000".to_owned(), hash: "2cf2".to_owned() }];
    let notes = BTreeMap::from([("loss".to_owned(), "0.1".to_owned())]);
    Origin { bags, seed: 7, steps: 100, notes, ..Origin::default() }
}

fn save(path: &Path, policies: &[&Policy]) -> Result<(), Error> {
    let members: Vec<_> = policies.iter().map(|policy| policy.weights().named()).collect();
    save_weights(path, policies[0], &members)
}

fn save_weights(path: &Path, policy: &Policy, members: &[Named]) -> Result<(), Error> {
    let (spec, statistics) = (policy.spec(), policy.statistics());
    checkpoint::save(
        path,
        &Contents { spec, statistics, settings: SETTINGS, members, landmarks: None, origin: &origin() },
    )
}

fn small() -> (Spec, Policy) {
    let spec = spec(TEXT, layout(true, true));
    let policy = made(&spec, 1);
    (spec, policy)
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("a scratch folder")
}

fn opened(path: &Path) -> Result<checkpoint::Checkpoint, Error> {
    checkpoint::open(path, Device::Cpu)
}

fn chain(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {}", chain(source))).unwrap_or_default();
    format!("{error}{source}")
}

#[test]
fn what_is_loaded_does_what_was_saved() -> Result<(), Error> {
    let folder = scratch();
    let path = folder.path().join("best");
    let (spec, policy) = small();
    save(&path, &[&policy])?;
    let loaded = opened(&path)?;
    let mut noise = Noise::new(5);
    let observations = [observation(&spec.layout, 0, &mut noise), observation(&spec.layout, 1, &mut noise)];
    let wanted = policy.act(&observations, None, &mut Noise::new(6))?;
    assert_eq!(loaded.policy.act(&observations, None, &mut Noise::new(6))?, wanted);
    let only = loaded.policy.members().next().expect("one");
    assert_eq!((only.spec(), only.statistics()), (policy.spec(), policy.statistics()));
    for ((name, saved), (also, loaded)) in policy.weights().named().iter().zip(only.weights().named()) {
        assert!(*name == also && *saved == loaded && loaded.requires_grad(), "{name}");
    }
    assert_eq!((loaded.settings.as_str(), loaded.provenance.origin), (SETTINGS, origin()));
    let mut names: Vec<String> = fs::read_dir(&path)
        .expect("it is there")
        .map(|entry| entry.expect("it lists").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut wanted = FILES.to_vec();
    wanted.sort_unstable();
    assert_eq!(names, wanted, "and nothing else");
    Ok(())
}

#[test]
fn an_ensemble_is_saved_with_all_its_members() -> Result<(), Error> {
    let folder = scratch();
    let path = folder.path().join("best");
    let (spec, first) = small();
    let (second, third) = (made(&spec, 2), made(&spec, 3));
    save(&path, &[&first, &second, &third])?;
    let loaded = opened(&path)?.policy;
    let weights = |policy: &Policy| policy.weights().named().remove(0).1;
    let pairs = loaded.members().zip([&first, &second, &third]);
    assert_eq!(loaded.members().count(), 3);
    assert!(pairs.into_iter().all(|(loaded, saved)| weights(loaded) == weights(saved)));
    fs::remove_file(path.join("members/1.safetensors")).expect("it was there");
    let words = opened(&path).expect_err("one is missing").to_string();
    assert!(words.contains("members/1.safetensors") && words.contains("it is not there"), "{words}");
    Ok(())
}

#[test]
fn a_run_means_its_best() -> Result<(), Error> {
    let run = scratch();
    let (_, policy) = small();
    let words = opened(run.path()).expect_err("nothing is there").to_string();
    assert!(words.contains("neither a checkpoint nor the folder of a run"), "{words}");
    save(&run.path().join("best"), &[&policy])?;
    assert_eq!(checkpoint::find(run.path())?, run.path().join("best"));
    assert_eq!(opened(run.path())?.path, run.path().join("best"));
    Ok(())
}

#[test]
fn a_checkpoint_of_another_form_is_refused_in_words() -> Result<(), Error> {
    let folder = scratch();
    let path = folder.path().join("best");
    let (_, policy) = small();
    save(&path, &[&policy])?;
    let file = path.join("provenance.json");
    let text = fs::read_to_string(&file).expect("it was written");
    for form in ["", "  \"form\": 1,\n"] {
        fs::write(&file, text.replace("  \"form\": 2,\n", form)).expect("it can be written");
        let words = opened(&path).expect_err("it says something else").to_string();
        assert!(words.contains("this one reads the form 2: train it again"), "{words}");
    }
    Ok(())
}

#[test]
fn every_flipped_byte_and_every_missing_piece_is_found() -> Result<(), Error> {
    let folder = scratch();
    let path = folder.path().join("best");
    let (_, policy) = small();
    save(&path, &[&policy])?;
    for name in FILES {
        let file = path.join(name);
        let whole = fs::read(&file).expect("it was written");
        // All of them would take minutes: the ends, where formats keep their structure, and steps of a prime in between.
        let places = (0..whole.len()).filter(|at| *at < 24 || whole.len() - at < 8 || at % 397 == 0);
        let flipped = places.map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            (format!("byte {at} flipped"), bytes)
        });
        let cut = [0, 1, whole.len() / 2, whole.len() - 1]
            .map(|end| (format!("cut at {end}"), whole[..end].to_vec()));
        let longer = [(String::from("a byte more"), [&whole[..], b"\n"].concat())];
        for (what, bytes) in flipped.chain(cut).chain(longer) {
            fs::write(&file, &bytes).expect("it is written");
            match opened(&path) {
                Err(Error::Damaged { path: found, .. }) => assert_eq!(found, file, "{what}"),
                other => panic!("{name}: {what}: {other:?}"),
            }
        }
        fs::remove_file(&file).expect("it is there");
        assert!(opened(&path).is_err(), "{name} is gone");
        fs::write(&file, &whole).expect("it is written");
    }
    opened(&path).map(drop)
}

#[test]
fn weights_of_another_network_are_refused_by_name() -> Result<(), Error> {
    let folder = scratch();
    let (_, policy) = small();
    let words = |change: &dyn Fn(&mut Named)| {
        let path = folder.path().join("best");
        let mut weights: Named = policy
            .weights()
            .named()
            .into_iter()
            .map(|(name, tensor)| (name, tensor.detach().copy()))
            .collect();
        change(&mut weights);
        save_weights(&path, &policy, &[weights]).expect("it is saved");
        opened(&path).expect_err("it is no such network").to_string()
    };
    let missing = words(&|weights| drop(weights.remove(0)));
    assert!(missing.contains("it lacks \"encoder.numbers.0.weight\""), "{missing}");
    let stray = words(&|weights| weights[0].0.push('s'));
    assert!(stray.contains("\"encoder.numbers.0.weights\", which the network has not"), "{stray}");
    let shape = words(&|weights| weights[0].1 = weights[0].1.transpose(0, 1));
    assert!(shape.contains("F32 [5, 8] where Float [8, 5] is wanted"), "{shape}");
    let kind = words(&|weights| weights[0].1 = weights[0].1.to_kind(tch::Kind::Double));
    assert!(kind.contains("F64 [8, 5] where Float"), "{kind}");
    let none = words(&|weights| drop(weights[0].1.get(0).fill_(f64::NAN)));
    assert!(none.contains("numbers that are none"), "{none}");
    Ok(())
}

#[test]
fn a_policy_for_another_robot_is_refused_in_words() -> Result<(), Error> {
    let folder = scratch();
    let path = folder.path().join("best");
    let (spec, policy) = small();
    save(&path, &[&policy])?;
    let refused = |change: &dyn Fn(&mut Layout)| {
        let mut robot = spec.layout.clone();
        change(&mut robot);
        match checkpoint::open_for(&path, &robot, Device::Cpu) {
            Err(Error::OtherRobot { differences, .. }) => differences,
            other => panic!("it is another robot's: {other:?}"),
        }
    };
    checkpoint::open_for(&path, &spec.layout, Device::Cpu)?;
    assert_eq!(refused(&|robot| robot.rate_hz = 30.0), "it sees 25 times a second, the robot shows 30");
    assert_eq!(
        refused(&|robot| robot.actions.reverse()),
        "it moves elbow, gripper, the robot moves the same in another order: gripper, elbow"
    );
    assert_eq!(
        refused(&|robot| robot.state[1].labels[0] = "position/wrist".to_owned()),
        "of \"joints\" it sees \"position/elbow\" where the robot shows \"position/wrist\""
    );
    assert_eq!(refused(&|robot| drop(robot.actions.pop())), "it moves also \"gripper\"");
    assert_eq!(
        refused(&|robot| robot.cameras[0].size = [48, 40]),
        "it sees \"front\" with 72×64 pixels of 3 bytes, the robot shows 48×40 pixels of 3 bytes"
    );
    let renamed = refused(&|robot| robot.cameras[0].stream = "wrist".to_owned());
    assert_eq!(
        renamed,
        "it sees \"front\", which the robot does not show; it does not see \"wrist\", which the robot shows"
    );
    assert_eq!(
        refused(&|robot| robot.goal.clear()),
        "its goal is cube/x, cube/y, cube/z, the robot's is none"
    );
    assert_eq!(refused(&|robot| robot.state.reverse()), "its numbers stand in another order");
    Ok(())
}

#[test]
fn what_a_killed_save_left_is_taken_away_and_a_place_that_is_none_is_said() -> Result<(), Error> {
    let folder = scratch();
    let path = folder.path().join("best");
    let (_, policy) = small();
    fs::create_dir_all(folder.path().join(".best.new/members")).expect("left behind");
    fs::write(folder.path().join(".best.new/junk"), "half").expect("left behind");
    save(&path, &[&policy])?;
    save(&path, &[&policy])?;
    let left: Vec<PathBuf> =
        fs::read_dir(folder.path()).expect("it lists").map(|entry| entry.expect("it lists").path()).collect();
    assert_eq!(left, std::slice::from_ref(&path));
    opened(&path)?;
    let nowhere = path.join("config.yaml").join("best");
    let words = chain(&save(&nowhere, &[&policy]).expect_err("a file is no folder"));
    assert!(words.contains("best") && words.contains("Not a directory"), "{words}");
    Ok(())
}

/// Where the child of the next test saves.
const PLACE: &str = "APPRENTICE_TEST_CHECKPOINT";

#[test]
fn a_kill_while_saving_leaves_a_whole_checkpoint() -> Result<(), Error> {
    let folder = scratch();
    let path = folder.path().join("best");
    let (_, policy) = small();
    save(&path, &[&policy])?;
    let mut noise = Noise::new(11);
    let mut later = 0;
    for _ in 0..20 {
        let before = fs::read(path.join("provenance.json")).expect("it is there");
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "saves_until_it_is_killed", "--ignored"])
            .env(PLACE, &path)
            .stdout(Stdio::null())
            .spawn()
            .expect("a child of this test");
        let deadline = Instant::now() + Duration::from_secs(60);
        while fs::read(path.join("provenance.json")).expect("it is always there") == before {
            assert!(Instant::now() < deadline, "the child saves nothing");
            std::thread::yield_now();
        }
        let moment = Instant::now() + Duration::from_micros(noise.below(20_000) as u64);
        while Instant::now() < moment {
            std::thread::yield_now();
        }
        child.kill().expect("it runs until it is killed");
        child.wait().expect("it ended");
        later = later.max(opened(&path)?.provenance.origin.steps);
    }
    assert!(later > 1, "it saved {later} times at the most");
    Ok(())
}

#[test]
#[ignore = "run by the test above, which kills it"]
fn saves_until_it_is_killed() -> Result<(), Error> {
    let Some(path) = std::env::var_os(PLACE) else { return Ok(()) };
    let (_, policy) = small();
    let members = [policy.weights().named()];
    for steps in 1.. {
        let origin = Origin { steps, seed: u64::from(std::process::id()), ..origin() };
        let (spec, statistics) = (policy.spec(), policy.statistics());
        let contents = Contents {
            spec,
            statistics,
            settings: SETTINGS,
            members: &members,
            landmarks: None,
            origin: &origin,
        };
        checkpoint::save(path.as_ref(), &contents)?;
    }
    Ok(())
}
