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
use crate::time::Stamp;
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
        // The last word of a latched topic may be there.
        self.take_before(self.clock.now());
        if let Some(teach) = &self.session.teach {
            teach::call(self.context.bus.as_ref(), teach, true)?;
        }
        let begun = self.begin(self.clock.now());
        if begun.is_err() {
            self.undo_teach();
        }
        let episode = begun?;
        let held = if self.config.ring.before_start { self.ring.held(episode.start) } else { Vec::new() };
        self.hand_over(&episode, held);
        self.phase = Phase::Recording(episode);
        Ok(())
    }

    /// Sees what came before `now` and still waits, as if the episode that begins then were not asked for yet.
    fn take_before(&mut self, now: Stamp) {
        for _ in 0..self.inbox.waiting().samples {
            let Some(sample) = self.inbox.take_before(now) else { break };
            self.take(sample);
        }
    }

    /// Whether time is what `/clock` says and it has said nothing yet: until then every message comes at zero.
    pub(super) fn is_timeless(&self) -> bool {
        self.context.bus.sim_time() && self.clock.now() == Stamp::default()
    }

    pub(super) fn undo_teach(&self) {
        if let Some(teach) = &self.session.teach
            && let Err(error) = teach::call(self.context.bus.as_ref(), teach, false)
        {
            tracing::error!("the arm may still be draggable: {}", report(&error));
        }
    }

    /// Begins an episode at `now`: from here on what arrives is its.
    fn begin(&mut self, now: Stamp) -> Result<Episode, Error> {
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
        let now = self.clock.now();
        self.take_before(now);
        match self.begin(now) {
            Ok(episode) => {
                // What came since then is wanted too, be it ever so little older than the episode.
                self.waited = 0;
                let held = self.ring.held(episode.start);
                self.hand_over(&episode, held);
                self.phase = Phase::Recording(episode);
                self.stop(Why::Asked, None, true, answer);
            }
            Err(error) => answer.tell(self.tell_start(Err(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;

    use super::super::super::space::Folder;
    use super::super::super::{Config, Ring, Session, Wanted};
    use super::*;
    use crate::bag;
    use crate::bus::local::Hub;
    use crate::bus::{Bus, Node, ToldClock};
    use crate::node::{Context, Stop};
    use crate::spec::Expect;
    use crate::time::Clock as _;
    use crate::wire::Topic;

    #[test]
    fn what_waits_in_the_inbox_is_saved_with_the_last_seconds() -> anyhow::Result<()> {
        let (out, stop) = (tempfile::tempdir()?, Stop::default());
        let clock = Arc::new(ToldClock::new(Stamp(1_000_000_000_000)));
        let hub = Hub::new(clock.clone());
        let robot = hub.join(Node::new("robot", "")?);
        let mut arm = robot.advertise(&Topic::new("/arm", "std_msgs/msg/Float64"))?;
        let context = Context::new(Arc::new(hub.join(Node::new("recorder", "")?)), stop.clone());
        let wanted = Wanted { expect: vec![Expect::any("/arm")], all: false };
        let ring = Ring { seconds: 5.0, ..Ring::default() };
        let config = Config { min_free_megabytes: 0, ring, ..Config::default() };
        let folder = Folder::open(out.path(), 0)?;
        let mut recorder = Recorder::open(&context, &wanted, config, Session::default(), folder)?;
        recorder.discover();
        let mut say = |value: u8| -> anyhow::Result<()> {
            arm.send(Bytes::copy_from_slice(&[0, 1, 0, 0, value, 0, 0, 0, 0, 0, 0, 0]))?;
            clock.tell(clock.now() + Duration::from_millis(10));
            Ok(())
        };
        say(1)?;
        recorder.receive();
        (2..=4).try_for_each(&mut say)?;
        recorder.save_last(Answer::default());
        stop.wish();
        let outcome = recorder.run()?;
        assert_eq!(outcome.kept.iter().map(|kept| (kept.messages, kept.lost)).collect::<Vec<_>>(), [(4, 0)]);
        let mut bag = bag::open(&outcome.kept[0].path)?;
        let said: Vec<u8> = bag.samples(&["/arm"]).flatten().map(|sample| sample.cdr[4]).collect();
        assert_eq!(said, [1, 2, 3, 4]);
        Ok(())
    }
}
