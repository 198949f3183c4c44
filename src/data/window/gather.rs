//! Windows copied side by side into a batch.
//!
//! Everything lands where the device will take it from in one piece; pictures are read from the cache straight into their place.
//! What is drawn for one window does not depend on the others of the batch but through the stream of chance they share.

use super::{Rules, Windows};
use crate::data::dataset::{Episode, Recording};
use crate::data::store::Take;
use crate::data::{Error, Gathered};
use crate::noise::Noise;

/// One window, found.
struct Cut<'a> {
    recording: &'a Recording,
    take: &'a Take,
    episode: Episode,
    /// Among the episode's ticks.
    tick: usize,
}

impl Cut<'_> {
    /// The rows of the history, the newest last; the episode's first is repeated.
    fn history(&self, length: usize) -> impl Iterator<Item = usize> {
        let (first, tick) = (self.episode.first, self.tick);
        (0..length).rev().map(move |back| first + tick.saturating_sub(back))
    }

    /// The rows of the chunk, and whether each is real. From the first tick on that is not learned nothing is.
    fn chunk(&self, windows: &Windows) -> impl Iterator<Item = (usize, bool)> {
        let config = &windows.dataset.config;
        let end = self.episode.first + self.episode.ticks;
        let begin = self.episode.first + self.tick;
        let wanted = begin..end.min(begin + windows.shape.chunk);
        let real = wanted.clone().take_while(|row| config.counts(self.recording, *row)).count();
        (0..windows.shape.chunk).map(move |step| match step < real {
            true => (begin + step, true),
            false => (begin + real.max(1) - 1, false),
        })
    }
}

impl Windows {
    /// Gathers the windows of those numbers, pictures included.
    pub fn gather(&self, windows: &[u32], noise: &mut Noise, out: &mut Gathered) -> Result<(), Error> {
        self.gather_places(windows, noise, out);
        for (number, camera) in self.dataset.layout.cameras.iter().enumerate() {
            let (bytes, row) = (camera.bytes(), &mut out.frames[number]);
            row.resize(windows.len() * self.shape.history * bytes, 0);
            let mut spaces = row.chunks_exact_mut(bytes);
            for window in windows {
                let cut = self.cut(*window);
                for (tick, space) in cut.history(self.shape.history).zip(&mut spaces) {
                    cut.recording.kept.pictures.fetch(number, cut.take.places[number][tick], space)?;
                }
            }
        }
        Ok(())
    }

    /// Gathers all but the pictures, of which only the places are told: for whoever has the pictures already.
    pub fn gather_places(&self, windows: &[u32], noise: &mut Noise, out: &mut Gathered) {
        out.begin(&self.dataset.layout, self.shape, windows.len());
        for window in windows {
            let cut = self.cut(*window);
            let (_, _, weight) = self.place(*window);
            self.numbers(&cut, out);
            self.aim(&cut, noise, out);
            if let Rules { shift: Some((shift, deviations)), .. } = &self.rules
                && let Some(measured) = &self.measured
            {
                shift.apply(deviations, measured, self.shape, noise, out);
            }
            if let Some(signs) = self.dataset.signs.as_ref().filter(|_| self.rules.mirror)
                && noise.chance(0.5)
            {
                signs.apply(self.shape, out);
            }
            out.weight.push(weight);
        }
    }

    fn cut(&self, window: u32) -> Cut<'_> {
        let (episode, tick, _) = self.place(window);
        let episode = self.dataset.episodes[episode];
        let recording = &self.dataset.recordings[episode.recording];
        Cut { recording, take: &recording.kept.take, episode, tick }
    }

    fn numbers(&self, cut: &Cut<'_>, out: &mut Gathered) {
        let (width, joints) = (self.dataset.layout.width(), self.dataset.layout.actions.len());
        let row = |of: &[f32], row: usize, width: usize| -> std::ops::Range<usize> {
            debug_assert!((row + 1) * width <= of.len(), "a row of the episode");
            row * width..(row + 1) * width
        };
        for tick in cut.history(self.shape.history) {
            out.state.extend_from_slice(&cut.take.state[row(&cut.take.state, tick, width)]);
            out.past.extend_from_slice(&cut.take.past[row(&cut.take.past, tick, joints)]);
            for (camera, places) in out.places.iter_mut().enumerate() {
                let place = cut.recording.before[camera] + cut.take.places[camera][tick] as usize;
                places.push(place as i64);
            }
        }
        for (tick, real) in cut.chunk(self) {
            out.actions.extend_from_slice(&cut.take.actions[row(&cut.take.actions, tick, joints)]);
            out.real.push(if real { 1.0 } else { 0.0 });
        }
    }

    /// What is to be reached: a later state, what was told, or how the episode ended.
    fn aim(&self, cut: &Cut<'_>, noise: &mut Noise, out: &mut Gathered) {
        let (Some(goal), layout) = (&self.rules.goal, &self.dataset.layout) else { return };
        let (width, numbers, take) = (layout.width(), layout.goal.len(), cut.take);
        let row = cut.episode.first + cut.tick;
        let told = row.checked_sub(take.unaimed).filter(|_| !take.goals.is_empty());
        match (goal.later(cut.tick, cut.episode.ticks, layout.rate_hz, noise), told) {
            (None, Some(told)) => out.goal.extend_from_slice(&take.goals[told * numbers..][..numbers]),
            (later, _) => {
                let reached = cut.episode.first + later.unwrap_or(cut.episode.ticks - 1);
                out.goal.extend(layout.goal.iter().map(|place| take.state[reached * width + place]));
            }
        }
    }
}
