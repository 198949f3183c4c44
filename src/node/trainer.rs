//! The outside of a trainer that waits for recordings: what it is about, for monitors, and the word not to wait for more.
//!
//! Training itself knows nothing of a bus; who trains beside a robot is asked by the same services and shown by the same monitors as
//! every other node.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::diagnostics::{Diagnostics, Level, Part};
use super::{Context, Stop, report};
use crate::bus::parameter::{Declared, Parameters, Value};
use crate::bus::typed::serve_typed;
use crate::bus::{self, Served};
use crate::msg::std::{Trigger, TriggerResponse};

/// How often it is looked whether something is to be said.
const LOOK: Duration = Duration::from_millis(250);

/// What goes wrong when a trainer is opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bus refused.
    #[error("the bus refused")]
    Bus(#[from] bus::Error),
    /// There is no thread to be had.
    #[error("no thread for diagnostics")]
    Thread(#[source] std::io::Error),
}

/// What a trainer is about, in words.
#[derive(Clone, Debug, Default)]
pub struct About(Arc<Mutex<String>>);

impl About {
    /// From now on it is about that.
    pub fn say(&self, words: &str) {
        words.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn words(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A trainer as others meet it.
#[derive(Debug)]
pub struct Outside {
    about: About,
    asked: Arc<AtomicBool>,
    stop: Stop,
    _served: (Box<dyn Served>, Parameters),
}

impl Outside {
    /// Opens what others meet: of a trainer whose rounds go into `out`, and begin with `every` new recordings.
    pub fn open(context: &Context, out: &Path, every: u32) -> Result<Self, Error> {
        let (bus, about, asked) = (&context.bus, About::default(), Arc::<AtomicBool>::default());
        let ask = Arc::clone(&asked);
        let train = serve_typed::<Trigger>(&**bus, "~/train", move |_request| {
            ask.store(true, Relaxed);
            let message = "the next round begins with whatever is new, as soon as something is".to_owned();
            Ok(TriggerResponse { success: true, message })
        })?;
        let facts = [
            ("out", Value::Text(out.display().to_string()), "the folder of rounds"),
            ("watch", Value::Integer(every.into()), "how many new recordings a round takes"),
        ];
        let facts = facts.map(|(name, value, text)| Declared::new(name, value, text).read_only());
        let parameters = Parameters::serve(&**bus, facts.into())?;
        let diagnostics = Diagnostics::open(&**bus)?;
        let (told, on) = (about.clone(), context.clone());
        let thread = thread::Builder::new().name("diagnostics".to_owned());
        thread.spawn(move || tell(diagnostics, &told, &on)).map_err(Error::Thread)?;
        Ok(Self { about, asked, stop: context.stop.clone(), _served: (train, parameters) })
    }

    /// What it is about; a clone says it for it.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Whether somebody asked not to wait for more.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Relaxed)
    }

    /// What was asked is done.
    pub fn answered(&self) {
        self.asked.store(false, Relaxed);
    }

    /// Whether it shall end.
    pub fn ends(&self) -> bool {
        self.stop.wished()
    }
}

/// Says once a second what it is about, until it ends.
fn tell(mut diagnostics: Diagnostics, about: &About, context: &Context) {
    while !context.stop.wished() {
        if diagnostics.is_due() {
            let (name, message) = ("training".to_owned(), about.words());
            let part = Part { name, level: Level::Fine, message, values: Vec::new() };
            if let Err(error) = diagnostics.publish(context.bus.clock().now(), vec![part]) {
                tracing::debug!("/diagnostics was not sent: {}", report(&error));
            }
        }
        thread::sleep(LOOK);
    }
}
