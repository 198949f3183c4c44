//! How an episode begins: the arm is made draggable, the writer opened, and what held already is handed over.
//!
//! Whatever can refuse (space, a service that frees the arm, the bag itself) is asked before the phase changes, so that a
//! refused start leaves the recorder as it was.

use super::super::episode::Episode;
use super::super::episode::Why;
use super::super::operator::{Answer, Refusal, Reply};
use super::super::streams::Stream;
use super::super::{Error, report, teach};
use super::{Phase, Recorder};
use crate::wire::Sample;

impl Recorder<'_> {
    /// Shows how a start went, and gives back the words for whoever asked.
    pub(super) fn tell_start(&mut self, started: Result<(), Error>) -> Reply {
        match started {
            Ok(()) => {
                self.word = format!("recording {}", self.current.1.display());
                tracing::info!(path = ?self.current.1, "recording");
                Ok(self.word.clone())
            }
            Err(error) => {
                self.word = report(&error);
                // Without an operator the error ends the session, and whoever runs it says so.
                if !self.session.auto {
                    tracing::error!("no episode was started: {}", self.word);
                }
                self.trouble = Some(error);
                Err(Refusal::Failed { words: self.word.clone() })
            }
        }
    }

    pub(super) fn start(&mut self) -> Result<(), Error> {
        self.folder.enough()?;
        // What came before the start and still waits is seen before it: the last word of a latched topic may be there.
        let now = self.clock.now();
        for _ in 0..self.inbox.waiting().samples {
            let Some(sample) = self.inbox.take_before(now) else { break };
            self.take(sample);
        }
        if let Some(teach) = &self.session.teach {
            teach::call(self.context.bus.as_ref(), teach, true)?;
        }
        let begun = self.begin();
        if begun.is_err() {
            self.undo_teach();
        }
        let episode = begun?;
        let held = if self.config.ring.before_start { self.ring.held(episode.start) } else { Vec::new() };
        self.hand_over(&episode, held);
        self.phase = Phase::Recording(episode);
        Ok(())
    }

    pub(super) fn undo_teach(&self) {
        if let Some(teach) = &self.session.teach
            && let Err(error) = teach::call(self.context.bus.as_ref(), teach, false)
        {
            tracing::error!("the arm may still be draggable: {}", report(&error));
        }
    }

    /// Begins an episode: from here on what arrives is its.
    fn begin(&mut self) -> Result<Episode, Error> {
        let now = self.clock.now();
        let notes = self.told.notes(&self.session.notes);
        let episode = Episode::begin(&self.folder, &self.config, &notes, now, self.create)?;
        self.length = self.told.length();
        self.trouble = None;
        self.waited = self.inbox.waiting().samples;
        self.current = (episode.number, episode.path.clone());
        for stream in self.streams.iter_mut() {
            stream.begin(now);
            episode.declare(stream);
        }
        Ok(episode)
    }

    /// Has the episode begin with what was latched before it, and with what the ring held.
    ///
    /// The latched are written as received when the bag begins, because that is when they held for this episode: with
    /// the time of their arrival, hours ago perhaps, the bag would span those hours too. When they were sent stays
    /// in them, where the bus said so.
    fn hand_over(&mut self, episode: &Episode, held: Vec<Sample>) {
        let beginning = held.first().map(|first| first.received);
        let latched = self.streams.iter().flat_map(Stream::latched);
        // What came since the beginning is in the ring as well.
        let older = latched.filter(|sample| beginning.is_none_or(|beginning| sample.received < beginning));
        let received = beginning.unwrap_or(episode.start);
        let mut all: Vec<Sample> = older.map(|sample| Sample { received, ..sample.clone() }).collect();
        all.extend(held);
        for sample in &all {
            if let Some(stream) = self.streams.of(&sample.topic.name) {
                stream.account(sample, Ok(()));
            }
        }
        episode.push_held(all);
    }

    pub(super) fn save_last(&mut self, answer: Answer) {
        if !self.ring.is_on() {
            return answer.tell(Err(Refusal::NoRing));
        }
        match self.begin() {
            Ok(episode) => {
                let held = self.ring.held(episode.start);
                self.hand_over(&episode, held);
                self.phase = Phase::Recording(episode);
                self.stop(Why::Asked, None, true, answer);
            }
            Err(error) => answer.tell(self.tell_start(Err(error))),
        }
    }
}
