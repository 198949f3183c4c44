//! The table of topics, services and parameters in docs/interfaces.md, made of what the nodes open.
//!
//! Each node is opened for the simulated arm on a bus that notes what it opens, so that the table cannot say otherwise than the code.
//! After a change, `cargo test --test interfaces -- --ignored` writes the table anew.
#![cfg(feature = "sim")]

#[path = "support/acting.rs"]
mod acting;
#[path = "support/driving.rs"]
mod driving;
#[path = "support/noting.rs"]
mod noting;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/simulating.rs"]
mod simulating;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use apprentice::arm::Chain;
use apprentice::bus::local::Hub;
use apprentice::bus::typed::call_typed;
use apprentice::bus::{Bus, Node};
use apprentice::config::Settings;
use apprentice::msg::rcl::{
    DescribeParameters, DescribeParametersRequest, ListParameters, ListParametersRequest, ParameterDescriptor,
};
use apprentice::node::recorder::{self, Session, Wanted};
use apprentice::node::runner::{Mind, Options, Robot, Runner};
use apprentice::node::simulator::{self, Pace};
use apprentice::node::teleop::{Device, Teleop};
use apprentice::node::trainer::Outside;
use apprentice::node::{Context, Stop};
use apprentice::wire::{Durability, History, Qos, Reliability, Topic};
use noting::{Noting, Opened};

const PATIENCE: Duration = Duration::from_secs(30);
/// What every node with parameters answers and says for them, told once.
const OF_PARAMETERS: [&str; 6] = [
    "describe_parameters",
    "get_parameter_types",
    "get_parameters",
    "list_parameters",
    "set_parameters",
    "set_parameters_atomically",
];
const EVENTS: &str = "/parameter_events";
const KINDS: [&str; 10] =
    ["?", "bool", "integer", "double", "string", "bytes", "bools", "integers", "doubles", "strings"];

/// A node as others meet it.
struct Met {
    name: &'static str,
    command: &'static str,
    opened: Opened,
    parameters: Vec<ParameterDescriptor>,
}

fn settings() -> Result<Settings> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sim_arm.yaml");
    Ok(Settings::load(&[file], &["control.gate.human={button: 5}".to_owned()])?)
}

/// Somewhere to open one node, alone but for who asks it for its parameters.
struct Room {
    name: &'static str,
    command: &'static str,
    asker: Arc<dyn Bus>,
    context: Context,
    opened: Box<dyn Fn() -> Opened>,
}

impl Room {
    fn new(name: &'static str, command: &'static str) -> Result<Self> {
        let hub = Hub::default();
        let noting = Noting::over(Arc::new(hub.join(Node::new(name, "")?)));
        let opened = Box::new(noting.opened());
        let context = Context::new(Arc::new(noting), Stop::default());
        Ok(Self { name, command, asker: Arc::new(hub.join(Node::new("asker", "")?)), context, opened })
    }

    /// What is met here now.
    fn met(&self) -> Result<Met> {
        let service = |what: &str| format!("/{}/{what}", self.name);
        let request = ListParametersRequest { prefixes: Vec::new(), depth: 0 };
        let listed =
            call_typed::<ListParameters>(&*self.asker, &service("list_parameters"), &request, PATIENCE)?;
        let request = DescribeParametersRequest { names: listed.result.names };
        let described = call_typed::<DescribeParameters>(
            &*self.asker,
            &service("describe_parameters"),
            &request,
            PATIENCE,
        )?;
        let (name, command) = (self.name, self.command);
        Ok(Met { name, command, opened: (self.opened)(), parameters: described.descriptors })
    }
}

/// The recorder, beside a robot that offers all it counts on.
fn recorder() -> Result<Met> {
    let (room, settings) = (Room::new("recorder", "apprentice record")?, settings()?);
    let expect = settings.expected(room.context.bus.node())?;
    let offer = |expected: &apprentice::spec::Expect| {
        let type_name = expected.type_name.clone().context("the file names every type")?;
        Ok(room.asker.advertise(&Topic::new(&expected.topic, type_name))?)
    };
    let robot = expect.iter().map(offer).collect::<Result<Vec<_>>>()?;
    let folder = tempfile::tempdir()?;
    let session = Session { out: folder.path().join("out"), ..Session::default() };
    let (context, config) = (room.context.clone(), settings.record.clone());
    let count = expect.len();
    let wanted = Wanted { expect, all: false };
    let thread = std::thread::spawn(move || recorder::run(&context, wanted, config, session));
    let deadline = Instant::now() + PATIENCE;
    while (room.opened)().heard.len() < count {
        ensure!(Instant::now() < deadline && !thread.is_finished(), "it does not subscribe: {count} topics");
        std::thread::yield_now();
    }
    let met = room.met();
    room.context.stop.wish();
    drop(robot);
    thread.join().expect("it does not panic")?;
    met
}

/// What leads to the tip that a viewer is shown.
fn chain(settings: &Settings) -> Result<Chain> {
    let arm = settings.teleop.arm.as_ref().context("the file names the arm")?;
    Ok(Chain::between(&settings.description()?.context("it is described")?, &arm.base, &arm.tip)?)
}

fn policy() -> Result<Met> {
    let (room, settings) = (Room::new("policy", "apprentice run")?, settings()?);
    let mind =
        Mind { lasts: Duration::from_millis(640), ..acting::mind("none", |seen| acting::onwards(seen, 0.0)) };
    let act = settings.act.as_ref().context("it is moved")?;
    let layout =
        apprentice::data::Layout::resolve(&settings.robot, &settings.observe, act, None, &BTreeMap::new())?;
    let (observe, control, actions) = (&settings.observe, &settings.control, &settings.data.actions);
    let robot = Robot::new(settings.description()?.as_ref(), observe, act, control, actions, layout)?;
    let robot = robot.shown(chain(&settings)?, "");
    let runner = Runner::open(&room.context, robot, acting::once(mind), Options::default())?;
    let mut met = room.met()?;
    // What it plans it says on a thread that runs with it.
    room.context.stop.wish();
    runner.run()?;
    met.opened = (room.opened)();
    Ok(met)
}

fn gate() -> Result<Met> {
    let (room, settings) = (Room::new("gate", "apprentice gate")?, settings()?);
    let act = settings.act.as_ref().context("it is moved")?;
    let (observe, control, actions) = (&settings.observe, &settings.control, &settings.data.actions);
    let robot = Robot::unseen(settings.description()?.as_ref(), observe, act, control, actions)?;
    let robot = robot.shown(chain(&settings)?, "");
    let _open = Runner::driving(&room.context, robot, Options::default())?;
    room.met()
}

/// With either device that says something on a topic: a person has one of them.
fn teleop() -> Result<Met> {
    let mut met: Option<Met> = None;
    for device in [Device::Leader, Device::Joy(None)] {
        let (room, settings) = (Room::new("teleop", "apprentice teleop")?, settings()?);
        let (robot, act) = (driving::robot(&settings)?, settings.act.as_ref().context("it is moved")?);
        let _open = Teleop::open(&room.context, robot, act, settings.teleop.clone(), device, false)?;
        let mut one = room.met()?;
        if let Some(other) = met {
            one.opened.heard.extend(other.opened.heard);
        }
        met = Some(one);
    }
    met.context("there are devices")
}

/// Over as soon as it has begun.
fn simulator() -> Result<Met> {
    let room = Room::new("simulator", "apprentice sim")?;
    let mut options = simulating::options("pick", Pace::Fast, "std_msgs/msg/Float64MultiArray")?;
    options.cameras = None;
    options.jpeg = true;
    let context = room.context.clone();
    let thread = std::thread::spawn(move || simulator::run(&context, &options, None));
    let deadline = Instant::now() + PATIENCE;
    let met = loop {
        ensure!(Instant::now() < deadline && !thread.is_finished(), "it does not begin");
        // Diagnostics are the last thing it opens.
        if (room.opened)().published.contains_key("/diagnostics") {
            break room.met();
        }
        std::thread::yield_now();
    };
    room.context.stop.wish();
    thread.join().expect("it does not panic")?;
    met
}

/// As `apprentice train --watch=5` opens it.
fn trainer() -> Result<Met> {
    let room = Room::new("trainer", "apprentice train --watch")?;
    let _open = Outside::open(&room.context, Path::new("runs/fold"), 5)?;
    let met = room.met();
    room.context.stop.wish();
    met
}

fn all() -> Result<Vec<Met>> {
    Ok(vec![recorder()?, teleop()?, policy()?, gate()?, simulator()?, trainer()?])
}

fn quality(qos: &Qos) -> String {
    let reliability = match qos.reliability {
        Reliability::Reliable => "reliable",
        Reliability::BestEffort => "best effort",
    };
    let latched = if qos.durability == Durability::TransientLocal { ", latched" } else { "" };
    let depth = match qos.history {
        History::KeepLast(depth) => format!("last {depth}"),
        History::KeepAll => "all".to_owned(),
    };
    format!("{reliability}{latched}, {depth}")
}

fn names<'a>(nodes: impl IntoIterator<Item = &'a Met>) -> String {
    let names: Vec<String> = nodes.into_iter().map(|node| format!("`{}`", node.name)).collect();
    names.join(", ")
}

/// The page, whole.
fn page() -> Result<String> {
    let nodes = all()?;
    let mut page = "# Topics, services and parameters\n\n\
        What each node opens for the simulated arm (`config/sim_arm.yaml`, a dead-man button on `/joy`, the world `pick`). The topics of\n\
        another robot are those of its file; all names follow the node's own name, its namespace and remapping. What `apprentice run` does\n\
        in one process, `apprentice run --only policy` and `apprentice gate` do in two: then `/plan` goes between them.\n\n\
        Made by `cargo test --test interfaces -- --ignored` from what the nodes open on a bus; every run of the tests holds the page to it.\n"
        .to_owned();
    topics(&mut page, &nodes)?;
    for node in &nodes {
        one(&mut page, node)?;
    }
    Ok(page)
}

/// Who speaks to whom.
fn topics(page: &mut String, nodes: &[Met]) -> Result<()> {
    writeln!(
        page,
        "\n## Who speaks to whom\n\n| topic | type | published by | heard by |\n|---|---|---|---|"
    )?;
    let mut types = BTreeMap::new();
    for node in nodes {
        for (name, (type_name, _)) in node.opened.published.iter().chain(&node.opened.heard) {
            let before = types.insert(name.clone(), type_name.clone());
            ensure!(before.is_none_or(|before| before == *type_name), "{name} has two types");
        }
    }
    types.remove(EVENTS);
    for (name, type_name) in types {
        let speak = names(nodes.iter().filter(|node| node.opened.published.contains_key(&name)));
        let hear = names(nodes.iter().filter(|node| node.opened.heard.contains_key(&name)));
        writeln!(page, "| `{name}` | {type_name} | {speak} | {hear} |")?;
    }
    Ok(())
}

fn one(page: &mut String, node: &Met) -> Result<()> {
    let Met { name, command, opened, parameters } = node;
    writeln!(page, "\n## {name}\n\n`{command}`, `ros2 run apprentice {name}`\n")?;
    writeln!(page, "| topic | type | | quality of service |\n|---|---|---|---|")?;
    let out = opened.published.iter().map(|topic| (topic, "publishes"));
    let heard = opened.heard.iter().map(|topic| (topic, "hears"));
    for ((topic, (type_name, qos)), way) in out.chain(heard).filter(|((topic, _), _)| *topic != EVENTS) {
        writeln!(page, "| `{topic}` | {type_name} | {way} | {} |", quality(qos))?;
    }
    let own = |service: &&String| !OF_PARAMETERS.iter().any(|of| service.ends_with(&format!("/{of}")));
    if opened.answered.keys().any(|service| own(&service)) {
        writeln!(page, "\n| service | type |\n|---|---|")?;
    }
    for service in opened.answered.keys().filter(own) {
        writeln!(page, "| `{service}` | {} |", opened.answered[service])?;
    }
    writeln!(page, "\n| parameter | type | | |\n|---|---|---|---|")?;
    for it in parameters {
        let may = if it.read_only { "read-only" } else { "may be set" };
        let kind = KINDS.get(usize::from(it.r#type)).context("a kind of parameter")?;
        writeln!(page, "| `{}` | {kind} | {may} | {} |", it.name, it.description)?;
    }
    Ok(())
}

fn file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/interfaces.md")
}

#[test]
fn the_page_of_interfaces_says_what_the_nodes_open() -> Result<()> {
    let (said, is) = (fs::read_to_string(file())?, page()?);
    let missing: Vec<&str> = is.lines().filter(|line| !said.lines().any(|said| said == *line)).collect();
    let more: Vec<&str> = said.lines().filter(|line| !is.lines().any(|is| is == *line)).collect();
    assert!(
        said == is,
        "docs/interfaces.md is not what the nodes open.\nIt lacks: {missing:#?}\nIt has, and should not: {more:#?}\n\
         `cargo test --test interfaces -- --ignored` writes it anew"
    );
    Ok(())
}

#[test]
fn every_node_tells_its_parameters_and_whose_time_is_its_own() -> Result<()> {
    for node in all()? {
        let answered: BTreeSet<&str> =
            node.opened.answered.keys().filter_map(|service| service.rsplit('/').next()).collect();
        assert!(
            OF_PARAMETERS.iter().all(|service| answered.contains(service)),
            "{}: {answered:?}",
            node.name
        );
        assert!(node.opened.published.contains_key(EVENTS), "{}", node.name);
        assert!(node.parameters.iter().any(|it| it.name == "use_sim_time" && it.read_only), "{}", node.name);
    }
    Ok(())
}

#[test]
#[ignore = "it writes docs/interfaces.md"]
fn write_the_page_anew() -> Result<()> {
    Ok(fs::write(file(), page()?)?)
}
