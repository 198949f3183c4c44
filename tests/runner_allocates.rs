//! The thread that keeps time asks for no memory: not while it is held, not while the policy drives.
//!
//! Counted by the allocator, for the kernel's number of that thread, so that what others do beside it does not matter.

#[path = "support/acting.rs"]
mod acting;
#[path = "support/patience.rs"]
mod patience;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use acting::{PATIENCE, Stage, mind, once, onwards, settings};
use anyhow::Context as _;
use apprentice::msg::own::Intervention;
use apprentice::node::runner::Pace;

/// The thread that is watched; none where it is zero.
static WATCHED: AtomicI32 = AtomicI32::new(0);
/// How often it asked for memory.
static ASKED: AtomicU64 = AtomicU64::new(0);

struct Watching;

fn note() {
    let watched = WATCHED.load(Relaxed);
    if watched != 0 && rustix::thread::gettid().as_raw_nonzero().get() == watched {
        ASKED.fetch_add(1, Relaxed);
    }
}

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call is handed on to the system's allocator unchanged; counting touches atomics and asks the kernel for a number.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// The kernel's number of the thread of that name.
fn thread(name: &str) -> anyhow::Result<Option<i32>> {
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?;
        // One that ended meanwhile is not the one.
        let said = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if said.trim() == name {
            return Ok(Some(task.file_name().to_string_lossy().parse()?));
        }
    }
    Ok(None)
}

#[test]
fn a_tick_asks_for_no_memory() -> anyhow::Result<()> {
    let thinks = once(mind("leading", |seen| onwards(seen, 0.001)));
    let mut stage = Stage::start(&settings(&[])?, thinks, Pace::Wall)?;
    patience::until("control begins", PATIENCE, || Ok(thread("control")?.is_some()))?;
    let control = thread("control")?.context("it is there")?;
    // The robot speaks by the machine's time; the stage's clock tells it.
    let mut due = Instant::now();
    let mut speak = |stage: &mut Stage, ticks: u32| -> anyhow::Result<()> {
        for _ in 0..ticks {
            due += Duration::from_millis(10);
            patience::due_at(due);
            stage.speak()?;
            stage.listen()?;
        }
        Ok(())
    };
    speak(&mut stage, 30)?;
    // What the thread needs once, it has by now.
    WATCHED.store(control, Relaxed);
    speak(&mut stage, 50)?;
    let asked = stage.ask("~/resume");
    speak(&mut stage, 150)?;
    let drove = stage.said.driver;
    let counted = ASKED.load(Relaxed);
    WATCHED.store(0, Relaxed);
    let answer = asked.join().expect("it does not panic")?;
    let report = stage.end()?;
    assert_eq!(counted, 0, "{report:?}");
    assert!(drove == Intervention::POLICY && report.ticks > 100, "{answer:?}: {report:?}");
    Ok(())
}
