//! What goes wrong while a robot is driven, one thing at a time.
//!
//! Each time the robot is held soon enough, for the right reason, and does not go on by itself when all is well again.

#[path = "support/acting.rs"]
mod acting;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use acting::{GRID, Missing, PATIENCE, Stage, button, chunk, mind, once, onwards, settings, wanted};
use anyhow::ensure;
use apprentice::config::Settings;
use apprentice::msg::own::Intervention;
use apprentice::node::runner::{Load, Pace};

/// A policy that leads on slowly.
fn leading() -> Load {
    once(mind("leading", |seen| onwards(seen, 0.004)))
}

/// A policy that does as it should until `broken` says otherwise, and then what `breaks` says.
fn breaking(
    broken: &Arc<AtomicBool>,
    breaks: impl Fn() -> Result<apprentice::arm::Chunk, apprentice::node::runner::Unthought> + Send + 'static,
) -> Load {
    let broken = Arc::clone(broken);
    once(mind("breaking", move |seen| if broken.load(Relaxed) { breaks() } else { onwards(seen, 0.004) }))
}

/// Whether the robot is held, with these words.
fn held(words: &'static str) -> impl Fn(&Intervention) -> bool {
    move |said| said.driver == Intervention::HOLD && said.reason.contains(words)
}

/// The settings where the runner does not wait for what it hears: told time passes faster than threads may be woken on a busy
/// machine, so that nothing of it may be old by that alone.
fn unhurried() -> anyhow::Result<Settings> {
    settings(&[("max_age_ms: 50", "max_age_ms: 2000"), ("max_age_ms: 100", "max_age_ms: 2000")])
}

/// The robot stays where it is, and held, though everything is well again.
fn stays(stage: &mut Stage) -> anyhow::Result<()> {
    // It has to come to rest first.
    stage.steps(50)?;
    let at = stage.joints;
    stage.steps(50)?;
    ensure!(stage.said.driver == Intervention::HOLD && stage.joints == at, "{:?}", stage.said);
    Ok(())
}

#[test]
fn a_stale_stream_holds_the_robot_within_its_age() -> anyhow::Result<()> {
    let mut stage = Stage::start(&settings(&[])?, leading(), Pace::Lockstep)?;
    stage.release()?;
    stage.missing.object = true;
    let ticks = stage.until(40, held("\"object\" fell silent"))?;
    // Ten ticks of age, up to one period of the stream since its last word, and one to say so.
    ensure!(ticks <= 10 + GRID + 2, "{ticks}");
    stage.missing = Missing::default();
    stays(&mut stage)?;
    stage.release()?;
    stage.end()?;
    Ok(())
}

#[test]
fn joints_that_are_no_longer_told_hold_the_robot() -> anyhow::Result<()> {
    let mut stage = Stage::start(&settings(&[])?, leading(), Pace::Lockstep)?;
    stage.release()?;
    stage.missing.joints = true;
    // The stream that the policy sees by is older than its bound first; that the arm is blind is graver.
    let ticks = stage.until(40, held("is not known"))?;
    ensure!(ticks <= 13, "{ticks}");
    stage.missing = Missing::default();
    stays(&mut stage)?;
    stage.end()?;
    Ok(())
}

#[test]
fn a_policy_that_wants_what_is_no_number_is_held_and_nothing_of_it_leaves() -> anyhow::Result<()> {
    let broken = Arc::new(AtomicBool::new(false));
    let wrong = || chunk(apprentice::time::Stamp(0), vec![f64::NAN; 32]);
    let mut stage = Stage::start(&settings(&[])?, breaking(&broken, wrong), Pace::Lockstep)?;
    stage.release()?;
    broken.store(true, Relaxed);
    stage.until(40, held("no number"))?;
    ensure!(stage.joints.iter().all(|joint| joint.is_finite()), "{:?}", stage.joints);
    broken.store(false, Relaxed);
    stays(&mut stage)?;
    stage.release()?;
    let report = stage.end()?;
    ensure!(report.unthought > 0, "{report:?}");
    Ok(())
}

#[test]
fn a_policy_that_panics_ends_its_thread_and_a_person_can_still_take_over() -> anyhow::Result<()> {
    let broken = Arc::new(AtomicBool::new(false));
    let load = breaking(&broken, || panic!("as libtorch might"));
    let mut stage = Stage::start(&settings(&[])?, load, Pace::Lockstep)?;
    let (mut expert, mut joy) = (stage.expert()?, stage.joy()?);
    joy.send(&button(false))?;
    stage.release()?;
    broken.store(true, Relaxed);
    stage.until(40, held("nobody thinks any more"))?;
    stage.steps(30)?;
    for held in [false, true, true] {
        expert.send(&wanted(stage.joints))?;
        joy.send(&button(held))?;
        stage.step()?;
    }
    ensure!(stage.command.driver == Intervention::HUMAN, "{:?}", stage.said);
    stage.end()?;
    Ok(())
}

#[test]
fn thinking_that_takes_longer_than_a_plan_holds_the_robot_until_it_is_over() -> anyhow::Result<()> {
    let (go, gate) = sync_channel::<()>(2);
    let gate = Mutex::new(gate);
    let slow = Arc::new(AtomicBool::new(false));
    let slowly = Arc::clone(&slow);
    let load = once(mind("slow", move |seen| {
        if slowly.load(Relaxed) {
            // Until the test says so, or is gone.
            gate.lock().expect("nobody panicked").recv().unwrap_or_default();
        }
        onwards(seen, 0.004)
    }));
    let mut stage = Stage::start(&unhurried()?, load, Pace::Clock)?;
    stage.release()?;
    slow.store(true, Relaxed);
    let ticks = stage.until(120, |said| said.driver == Intervention::HOLD)?;
    // A plan lasts 64 ticks, and of the one before half may be left.
    ensure!(ticks <= 64 + 2 * GRID + 2, "{ticks}: {:?}", stage.said);
    ensure!(stage.said.cause == Intervention::CAUSE_NO_PLAN, "{:?}", stage.said);
    // Two seconds of it; then the chunk is there, of a robot that still moved, and comes to nothing.
    stage.steps(100)?;
    ensure!(
        held("the plan is carried out")(&stage.said) || held("pausing to plan")(&stage.said),
        "{:?}",
        stage.said
    );
    // What is planned for one that stands begins now.
    (0..2).try_for_each(|_| go.send(()))?;
    let deadline = Instant::now() + PATIENCE;
    while stage.said.driver != Intervention::POLICY && Instant::now() < deadline {
        stage.step()?;
        stage.listen()?;
    }
    ensure!(stage.said.driver == Intervention::POLICY, "{:?}", stage.said);
    let before = stage.joints;
    stage.until(120, held("pausing to plan"))?;
    ensure!(stage.joints[0] > before[0], "it carried out what it planned");
    drop(go);
    stage.end()?;
    Ok(())
}

#[test]
fn a_clock_that_stops_holds_the_robot() -> anyhow::Result<()> {
    let mut stage = Stage::start(&unhurried()?, leading(), Pace::Clock)?;
    stage.release()?;
    let begun = Instant::now();
    while !held("the clock stands")(&stage.said) {
        ensure!(begun.elapsed() < PATIENCE, "{:?}", stage.said);
        stage.listen()?;
        std::thread::yield_now();
    }
    // Half a second, as is set.
    ensure!(begun.elapsed() > Duration::from_millis(400), "{:?}", begun.elapsed());
    stage.steps(20)?;
    ensure!(held("the clock stands")(&stage.said), "it does not go on by itself: {:?}", stage.said);
    stage.end()?;
    Ok(())
}
