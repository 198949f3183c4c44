//! One recording, tick by tick: what a robot would have seen, and what was done then.
//!
//! Messages are heard in the order in which they were received, and a tick is asked for as soon as a later message shows that
//! nothing more belongs to it: just as on the robot. Only the labels wait until all was heard.

mod label;
mod pass;
mod wiring;

use std::time::Duration;

use super::actions::{self, Origin};
use super::layout::Layout;
use super::observe::{Decoder, Observe};
use super::store::{Draft, Take};
use super::summary::{Account, Dropped};
use super::{Config, Error};
use crate::bag::Reader;
use crate::spec::Act;
use crate::time::Stamp;
use pass::Pass;
use wiring::Wiring;

pub(super) use wiring::find;

/// What all recordings of a data set are read by.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) layout: &'a Layout,
    pub(super) observe: &'a Observe,
    pub(super) config: &'a Config,
    parts: Vec<String>,
    origins: Vec<Origin>,
    decoder: Decoder,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        layout: &'a Layout,
        observe: &'a Observe,
        act: &Act,
        config: &'a Config,
    ) -> Result<Self, Error> {
        let origins = actions::origins(act, layout)?;
        let parts = act.parts.keys().map(|name| format!("act.parts.{name}")).collect();
        Ok(Self { layout, observe, config, parts, origins, decoder: Decoder::new(layout, observe) })
    }

    /// How long after the first tick of a grid another one is; no error adds up.
    fn after(&self, ticks: u64) -> Duration {
        Duration::from_nanos((ticks as f64 * 1e9 / self.layout.rate_hz).round() as u64)
    }
}

/// Reads a recording; its pictures go into `draft` as they are decoded.
pub(super) fn import(
    scene: &Scene<'_>,
    reader: &mut dyn Reader,
    draft: &mut Draft,
) -> Result<Result<Take, Dropped>, Error> {
    if reader.span().is_none() {
        return Ok(Err(Dropped::Empty));
    }
    let wiring = match Wiring::of(scene, reader.topics()) {
        Ok(wiring) => wiring,
        Err(dropped) => return Ok(Err(dropped)),
    };
    let mut pass = Pass::new(scene);
    let topics = wiring.topics();
    for sample in reader.samples(&topics) {
        match sample {
            Ok(sample) => pass.hear(&wiring, &sample, draft)?,
            Err(_) => pass.take.account.damaged += 1,
        }
    }
    pass.look(Stamp(i64::MAX), draft)?;
    Ok(spoke(scene, &wiring, &pass.take.account).and_then(|()| label::label(scene, pass)))
}

/// Whether every topic that is needed said something.
fn spoke(scene: &Scene<'_>, wiring: &Wiring, account: &Account) -> Result<(), Dropped> {
    let names = scene.layout.streams().chain(scene.parts.iter().map(String::as_str));
    for name in names {
        let Some(topic) = wiring.topic_of(name) else { continue };
        let heard = account.heard.get(name);
        let used = heard.map_or(0, |heard| heard.messages - heard.bad.values().sum::<u64>());
        if used == 0 {
            let why = heard.and_then(|heard| heard.bad.keys().next().cloned());
            return Err(Dropped::Silent { topic: topic.to_owned(), why });
        }
    }
    Ok(())
}
