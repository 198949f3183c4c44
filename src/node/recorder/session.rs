//! The recorder's loop: one thread through which every message and every request passes, so that an episode has a
//! single owner and nothing can happen in the middle of anything.
//!
//! ```text
//!            start                   stop, length, disk, signal, end of the bus
//!   Idle ───────────▶ Recording ─────────────────────────────────────────────▶ Saving ──▶ Idle
//!                         └────────────── the writer died ──────────────────────▶ Idle, with the trouble shown
//! ```

mod begin;
mod end;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::alarm::{Alarm, Change};
use super::episode::{self, Create, Episode, Why};
use super::face::Face;
use super::operator::{Answer, Ask, Asked, Refusal, Services, ask_of};
use super::ring::Ring;
use super::space::Folder;
use super::status::State;
use super::streams::{Stream, Streams};
use super::told::Told;
use super::{Config, Error, Outcome, Session, Wanted};
use crate::bag;
use crate::bus::{Inbox, Limit};
use crate::node::Context;
use crate::time::{Clock, Stamp};
use crate::wire::Sample;

/// How long the loop waits for messages before it looks after everything else.
const TICK: Duration = Duration::from_millis(20);
/// How long messages gather before they are passed on together; what they waited is not in their times.
const GATHER: Duration = Duration::from_millis(10);
/// How often topics are looked for, and the disk is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often topics are judged, by the bus's clock: a bus that runs faster than life is judged as often in its
/// own time.
const JUDGE: Duration = Duration::from_millis(100);
/// The most messages in the inbox; its bytes are the limit that counts.
const INBOX_SAMPLES: usize = 100_000;

/// What the recorder is doing.
#[derive(Debug, Default)]
enum Phase {
    #[default]
    Idle,
    Recording(Episode),
    Saving(Episode, Ending),
}

/// How an episode is being ended.
#[derive(Debug)]
struct Ending {
    why: Why,
    keep: bool,
    success: Option<bool>,
    at: Stamp,
    answer: Answer,
}

/// A recorder at work.
pub(super) struct Recorder<'a> {
    context: &'a Context,
    clock: Arc<dyn Clock>,
    config: Config,
    session: Session,
    folder: Folder,
    inbox: Inbox,
    streams: Streams,
    ring: Ring,
    services: Services,
    told: Told,
    face: Face,
    phase: Phase,
    outcome: Outcome,
    /// How many episodes ended as they should.
    good: u32,
    /// How many samples waited in the inbox when the episode began: they may be older than it.
    waited: usize,
    /// The episode written last or now: number and path.
    current: (u32, PathBuf),
    /// After how long the episode ends by itself.
    length: Option<Duration>,
    /// What was said last, and whether it was trouble.
    word: String,
    trouble: Option<Error>,
    /// Whether the session ends with an error.
    failed: bool,
    /// Whether an episode was started by itself already.
    started: bool,
    quitting: bool,
    opened: Instant,
    /// Up to when everything that arrived was seen.
    seen: Stamp,
    /// When the topics were judged last.
    judged: Stamp,
    /// What makes a bag's writer: [`bag::create`], but for a test that needs one that dies.
    create: Create,
}

impl<'a> Recorder<'a> {
    /// A recorder with nothing subscribed to yet.
    pub(super) fn open(
        context: &'a Context,
        wanted: &Wanted,
        config: Config,
        session: Session,
        folder: Folder,
    ) -> Result<Self, Error> {
        let clock = context.bus.clock();
        let bytes = usize::try_from(config.inbox_megabytes.saturating_mul(1_000_000)).unwrap_or(usize::MAX);
        Ok(Self {
            services: Services::serve(context.bus.as_ref())?,
            told: Told::serve(context.bus.as_ref(), &config, &session)?,
            length: None,
            face: Face::open(context.bus.as_ref(), session.keys)?,
            inbox: Inbox::new(Limit { samples: INBOX_SAMPLES, bytes }),
            streams: Streams::new(wanted, clock.now()),
            ring: Ring::new(&config.ring),
            phase: Phase::Idle,
            outcome: Outcome::default(),
            good: 0,
            waited: 0,
            current: (0, PathBuf::new()),
            word: String::new(),
            trouble: None,
            failed: false,
            started: false,
            quitting: false,
            opened: Instant::now(),
            seen: clock.now(),
            judged: clock.now(),
            create: bag::create,
            context,
            clock,
            config,
            session,
            folder,
        })
    }

    /// Takes over what recovery found.
    pub(super) fn recovered(&mut self, bags: Vec<PathBuf>) {
        self.outcome.recovered = bags;
    }

    /// Records until the session is over.
    pub(super) fn run(mut self) -> Result<Outcome, Error> {
        let mut look = Instant::now();
        let mut ready = false;
        if self.is_timeless() {
            tracing::info!("waiting for the first /clock: no episode begins before it");
        }
        while !(self.quitting && matches!(self.phase, Phase::Idle)) {
            if ready {
                self.receive();
            }
            if Instant::now() >= look {
                look = Instant::now() + LOOK;
                self.discover();
                // Also here, because a loss is to be seen where the bus's clock stands.
                self.judge();
                self.look_at_the_disk();
            }
            self.hear();
            self.services.note(self.state());
            self.look_after_the_episode();
            if let Err(error) = self.begin_by_itself() {
                return Err(self.leave(error));
            }
            if !ready {
                self.context.bus.ready();
                ready = true;
            }
            if self.face.is_due(self.state()) {
                let (report, now) = (self.report(), self.clock.now());
                self.face.show(&report, now);
            }
        }
        self.show_last();
        Ok(self.outcome)
    }

    fn show_last(&mut self) {
        let (report, now) = (self.report(), self.clock.now());
        self.face.show_last(&report, now);
    }

    fn receive(&mut self) {
        let deadline = Instant::now() + TICK;
        while let Some(sample) = self.inbox.wait(deadline) {
            self.see_time(sample.received);
            self.take(sample);
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            // One awakening, here and of the writer, for all that comes meanwhile; a patient bus would only wait for us.
            if self.inbox.waiting().samples == 0 && !self.context.bus.patient() {
                thread::sleep(GATHER.min(left));
            }
        }
        let now = self.clock.now();
        // What came since is older than `now`, and is seen first.
        if self.inbox.waiting().samples == 0 {
            self.see_time(now);
        }
    }

    /// Everything that arrived before `now` was seen: judges the topics where it is time, and ends the episode.
    fn see_time(&mut self, now: Stamp) {
        self.seen = now;
        if now >= self.judged + JUDGE || now < self.judged {
            self.judged = now;
            self.judge();
        }
        self.end_at_its_length();
    }

    fn take(&mut self, mut sample: Sample) {
        let waited = self.waited > 0;
        self.waited = self.waited.saturating_sub(1);
        let Some(stream) = self.streams.of(&sample.topic.name) else { return };
        stream.see(&sample);
        self.ring.push(&sample);
        let Phase::Recording(episode) = &self.phase else { return };
        if waited && sample.received < episode.start {
            if stream.is_latched() {
                sample.received = episode.start;
            } else if !self.config.ring.before_start {
                return;
            }
        }
        let pushed = match self.context.bus.patient() {
            true => episode.push_patiently(&sample),
            false => episode.push(&sample),
        };
        stream.account(&sample, pushed);
    }

    /// Takes what came until `at` and still waits; gives back the first that came later, if it met one.
    fn take_waiting(&mut self, at: Stamp) -> Option<Sample> {
        // So many and no more: a bag behind the bus fills up whatever room is made.
        for _ in 0..self.inbox.waiting().samples {
            let sample = self.inbox.take()?;
            if sample.received > at {
                return Some(sample);
            }
            self.take(sample);
        }
        None
    }

    fn discover(&mut self) {
        let found = self.streams.discover(self.context.bus.as_ref(), &self.inbox, self.clock.now());
        if let Phase::Recording(episode) = &self.phase {
            found.into_iter().for_each(|index| episode.declare(self.streams.at(index)));
        }
    }

    fn judge(&mut self) {
        let now = self.seen;
        for stream in self.streams.iter_mut() {
            for change in stream.check(now) {
                let (Change::Began(alarm) | Change::Ended(alarm, _)) = change;
                if stream.may_speak(alarm, now) {
                    say(change, stream, now);
                }
            }
        }
    }

    fn state(&self) -> State {
        match self.phase {
            Phase::Idle if self.failed || self.trouble.is_some() => State::Failed,
            Phase::Idle => State::Idle,
            Phase::Recording(_) => State::Recording,
            Phase::Saving(..) => State::Saving,
        }
    }

    /// Does what was asked for by services, keys and signals.
    fn hear(&mut self) {
        while let Some(Asked { ask, answer }) = self.services.next() {
            self.obey(ask, answer);
        }
        while let Some(key) = self.face.key() {
            match ask_of(key, self.state()) {
                Some(ask) => self.obey(ask, Answer::default()),
                None if key == crate::node::screen::Key::Interrupt => self.interrupt(),
                None => {}
            }
        }
        if self.context.stop.wished() && !self.quitting {
            self.quit(Why::Interrupted);
        }
        if self.context.bus.ended() && self.inbox.waiting().samples == 0 && !self.quitting {
            self.quit(Why::Ended);
        }
    }

    /// The first Ctrl-C asks, the second does not, as with the signals that a raw terminal no longer sends.
    fn interrupt(&mut self) {
        if self.context.stop.wished() {
            crate::node::screen::restore();
            std::process::exit(130);
        }
        self.context.stop.wish();
    }

    fn quit(&mut self, why: Why) {
        self.quitting = true;
        if matches!(self.phase, Phase::Recording(_)) {
            self.stop(why, None, true, Answer::default());
        }
    }

    fn obey(&mut self, ask: Ask, answer: Answer) {
        let recording = matches!(self.phase, Phase::Recording(_));
        match ask {
            Ask::Quit => self.quit(Why::Asked),
            Ask::Stop(success) if recording => self.stop(Why::Asked, success, true, answer),
            Ask::Discard if recording => self.stop(Why::Asked, None, false, answer),
            Ask::Stop(_) | Ask::Discard => answer.tell(Err(Refusal::Idle)),
            Ask::Start | Ask::SaveLast if !matches!(self.phase, Phase::Idle) => {
                answer.tell(Err(Refusal::Unfinished { path: self.current.1.clone() }));
            }
            Ask::Start | Ask::SaveLast if self.is_timeless() => {
                self.word = Refusal::Timeless.to_string();
                answer.tell(Err(Refusal::Timeless));
            }
            Ask::Start => {
                let started = self.start();
                answer.tell(self.tell_start(started));
            }
            Ask::SaveLast => self.save_last(answer),
        }
    }

    /// Has the writer end the running episode.
    fn stop(&mut self, why: Why, success: Option<bool>, keep: bool, answer: Answer) {
        if !matches!(self.phase, Phase::Recording(_)) {
            return;
        }
        // At its length an episode ends before the message that came after it, which nobody has taken yet.
        let (at, later) = match why {
            Why::Length => (self.seen, None),
            _ => {
                let now = self.clock.now();
                (now, self.take_waiting(now))
            }
        };
        let Phase::Recording(episode) = std::mem::take(&mut self.phase) else { return };
        self.streams.iter_mut().for_each(Stream::freeze);
        if keep {
            episode.end(episode::final_notes(&self.streams, &why, success, episode.start, at));
        } else {
            episode.abandon();
        }
        self.undo_teach();
        self.phase = Phase::Saving(episode, Ending { why, keep, success, at, answer });
        if let Some(sample) = later {
            self.take(sample);
        }
    }
}

/// Logs that an alarm began or ended, with the figures that explain it.
fn say(change: Change, stream: &Stream, now: Stamp) {
    let topic = &stream.name;
    match change {
        Change::Began(alarm) => {
            let expected = stream.watch.expected_hz().map(|hz| format!(" of {hz:.0}")).unwrap_or_default();
            let before = stream.watch.habit_hz().filter(|_| alarm == Alarm::Stopped);
            let before = before.map(|hz| format!(" after {hz:.1} Hz")).unwrap_or_default();
            let rate = format!("{:.1}{expected} Hz{before}", stream.watch.rate_hz(now));
            tracing::warn!("{topic}: {alarm} · {rate} · lost: {}", stream.losses());
        }
        Change::Ended(alarm, lasted) => {
            tracing::info!("{topic}: no longer {alarm}, after {:.1} s", lasted.as_secs_f64());
        }
    }
}
