//! The recorder: topics in, one bag per episode out, and an account of everything that got lost on the way.
//!
//! Bytes in, bytes out: no message is decoded. What the bus delivers waits in one bounded inbox; the node's loop
//! takes it from there, looks at the time of arrival, and passes it on to the writer's thread through a queue that
//! is bounded in bytes, because a disk was seen to stall for half a second and a bus must not wait for it. Every
//! place where a message can get lost (wire, inbox, queue, disk) has its counter, shown while recording and noted
//! in the bag.

mod alarm;
mod config;
mod episode;
mod face;
mod operator;
mod queue;
mod ring;
mod session;
mod space;
mod status;
mod streams;
mod teach;
mod told;
mod watch;
mod writer;

use std::path::PathBuf;

pub use alarm::{Alarm, Noted};
pub use config::{Config, Kept, Outcome, Ring, Session, Wanted};
pub use episode::notes;
pub use status::{Report, State, StreamReport, line, table};
pub use streams::Losses;

use session::Recorder;
use space::Folder;

use super::{Context, report};
use crate::precedence::Precedence;
use crate::{bag, bus};

/// What goes wrong with a recorder.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bus refused.
    #[error("the bus refused")]
    Bus(#[source] Box<bus::Error>),
    /// A bag refused.
    #[error("the bag refused")]
    Bag(#[from] bag::Error),
    /// A folder that cannot be used.
    #[error("{what} {path:?} failed")]
    Folder {
        /// What was tried.
        what: &'static str,
        /// Which folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Two recorders must not number episodes in one folder.
    #[error("another recorder writes into {path:?}")]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// Too little space for an episode.
    #[error("{path:?} has {free_megabytes} MB free, under its minimum of {min_free_megabytes} MB")]
    Space {
        /// The folder of episodes.
        path: PathBuf,
        /// What is free.
        free_megabytes: u64,
        /// What has to be.
        min_free_megabytes: u64,
    },
    /// Topics that never delivered.
    #[error("nothing was received on {} within {wait_s} s", named(.topics))]
    Missing {
        /// Their names; none where any would have done.
        topics: Vec<String>,
        /// How long we waited.
        wait_s: f64,
    },
    /// An empty wish.
    #[error("no topic to record: name topics or ask for all")]
    Nothing,
    /// The arm could not be made draggable.
    #[error("the service {service:?} that makes the arm draggable refused: {why}")]
    Teach {
        /// Its name.
        service: String,
        /// What it said.
        why: String,
    },
    /// An episode that did not end as it should.
    #[error("{path:?} was ended early: {why}")]
    Episode {
        /// Its folder.
        path: PathBuf,
        /// What happened.
        why: String,
    },
    /// The keys were asked for where there is no terminal.
    #[error("the terminal could not be taken for keys")]
    Terminal(#[source] std::io::Error),
}

fn named(topics: &[String]) -> String {
    if topics.is_empty() { "any topic".to_owned() } else { format!("{topics:?}") }
}

impl From<bus::Error> for Error {
    fn from(error: bus::Error) -> Self {
        Self::Bus(Box::new(error))
    }
}

/// Records until the session is over: its number of episodes kept, the operator's word, or `context.stop`.
pub fn run(context: &Context, wanted: Wanted, config: Config, session: Session) -> Result<Outcome, Error> {
    if wanted.expect.is_empty() && !wanted.all {
        return Err(Error::Nothing);
    }
    if !Precedence::Writing.take() {
        tracing::info!(
            "the kernel grants no precedence: under load, messages may have to wait for the processor"
        );
    }
    let folder = Folder::open(&session.out, config.min_free_megabytes)?;
    let recovered = recover(&folder);
    let mut recorder = Recorder::open(context, &wanted, config, session, folder)?;
    recorder.recovered(recovered);
    recorder.run()
}

/// Makes whole what an earlier recorder was torn from. What cannot be is said, and left as it is.
fn recover(folder: &Folder) -> Vec<PathBuf> {
    let mut whole = Vec::new();
    for path in folder.torn() {
        match bag::recover(&path) {
            Ok(recovered) => {
                tracing::warn!(
                    ?path,
                    messages = recovered.messages,
                    dropped_bytes = recovered.dropped_bytes,
                    "a bag that was cut off is whole again"
                );
                whole.push(path);
            }
            Err(error) => tracing::error!(?path, "a bag was cut off and stays so: {}", report(&error)),
        }
    }
    whole
}
