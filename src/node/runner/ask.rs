//! What an operator may ask for by a service: to drive, that the policy goes on, that the robot is held, another policy.
//!
//! A wish is taken up at the next tick of control; whoever uttered it hears what came of it, because that a robot stays held is what
//! he has to know.

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::shared::{Shared, Wish};
use super::tell::Now;
use super::{Error, Half, lock};
use crate::bus::typed::serve_typed;
use crate::bus::{Bus, Served};
use crate::control::Mode;
use crate::msg::own::{Load, LoadResponse};
use crate::msg::std::{SetBool, SetBoolResponse, Trigger, TriggerResponse};
use crate::node::Stop;
use crate::node::lifecycle::{Lifecycle, Lives, Phase, Way};

/// How long it is waited for what comes of a wish.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(2);
/// The longest that a caller of `~/reload` is kept waiting.
const LOADING: Duration = Duration::from_secs(120);

/// Another policy that is asked for, and where the answer goes.
pub(super) struct Reload {
    /// Nothing: the one that is in use, as it is on the disk now.
    pub(super) path: Option<PathBuf>,
    pub(super) answer: SyncSender<(bool, String)>,
}

/// Where requests for another policy wait.
pub(super) type Reloads = Receiver<Reload>;

/// Answers `~/resume` and `~/hold`, and `~/take` where a person may take over by it.
pub(super) fn serve_driving(
    bus: &dyn Bus,
    shared: &Arc<Shared>,
    now: &Arc<Mutex<Now>>,
    takes: bool,
) -> Result<Vec<Box<dyn Served>>, Error> {
    let trigger = |name: &str, wish: Wish, wanted: fn(Mode) -> bool| {
        let (shared, now) = (Arc::clone(shared), Arc::clone(now));
        serve_typed::<Trigger>(bus, name, move |_request| {
            let (success, message) = ask(&shared, &now, wish, wanted);
            Ok(TriggerResponse { success, message })
        })
    };
    let mut served = vec![
        trigger("~/resume", Wish::Resume, |mode| mode == Mode::Policy)?,
        trigger("~/hold", Wish::Hold, |mode| matches!(mode, Mode::Hold(_)))?,
    ];
    if !takes {
        return Ok(served);
    }
    let (asking, seen) = (Arc::clone(shared), Arc::clone(now));
    served.push(serve_typed::<SetBool>(bus, "~/take", move |request| {
        let wanted = if request.data { |mode| mode == Mode::Human } else { |mode| mode != Mode::Human };
        let (success, message) = ask(&asking, &seen, Wish::Take(request.data), wanted);
        Ok(SetBoolResponse { success, message })
    })?);
    Ok(served)
}

/// Answers `~/reload`.
pub(super) fn serve_loading(bus: &dyn Bus) -> Result<(Box<dyn Served>, Reloads), Error> {
    // One at a time, and one that waits; a third is told so.
    let (reload, reloads) = sync_channel(1);
    let served = serve_typed::<Load>(bus, "~/reload", move |request| {
        let path = Some(request.path.trim()).filter(|path| !path.is_empty()).map(PathBuf::from);
        let (success, message) = load(&reload, path);
        Ok(LoadResponse { success, message })
    })?;
    Ok((served, reloads))
}

/// A runner's life, which ends by the wish to stop. Where it drives, it is active while anybody does, and brings the robot to rest
/// before it ends; where it only thinks, while it plans.
pub(super) fn live(
    bus: &dyn Bus,
    half: Half,
    shared: &Arc<Shared>,
    now: &Arc<Mutex<Now>>,
    stop: &Stop,
) -> Result<Lifecycle, Error> {
    let life = Life { half, shared: Arc::clone(shared), now: Arc::clone(now), stop: stop.clone() };
    Ok(Lifecycle::serve(bus, life)?)
}

struct Life {
    half: Half,
    shared: Arc<Shared>,
    now: Arc<Mutex<Now>>,
    stop: Stop,
}

impl Life {
    /// Whether it does what it is there for.
    fn is_active(&self) -> bool {
        match self.half {
            Half::Thinking => !self.shared.pauses.load(Relaxed),
            Half::Both | Half::Driving => !matches!(lock(&self.now).mode, Mode::Hold(_)),
        }
    }
}

impl Lives for Life {
    fn phase(&self) -> Phase {
        match self.is_active() {
            _ if self.stop.wished() => Phase::Finalized,
            true => Phase::Active,
            false => Phase::Inactive,
        }
    }

    fn go(&mut self, way: Way) -> (bool, String) {
        match (way, self.half) {
            (Way::Shutdown, _) => {
                self.stop.wish();
                (true, "it ends".to_owned())
            }
            (way, Half::Thinking) => {
                self.shared.pauses.store(way == Way::Deactivate, Relaxed);
                (true, String::new())
            }
            (Way::Activate, _) => ask(&self.shared, &self.now, Wish::Resume, |mode| mode == Mode::Policy),
            (Way::Deactivate, _) => {
                ask(&self.shared, &self.now, Wish::Hold, |mode| matches!(mode, Mode::Hold(_)))
            }
        }
    }
}

/// Utters a wish, and says what came of it: whether it was granted, and who drives now.
fn ask(shared: &Shared, now: &Mutex<Now>, wish: Wish, wanted: fn(Mode) -> bool) -> (bool, String) {
    let ticks = lock(now).ticks;
    shared.wishes.utter(wish);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = lock(now).clone();
        // Two ticks later control has surely taken it up, and said what came of it.
        let granted = wanted(seen.mode);
        if (seen.ticks >= ticks + 2 && granted) || Instant::now() >= deadline {
            // Whoever hears that it is not let go on may be near the robot when it would be.
            let refused = wish == Wish::Resume && !granted;
            if refused {
                shared.wishes.resume();
            }
            if refused && matches!(seen.mode, Mode::Hold(_)) {
                shared.wishes.utter(Wish::Hold);
                return (granted, format!("{}; it stays held until it is asked anew", words(&seen)));
            }
            return (granted, words(&seen));
        }
        std::thread::sleep(LOOK);
    }
}

/// Who drives, in words.
pub(super) fn words(now: &Now) -> String {
    match now.mode {
        Mode::Policy => "the policy drives".to_owned(),
        Mode::Human => format!("a person drives: {}", now.reason),
        Mode::Hold(_) => format!("held: {}", now.reason),
    }
}

fn load(reload: &SyncSender<Reload>, path: Option<PathBuf>) -> (bool, String) {
    let (answer, answered) = sync_channel(1);
    let told = |why: &str| (false, why.to_owned());
    match reload.try_send(Reload { path, answer }) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => return told("others are being loaded: ask when they are there"),
        Err(TrySendError::Disconnected(_)) => return told("nobody loads policies any more: the runner ends"),
    }
    answered.recv_timeout(LOADING).unwrap_or_else(|none| match none {
        RecvTimeoutError::Timeout => {
            told("no answer yet: it is still being loaded, and taken in when it is there")
        }
        RecvTimeoutError::Disconnected => told("it was not loaded: the runner ends"),
    })
}
