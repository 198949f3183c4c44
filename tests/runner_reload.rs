//! Other checkpoints while the arm moves: damaged ones are refused in words, and a hundred good ones cost neither a tick nor memory.
//!
//! The checkpoints are real ones, read by the code that a robot's runner reads them with; a process of its own, because what is in
//! memory is counted for the whole of it. In lockstep, so that a tick without an answer is a test that fails.
#![cfg(feature = "learn")]

#[path = "support/acting.rs"]
mod acting;
#[path = "support/training.rs"]
mod training;
#[path = "support/waves.rs"]
mod waves;

use std::fs;
use std::path::{Path, PathBuf};

use acting::{PATIENCE, Stage, settings, wanted};
use anyhow::ensure;
use apprentice::bus::typed;
use apprentice::config::Settings;
use apprentice::msg::geometry::PoseStamped;
use apprentice::msg::own::{Intervention, Load, LoadRequest};
use apprentice::msg::sensor::JointState;
use apprentice::nn::device::Device;
use apprentice::node::runner::{Pace, policy};
use training::Setup;
use waves::demonstrations::{self, Said, header, said};

/// A policy whose weights are a megabyte and more, so that one that is kept shows.
const LEARNS: &str = "
policy: {history: 2, chunk: 16, width: 64, head: {mse: {width: 512}}}
train: {steps: 20, batch: 16, threads: 1}
control:
";
/// What a hundred policies, one after the other, may add to what is in memory: a few of them, of which each is a megabyte.
const GROWN_KB: u64 = 16_000;

/// A demonstration of four seconds: the joints go to and fro, the person a little ahead of them.
fn demonstration(number: i64) -> Vec<Said> {
    let at = |at: i64| [0.3, -0.2].map(|joint| joint + 0.4 * ((at + 300 * number) as f64 / 500.0).sin());
    let tick = |ms: i64| {
        let position = at(ms).to_vec();
        let name = ["a", "b"].map(str::to_owned).to_vec();
        let state = JointState { header: header(ms), name, position, ..JointState::default() };
        let mut object = PoseStamped { header: header(ms), ..PoseStamped::default() };
        object.pose.orientation.w = 1.0;
        [
            said(ms, "/joint_states", &state),
            said(ms, "/object", &object),
            said(ms, "/expert/command", &wanted(at(ms + 80))),
        ]
    };
    (0..4000).step_by(10).flat_map(tick).collect()
}

/// A checkpoint of a policy that learned from four of them.
fn learned(settings: &Settings, folder: &Path) -> anyhow::Result<PathBuf> {
    let bag =
        |number: i64| demonstrations::write(&folder.join(number.to_string()), &demonstration(number), &[]);
    let bags: Vec<PathBuf> = (0..4).map(bag).collect::<Result<_, _>>()?;
    let run = folder.join("run");
    Setup::with(settings.clone(), &bags, &folder.join("cache")).train(&run, false)?;
    Ok(run.join("best"))
}

/// A runner with the policy at `path`, which drives.
fn driven(settings: &Settings, path: &Path) -> anyhow::Result<Stage> {
    let layout = acting::robot(settings)?.layout;
    let mut load = policy::loader(layout, settings.control.clone(), Device::Cpu);
    let first = path.to_owned();
    // The stage calls it "policy".
    let load =
        Box::new(move |path: &Path| load(if path == Path::new("policy") { first.as_path() } else { path }));
    let mut stage = Stage::start(settings, load, Pace::Lockstep)?;
    stage.release()?;
    Ok(stage)
}

/// Asks for the policy at `path` while the arm moves on; whether it was taken, and the answer. At no tick it is held.
fn reload(stage: &mut Stage, path: &Path) -> anyhow::Result<(bool, String)> {
    let (side, path) = (stage.robot.clone(), path.display().to_string());
    let asked = std::thread::spawn(move || {
        typed::call_typed::<Load>(&side, "/policy/reload", &LoadRequest { path }, PATIENCE)
    });
    while !asked.is_finished() {
        stage.step()?;
        ensure!(stage.command.driver == Intervention::POLICY, "{:?}", stage.said);
    }
    let answer = asked.join().expect("it does not panic")?;
    // What the stage keeps of it is not the runner's.
    stage.heard.clear();
    Ok((answer.success, answer.message))
}

/// The folder `from`, with its file `name` cut in half.
fn truncated(from: &Path, name: &str, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let mut bytes = fs::read(file.path())?;
        if file.file_name().to_string_lossy() == name {
            bytes.truncate(bytes.len() / 2);
        }
        fs::write(to.join(file.file_name()), bytes)?;
    }
    Ok(())
}

/// Kilobytes of this process that are in memory.
fn resident() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = status.split(' ').nth(1).unwrap_or_default().parse()?;
    Ok(pages * 4)
}

#[test]
fn a_truncated_checkpoint_is_refused_in_words_and_a_hundred_whole_ones_are_not_felt() -> anyhow::Result<()> {
    let settings = settings(&[("control:\n", LEARNS)])?;
    let folder = tempfile::tempdir()?;
    let whole = learned(&settings, folder.path())?;
    let mut stage = driven(&settings, &whole)?;
    for name in ["weights.safetensors", "spec.yaml", "stats.json", "config.yaml", "provenance.json"] {
        let cut = folder.path().join("cut").join(name);
        truncated(&whole, name, &cut)?;
        let (taken, words) = reload(&mut stage, &cut)?;
        ensure!(
            !taken && words.contains("the policy in use stays") && words.contains(name),
            "{name}: {words}"
        );
        stage.steps(40)?;
        ensure!(stage.command.driver == Intervention::POLICY, "{:?}", stage.said);
    }
    let several = |stage: &mut Stage, count: u32| -> anyhow::Result<()> {
        for _ in 0..count {
            let (taken, words) = reload(stage, &whole)?;
            ensure!(taken, "{words}");
            // It is in use once a tick of the grid was thought about.
            stage.steps(acting::GRID)?;
        }
        Ok(())
    };
    several(&mut stage, 20)?;
    let before = resident()?;
    several(&mut stage, 100)?;
    let grown = resident()?.saturating_sub(before);
    let report = stage.end()?;
    println!("a hundred policies later: {grown} kB more of {before}; {report:?}");
    ensure!(grown < GROWN_KB, "{grown} kB more than {before}");
    // How soon commands are taken from their way is the machine's affair, which tells this time ten times as fast as it is.
    ensure!(report.reloads == 120 && report.missed == 0, "{report:?}");
    Ok(())
}
