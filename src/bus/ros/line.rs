//! The line to the one thread that owns a node of r2r.
//!
//! r2r's node is not to be shared and its waiting cannot be interrupted, so one thread owns it: it waits a little, does
//! what others asked for, and empties every subscription into its inbox before it waits again. r2r would otherwise drop
//! the newest of more than ten without a word. Nothing that may take long is done on this thread. When nobody holds the line any more
//! the node is taken leave of before the holder goes on, so that a process that ends is gone for others at once.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::panic;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use futures::FutureExt;
use futures::executor::{LocalPool, LocalSpawner};
use futures::future::{AbortHandle, abortable};
use futures::task::LocalSpawnExt;

use crate::bus::{Error, Node};

/// How long the node waits for something to happen before it looks at what it was asked for.
const SPIN: Duration = Duration::from_millis(2);
/// Keeps the node's wait from ending at once where nothing is waited for.
const KEEP_WAITING: Duration = Duration::from_secs(1);
/// How many who ask the node for something are not kept waiting.
const ASKING: usize = 16;

/// Topics that come after all others in the order in which ROS 2 lists them, see [`Spinner::topics`].
const LAST: [&str; 4] = ["/zzzzzzzz/_last/a", "/zzzzzzzz/_last/b", "/zzzzzzzz/_last/c", "/zzzzzzzz/_last/d"];

/// What r2r says, or is found wrong beside it.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;
/// Something to do on the node's thread.
pub(super) type Work = Box<dyn FnOnce(&mut Spinner) + Send>;

/// What the thread of the node has.
pub(super) struct Spinner {
    pub(super) node: r2r::Node,
    /// Clients of services, which r2r keeps for as long as the node lives: one for each name and type, whatever is asked.
    pub(super) clients: HashMap<(String, &'static str), Rc<dyn Any>>,
    spawner: LocalSpawner,
    /// Whether the last topics are there.
    guarded: bool,
}

impl Spinner {
    /// The names of the topics there are.
    ///
    /// Of a topic with two types r2r reads two entries of a list that has one for each topic: it takes the next topic's for the second
    /// type, and behind the last topic it reads what is none and crashes. So a few hidden topics of ours
    /// come last, each with one type; what it takes for types is not looked at.
    pub(super) fn topics(&mut self) -> Result<Vec<String>, Cause> {
        if !self.guarded {
            let qos = r2r::QosProfile::sensor_data();
            for name in LAST {
                // It stays for as long as the node does, whoever holds it.
                drop(self.node.create_publisher_untyped(name, "std_msgs/msg/Empty", qos.clone())?);
            }
            self.guarded = true;
        }
        let known = self.node.get_topic_names_and_types()?.into_keys();
        Ok(known.filter(|name| !LAST.contains(&name.as_str())).collect())
    }

    /// Starts a task that ends with what is returned.
    pub(super) fn start(&self, task: impl Future<Output = ()> + 'static) -> Result<Task, Cause> {
        let (task, abort) = abortable(task);
        self.spawner.spawn_local(task.map(|_ended| ()))?;
        Ok(Task(abort))
    }
}

/// A task of the node's thread; dropped, it ends.
pub(super) struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The line to the thread of a node, which ends with it.
pub(super) struct Line {
    /// Taken out when the thread shall end.
    work: Option<SyncSender<Work>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Line {
    /// Starts a node on a thread of its own. The second is what it is called, after remapping.
    pub(super) fn open(node: Node) -> Result<(Self, Node), Error> {
        let opened = |source| Error::Open { bus: "ros", source };
        let (work, asked) = sync_channel::<Work>(ASKING);
        let (tell, told) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("bus ros".to_owned())
            .spawn(move || match create(&node) {
                Ok((created, waiting, named)) => {
                    if tell.send(Ok(named)).is_ok() {
                        spin(created, &asked);
                    }
                    drop(waiting);
                }
                // Nobody listens only where opening was given up.
                Err(error) => drop(tell.send(Err(error))),
            })
            .map_err(|error| opened(error.into()))?;
        let named = told.recv().map_err(|_gone| opened("the thread of the node ended".into()))?;
        let (name, namespace) = named.map_err(opened)?;
        Ok((Self { work: Some(work), thread: Some(thread) }, Node::new(&name, &namespace)?))
    }

    /// Has the node's thread do something. Where the node is gone, nothing is to be done.
    pub(super) fn tell(&self, work: Work) {
        if let Some(line) = &self.work {
            drop(line.send(work));
        }
    }

    /// Has the node's thread do something, and waits for what came of it.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        what: &'static str,
        (name, type_name): (&str, &str),
        work: impl FnOnce(&mut Spinner) -> Result<T, Cause> + Send + 'static,
    ) -> Result<T, Error> {
        let failed = |source| Error::Transport {
            what,
            topic: name.to_owned(),
            type_name: type_name.to_owned(),
            source,
        };
        let (tell, told) = sync_channel(1);
        self.tell(Box::new(move |spinner| drop(tell.send(work(spinner)))));
        told.recv().map_err(|_gone| failed("the node is gone".into()))?.map_err(failed)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.work.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was printed where it happened.
            drop(thread.join());
        }
    }
}

/// The node, what keeps its wait from ending at once, and what it is called after remapping.
fn create(node: &Node) -> Result<(r2r::Node, r2r::Timer, (String, String)), Cause> {
    // On arguments that ROS 2 does not understand r2r panics with ROS 2's own words.
    let context = panic::catch_unwind(r2r::Context::create).map_err(|panicked| words(&*panicked))??;
    let mut created = r2r::Node::create(context, node.name(), node.namespace())?;
    let waiting = created.create_wall_timer(KEEP_WAITING)?;
    let named = (created.name()?, created.namespace()?);
    Ok((created, waiting, named))
}

fn words(panicked: &(dyn Any + Send)) -> Cause {
    let words = panicked.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panicked.downcast_ref::<&str>().copied());
    format!("ROS 2 refuses its arguments: {}", words.unwrap_or("it does not say why")).into()
}

fn spin(node: r2r::Node, asked: &Receiver<Work>) {
    let mut pool = LocalPool::new();
    let mut spinner = Spinner { node, clients: HashMap::new(), spawner: pool.spawner(), guarded: false };
    loop {
        spinner.node.spin_once(SPIN);
        pool.run_until_stalled();
        loop {
            match asked.try_recv() {
                Ok(work) => work(&mut spinner),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return,
            }
        }
    }
}
