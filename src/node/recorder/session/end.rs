//! How an episode comes to its end, in order or not, and how the next begins by itself.
//!
//! Every end, asked for or not, goes through `settle`, once the writer is done: only then is it known what reached the disk,
//! and one path cannot forget the rescue, the account of losses or whoever waits for an answer.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use super::super::config::Kept;
use super::super::episode::{self, Episode, Why};
use super::super::operator::{Answer, Refusal};
use super::super::status::{Report, StreamReport};
use super::super::streams::{Stream, Streams};
use super::super::writer::Failure;
use super::super::{Error, report};
use super::{Ending, Phase, Recorder};
use crate::bag;
use crate::time::Stamp;

impl Recorder<'_> {
    /// Ends an episode that has reached its length.
    pub(super) fn end_at_its_length(&mut self) {
        if let Phase::Recording(episode) = &self.phase
            && !episode.is_over()
            && self.length.is_some_and(|length| self.seen.since(episode.start) >= length)
        {
            self.stop(Why::Length, None, true, Answer::default());
        }
    }

    /// Takes an episode over from a writer that is done.
    pub(super) fn look_after_the_episode(&mut self) {
        let over = match &self.phase {
            Phase::Recording(episode) | Phase::Saving(episode, _) => episode.is_over(),
            Phase::Idle => false,
        };
        if over {
            self.settle();
        }
    }

    /// Ends the episode while the disk still has room for its end.
    pub(super) fn look_at_the_disk(&mut self) {
        if let Phase::Recording(episode) = &self.phase
            && !episode.is_over()
            && let Some(why) = self.trouble_with_the_disk(episode)
        {
            self.stop(why, None, true, Answer::default());
        }
    }

    fn trouble_with_the_disk(&self, episode: &Episode) -> Option<Why> {
        if !episode.path.is_dir() {
            let words =
                "its folder has vanished; if it was moved, `apprentice bag recover` makes it whole there";
            return Some(Why::Failed(words.to_owned()));
        }
        self.folder.enough().err().map(|error| Why::Full(report(&error)))
    }

    /// Takes over what a writer that is done has left.
    fn settle(&mut self) {
        self.streams.iter_mut().for_each(Stream::freeze);
        self.settle_frozen();
        self.streams.iter_mut().for_each(Stream::thaw);
    }

    fn settle_frozen(&mut self) {
        let at = self.clock.now();
        let (episode, mut ending) = match std::mem::take(&mut self.phase) {
            Phase::Saving(episode, ending) => (episode, ending),
            Phase::Recording(episode) => {
                self.undo_teach();
                let why = Why::Failed(String::new());
                (episode, Ending { why, keep: true, success: None, at, answer: Answer::default() })
            }
            Phase::Idle => return,
        };
        let (path, start, bytes) = (episode.path.clone(), episode.start, episode.bytes());
        let written = episode.join();
        if !ending.keep {
            let result = discard(&path);
            return self.conclude(ending.answer, result);
        }
        let messages = match &written.failure {
            Some(failure) => self.rescue(&path, failure, &mut ending, start),
            None => written.messages,
        };
        let kept = Kept { messages, lost: self.streams.lost(), length: ending.at.since(start), path, bytes };
        let result = match ending.why.trouble() {
            None => Ok(words_of(&kept)),
            Some(why) => Err(Error::Episode { path: kept.path.clone(), why: why.to_owned() }),
        };
        self.outcome.failed += u32::from(result.is_err());
        self.good += u32::from(result.is_ok());
        if kept.path.is_dir() {
            self.outcome.kept.push(kept);
        }
        self.conclude(ending.answer, result);
    }

    /// Makes the bag of a writer that failed readable, and notes in it what is known; how many messages it has.
    fn rescue(&mut self, path: &Path, failure: &Failure, ending: &mut Ending, start: Stamp) -> u64 {
        let there = episode::rescue(path).unwrap_or_else(|error| {
            tracing::error!(?path, "what was written could not be made readable: {}", report(&error));
            HashMap::new()
        });
        for stream in self.streams.iter_mut() {
            stream.unwritten += stream.handed.saturating_sub(there.get(&stream.name).copied().unwrap_or(0));
        }
        let words = match &ending.why {
            Why::Failed(known) if !known.is_empty() => format!("{known} ({failure})"),
            _ => failure.to_string(),
        };
        ending.why = if failure.is_full_disk() { Why::Full(words) } else { Why::Failed(words) };
        let notes = episode::final_notes(&self.streams, &ending.why, ending.success, start, ending.at);
        if !there.is_empty()
            && let Err(error) = bag::label(path, &notes)
        {
            tracing::error!(?path, "nothing could be noted in it: {}", report(&error));
        }
        there.values().sum()
    }

    /// Shows how an episode ended and tells whoever asked for it.
    fn conclude(&mut self, answer: Answer, result: Result<String, Error>) {
        let words = match result {
            Ok(word) => {
                tracing::info!("{word}");
                self.trouble = None;
                self.word.clone_from(&word);
                Ok(word)
            }
            Err(error) => {
                self.word = report(&error);
                // Without an operator the error ends the session, and whoever runs it says so, unless it ends anyway.
                if !self.session.auto || self.quitting {
                    tracing::error!("{}", self.word);
                }
                self.trouble = Some(error);
                Err(Refusal::Failed { words: self.word.clone() })
            }
        };
        answer.tell(words);
        if self.session.episodes.is_some_and(|wanted| self.good >= wanted) {
            self.quitting = true;
        }
    }

    /// Begins an episode where nobody is there to ask for it.
    pub(super) fn begin_by_itself(&mut self) -> Result<(), Error> {
        let idle = matches!(self.phase, Phase::Idle);
        if !self.session.auto || !idle || self.quitting {
            return Ok(());
        }
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble);
        }
        let more = self.told.length().is_some() || self.session.episodes.is_some();
        if self.started && !more {
            return Ok(());
        }
        if !self.started && !self.is_complete()? {
            return Ok(());
        }
        self.started = true;
        let started = self.start();
        if self.tell_start(started).is_err()
            && let Some(trouble) = self.trouble.take()
        {
            return Err(trouble);
        }
        Ok(())
    }

    /// Shows the error that ends the session to whoever watches, and gives it back.
    pub(super) fn leave(mut self, error: Error) -> Error {
        self.word = report(&error);
        self.failed = true;
        self.show_last();
        error
    }

    /// Whether everything counted on has been heard, `/clock` included where time is what it says. After the wait it is an
    /// error that it has not; who waits for nothing waits for the time all the same.
    fn is_complete(&self) -> Result<bool, Error> {
        let wait = Duration::try_from_secs_f64(self.config.wait_s).unwrap_or_default();
        let heard = self.streams.iter().any(|stream| stream.received() > 0);
        let (mut topics, timeless) = (self.streams.missing(), self.is_timeless());
        topics.extend(timeless.then(|| "/clock".to_owned()));
        if (heard && topics.is_empty()) || (wait.is_zero() && !timeless) {
            return Ok(true);
        }
        if self.opened.elapsed() < wait || wait.is_zero() {
            return Ok(false);
        }
        Err(Error::Missing { topics, wait_s: self.config.wait_s })
    }

    /// The recorder as it stands.
    pub(super) fn report(&self) -> Report {
        let now = self.seen;
        let running = match &self.phase {
            Phase::Recording(episode) => Some((episode, now)),
            Phase::Saving(episode, ending) => Some((episode, ending.at)),
            Phase::Idle => None,
        };
        Report {
            state: self.state(),
            episode: self.current.0,
            path: self.current.1.clone(),
            length: running.map(|(episode, until)| until.since(episode.start)).unwrap_or_default(),
            bytes: running.map_or(0, |(episode, _)| episode.bytes()),
            queue: running.map_or(0.0, |(episode, _)| episode.queue_in_use()),
            free: self.folder.free().ok(),
            kept: (u32::try_from(self.outcome.kept.len()).unwrap_or(u32::MAX), self.session.episodes),
            word: self.word.clone(),
            streams: rows(&self.streams, now),
        }
    }
}

fn rows(streams: &Streams, now: Stamp) -> Vec<StreamReport> {
    let row = |stream: &Stream| StreamReport {
        topic: stream.name.clone(),
        type_name: stream.topic.as_ref().map(|topic| topic.type_name.clone()).unwrap_or_default(),
        rate_hz: stream.watch.rate_hz(now),
        expected_hz: stream.watch.expected_hz(),
        age: stream.watch.age(now),
        longest_gap: stream.watch.longest_gap(now),
        received: stream.received(),
        lost: stream.losses().total(),
        bytes: stream.bytes,
        alarm: stream.watch.words(),
    };
    streams.iter().map(row).collect()
}

fn discard(path: &Path) -> Result<String, Error> {
    if path.is_dir() {
        bag::delete(path)?;
    }
    Ok(format!("{} is discarded", path.display()))
}

fn words_of(kept: &Kept) -> String {
    format!(
        "{} is kept: {} messages in {:.1} s, {:.1} MB, {} lost",
        kept.path.display(),
        kept.messages,
        kept.length.as_secs_f64(),
        kept.bytes as f64 / 1e6,
        kept.lost
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::time::Instant;

    use bytes::Bytes;

    use super::super::super::space::Folder;
    use super::super::super::{Config, Outcome, Session, Wanted, notes};
    use super::*;
    use crate::bus::local::Hub;
    use crate::bus::{Bus, Node};
    use crate::msg::std::{Trigger, TriggerRequest, TriggerResponse};
    use crate::msg::{Message, Service};
    use crate::node::{Context, Stop};
    use crate::spec::Expect;
    use crate::wire::{Sample, Topic};

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A real writer that dies of its tenth message.
    struct Mortal {
        real: Box<dyn bag::Writer>,
        left: u32,
    }

    impl bag::Writer for Mortal {
        fn declare(&mut self, topic: &Arc<Topic>, text: &str, hash: &str) -> Result<(), bag::Error> {
            self.real.declare(topic, text, hash)
        }
        fn write(&mut self, sample: &Sample) -> Result<(), bag::Error> {
            self.left = self.left.checked_sub(1).expect("its time has come");
            self.real.write(sample)?;
            self.real.flush()
        }
        fn flush(&mut self) -> Result<(), bag::Error> {
            self.real.flush()
        }
        fn bytes(&self) -> u64 {
            self.real.bytes()
        }
        fn note(&mut self, key: &str, value: &str) {
            self.real.note(key, value);
        }
        fn finish(self: Box<Self>) -> Result<(), bag::Error> {
            self.real.finish()
        }
    }

    /// The first writer of this process is mortal, those after it are not.
    fn first_is_mortal(path: &Path, options: &bag::Options) -> Result<Box<dyn bag::Writer>, bag::Error> {
        static BORN: AtomicBool = AtomicBool::new(false);
        let real = bag::create(path, options)?;
        Ok(if BORN.swap(true, SeqCst) { real } else { Box::new(Mortal { real, left: 10 }) })
    }

    fn wait_for(what: &str, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < deadline, "waited for {what} in vain");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_writer_that_dies_leaves_a_readable_episode_and_the_next_is_whole() -> anyhow::Result<()> {
        let out = tempfile::tempdir()?;
        let hub = Hub::default();
        let robot = hub.join(Node::new("robot", "")?);
        let mut arm = robot.advertise(&Topic::new("/arm", "std_msgs/msg/Float64"))?;
        let stop = Stop::default();
        let context = Context::new(Arc::new(hub.join(Node::new("recorder", "")?)), stop.clone());
        let folder = Folder::open(out.path(), 0)?;
        let recorder = std::thread::spawn(move || -> Result<Outcome, Error> {
            let wanted = Wanted { expect: vec![Expect::any("/arm")], all: false };
            let config = Config { min_free_megabytes: 0, ..Config::default() };
            let mut recorder = Recorder::open(&context, &wanted, config, Session::default(), folder)?;
            recorder.create = first_is_mortal;
            recorder.run()
        });
        wait_for("a subscription", || arm.matched() > 0);
        let start = || -> anyhow::Result<TriggerResponse> {
            let answer =
                robot.call("/recorder/start", Trigger::TYPE, TriggerRequest {}.encode(), PATIENCE)?;
            Ok(TriggerResponse::decode(&answer)?)
        };
        assert!(start()?.success);
        for _ in 0..15 {
            arm.send(Bytes::from_static(&[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))?;
        }
        let first = out.path().join("episode_0000");
        wait_for("the end of the bag", || first.join("metadata.yaml").exists());
        wait_for("a start", || start().is_ok_and(|answer| answer.success));
        stop.wish();
        let outcome = recorder.join().expect("only the writer died")?;
        assert_eq!((outcome.kept.len(), outcome.failed), (2, 1));
        let (written, lost) = (outcome.kept[0].messages, outcome.kept[0].lost);
        assert!(written == 10 && (1..=5).contains(&lost), "{written} written, {lost} lost");
        let read = bag::open(&first)?;
        assert_eq!(read.notes()[notes::ENDED], "failed");
        assert!(read.notes()[notes::LOST].contains(&format!(r#""disk":{lost}"#)), "{:?}", read.notes());
        assert_eq!(bag::open(&outcome.kept[1].path)?.notes()[notes::ENDED], "interrupted");
        Ok(())
    }
}
