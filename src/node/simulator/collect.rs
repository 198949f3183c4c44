//! Collecting: the expert's attempts, each recorded into a bag of its own.
//!
//! The recorder is the ordinary one, on an ordinary bus, asked by its services to start and stop; nothing reaches a bag but
//! what was published. The bus lives in this process because only there a publisher can wait for whoever listens, so that
//! time may pass as fast as it goes and nothing is lost. Its clock is the world's, hence the borders of an episode are
//! exact: the first observation is what the attempt begins with, the last is what it came to.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::retell::Script;
use super::work::{Attempt, Simulator};
use super::{BEGINNING, Error, Options};
use crate::arm::Dart;
use crate::bag::{self, Notes};
use crate::bus::local::{Hub, Local};
use crate::bus::typed::{call_typed, read, subscribe};
use crate::bus::{Inbox, Limit, Node, Subscription, ToldClock};
use crate::msg::own::Recording;
use crate::msg::std::{SetBool, SetBoolRequest, Trigger, TriggerRequest, TriggerResponse};
use crate::node::recorder::notes::SUCCESS;
use crate::node::recorder::{self, Config, Outcome, Session, Wanted};
use crate::node::{Context, Stop};
use crate::sim::{Conduct, Disturbance};
use crate::spec::Expect;
use crate::wire::Qos;

/// The world of an attempt, as it is noted in a bag.
pub const WORLD: &str = "apprentice.world";
/// The seed of an attempt, as it is noted in a bag.
pub const SEED: &str = "apprentice.seed";
/// Its score.
const SCORE: &str = "apprentice.score";
/// How the expert went about it, where he was not at his best.
const CONDUCT: &str = "apprentice.conduct";

/// What was made to go wrong, as it was asked for; absent where nothing was.
const DISTURB: &str = "apprentice.disturb";
/// The covariance of the noise between what the expert meant and what was executed, as `--dart` reads it; absent where there was none.
const DART: &str = "apprentice.dart";

/// How long the recorder may take for what it is asked: ending a bag includes bringing it to the disk.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take to subscribe to everything.
const HEARD: Duration = Duration::from_secs(10);

/// How long what is recorded may wait for the disk, ms: no attempt lasts so long. What is flushed by the wall's time lies in the file
/// in other portions each time, and the same seeds shall make the same file; an attempt that is cut off is made again anyway.
const FLUSH_MS: u64 = 3_600_000;

/// One attempt and its bag.
#[derive(Clone, Debug, PartialEq)]
pub struct Collected {
    /// How it went.
    pub attempt: Attempt,
    /// Its bag.
    pub path: PathBuf,
}

/// Records `options.episodes` attempts of the expert (one where unsaid) into the folder of `session`; each is given to `done`
/// as soon as its bag is whole. Attempts that failed are kept and labelled so; one that `stop` interrupts is not kept.
///
/// What of `expected` is published is held to what it promises; everything else that is published is recorded too.
pub fn collect(
    options: &Options,
    expected: &[Expect],
    config: Config,
    session: Session,
    stop: &Stop,
    done: impl FnMut(&Collected),
) -> Result<Outcome, Error> {
    let number = 0..options.episodes.unwrap_or(1);
    let attempts = number.map(|number| (options.seed.wrapping_add(u64::from(number)), None)).collect();
    record(options, attempts, expected, config, session, stop, done)
}

/// Records attempts that a policy and an expert shared, by having them again: `options` are those of the world they were made in.
pub fn retell(
    options: &Options,
    scripts: Vec<Script>,
    expected: &[Expect],
    config: Config,
    session: Session,
    stop: &Stop,
    done: impl FnMut(&Collected),
) -> Result<Outcome, Error> {
    let attempts = scripts.into_iter().map(|script| (script.seed, Some(script))).collect();
    record(options, attempts, expected, config, session, stop, done)
}

/// The seed of an attempt, and what is told again in it, where anything is.
type Wish = (u64, Option<Script>);

fn record(
    options: &Options,
    attempts: Vec<Wish>,
    expected: &[Expect],
    config: Config,
    mut session: Session,
    stop: &Stop,
    mut done: impl FnMut(&Collected),
) -> Result<Outcome, Error> {
    let clock = Arc::new(ToldClock::new(BEGINNING));
    let hub = Hub::patient(clock.clone());
    let options = Options { expert: true, ..options.clone() };
    let context = Context::new(Arc::new(hub.join(Node::new("simulator", "")?)), stop.clone());
    let mut simulator = Simulator::open(&context, &options, Some(clock))?;
    if attempts.iter().any(|(_, script)| script.is_some()) {
        simulator.retell()?;
    }
    let promise = |topic: String| {
        let known = expected.iter().find(|expect| expect.topic == topic).cloned();
        known.unwrap_or_else(|| Expect::any(topic))
    };
    let wanted = Wanted { expect: simulator.topics().into_iter().map(promise).collect(), all: false };
    session.notes.extend(about(&options));
    let config = Config { flush_ms: FLUSH_MS, ..config };
    let scribe = Scribe::start(&hub, wanted, config, session)?;
    let worked = scribe.attend(&mut simulator, attempts, options.conduct, stop, &mut done);
    scribe.end(worked)
}

/// What is noted of every attempt: the world, and what came between the expert and the arm.
fn about(options: &Options) -> Notes {
    let disturbed = options.disturbance != Disturbance::default();
    let known = [
        (WORLD, Some(options.world.clone())),
        (DISTURB, disturbed.then(|| options.disturbance.to_string())),
        (DART, options.dart.as_ref().map(Dart::in_one_line)),
    ];
    known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// The recorder at work in a thread of its own.
struct Scribe {
    bus: Local,
    thread: JoinHandle<Result<Outcome, recorder::Error>>,
    stop: Stop,
    inbox: Inbox,
    _status: Subscription,
}

impl Scribe {
    fn start(hub: &Hub, wanted: Wanted, config: Config, session: Session) -> Result<Self, Error> {
        let bus = hub.join(Node::new("collection", "")?);
        // On this bus a full inbox would hold up the recorder itself; a second has a few of these, an attempt some seconds.
        let inbox = Inbox::new(Limit { samples: 100_000, bytes: 1 << 28 });
        let _status = subscribe::<Recording>(&bus, "/recorder/status", Qos::latched(1), &inbox)?;
        let stop = Stop::default();
        let context = Context::new(Arc::new(hub.join(Node::new("recorder", "")?)), stop.clone());
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || recorder::run(&context, wanted, config, session))
            .map_err(|_refused| Error::Thread { what: "could not be started" })?;
        Ok(Self { bus, thread, stop, inbox, _status })
    }

    /// Attempt after attempt, until there are enough or `stop` is wished.
    fn attend(
        &self,
        simulator: &mut Simulator<'_>,
        attempts: Vec<Wish>,
        conduct: Conduct,
        stop: &Stop,
        done: &mut impl FnMut(&Collected),
    ) -> Result<(), Error> {
        self.wait_until_heard(simulator)?;
        for (seed, script) in attempts {
            simulator.begin(seed, script)?;
            let path = self.begin()?;
            let Some(attempt) = self.attempt(simulator, stop)? else {
                granted("discard", self.ask("discard")?)?;
                tracing::info!("the attempt that was under way is not kept");
                return Ok(());
            };
            if !simulator.ended_as_told(attempt) {
                granted("discard", self.ask("discard")?)?;
                return Err(Error::Otherwise { seed });
            }
            self.keep(&path, attempt, conduct)?;
            done(&Collected { attempt, path });
        }
        Ok(())
    }

    /// One attempt from its first observation to its last; nothing where it was interrupted.
    fn attempt(&self, simulator: &mut Simulator<'_>, stop: &Stop) -> Result<Option<Attempt>, Error> {
        loop {
            if stop.wished() || self.thread.is_finished() {
                return Ok(None);
            }
            simulator.show()?;
            if let Some(attempt) = simulator.finished() {
                return Ok(Some(attempt));
            }
            simulator.act()?;
        }
    }

    fn wait_until_heard(&self, simulator: &Simulator<'_>) -> Result<(), Error> {
        let deadline = Instant::now() + HEARD;
        loop {
            let topics = simulator.unheard();
            if topics.is_empty() || self.thread.is_finished() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Error::Unheard { topics, wait_s: HEARD.as_secs() });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Begins an episode; where its bag is.
    fn begin(&self) -> Result<PathBuf, Error> {
        while self.inbox.take().is_some() {}
        granted("start", self.ask("start")?)?;
        let deadline = Instant::now() + PATIENCE;
        while let Some(sample) = self.inbox.wait(deadline) {
            let status: Recording = read(&sample)?;
            if status.state == Recording::RECORDING {
                return Ok(status.path.into());
            }
        }
        Err(Error::Refused { what: "start", why: "it did not say where it records".to_owned() })
    }

    fn ask(&self, what: &'static str) -> Result<TriggerResponse, Error> {
        if self.thread.is_finished() {
            return Err(Error::Refused { what, why: "it has ended".to_owned() });
        }
        Ok(call_typed::<Trigger>(&self.bus, &format!("/recorder/{what}"), &TriggerRequest {}, PATIENCE)?)
    }

    /// Ends the episode as `attempt` ended, and labels its bag.
    fn keep(&self, path: &std::path::Path, attempt: Attempt, conduct: Conduct) -> Result<(), Error> {
        let request = SetBoolRequest { data: attempt.success };
        let answer = call_typed::<SetBool>(&self.bus, "/recorder/stop", &request, PATIENCE)?;
        granted("stop", TriggerResponse { success: answer.success, message: answer.message })?;
        let (seed, score) = (attempt.seed.to_string(), format!("{:.3}", attempt.score));
        let label = match conduct {
            Conduct::Careful => vec![(SEED, seed), (SCORE, score)],
            Conduct::Careless => vec![(SEED, seed), (SCORE, score), (CONDUCT, "careless".to_owned())],
            // Nothing was to be done: it neither went well nor failed, and the recorder's word on that is taken back.
            Conduct::Playful => vec![(SEED, seed), (CONDUCT, "play".to_owned()), (SUCCESS, String::new())],
        };
        let label: Notes = label.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Ok(bag::label(path, &label)?)
    }

    /// Ends the recorder. Where it ended with an error, that is why nothing else went on.
    fn end(self, worked: Result<(), Error>) -> Result<Outcome, Error> {
        self.stop.wish();
        let recorded = self.thread.join().map_err(|_panic| Error::Thread { what: "panicked" })?;
        let outcome = recorded.map_err(|error| Error::Recorder(Box::new(error)))?;
        worked.map(|()| outcome)
    }
}

fn granted(what: &'static str, answer: TriggerResponse) -> Result<(), Error> {
    match answer.success {
        true => Ok(()),
        false => Err(Error::Refused { what, why: answer.message }),
    }
}
