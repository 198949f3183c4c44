//! The DDS bus beside an implementation that is not ours: Cyclone DDS, in a Python process of its own, on loopback.
//!
//! Both directions, at the rates of a camera and an arm, counting every message. The peers are in `tests/peers/`.
#![cfg(feature = "dds")]

#[path = "support/patience.rs"]
mod patience;

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use apprentice::bag;
use apprentice::bus::typed::{Publisher, call_typed, read, serve_typed, topic};
use apprentice::bus::{Bus, Counts, Inbox, Kind, Limit, Options, open};
use apprentice::msg::Message;
use apprentice::msg::sensor::{Image, JointState};
use apprentice::msg::std::{Header, SetBool, SetBoolRequest, SetBoolResponse, Time};
use apprentice::node::recorder::{self, Config, Session, Wanted, notes};
use apprentice::node::{self, Stop};
use apprentice::spec::Expect;
use apprentice::time::{Clock, Wall};
use apprentice::wire::{Qos, Reliability};
use patience::due_at;

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const SECONDS: u32 = 4;
const IMAGES: u32 = 30 * SECONDS;
const JOINT_STATES: u32 = 500 * SECONDS;
/// Keeps the peers on the loopback interface too.
const ON_LOOPBACK: &str = "<CycloneDDS><Domain><General><Interfaces><NetworkInterface name=\"lo\"/></Interfaces>\
                           </General></Domain></CycloneDDS>";

/// The tests go one after the other: each is about a camera's and an arm's load, not about six of them.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A domain for each test of this process, away from those people use.
fn domain(test: u32) -> u16 {
    u16::try_from(170 + 6 * (std::process::id() % 10) + test).expect("it is below 232")
}

fn join(domain: u16) -> Result<Arc<dyn Bus>> {
    let node = "interop".to_owned();
    Ok(open(&Options { kind: Kind::Dds, node, domain: Some(domain), ..Options::default() })?)
}

/// A peer in a process of its own, ended with this.
struct Peer(Child);

impl Peer {
    fn start(script: &str, domain: u16, arguments: &[&str]) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let peers = root.join(".setup/peers");
        ensure!(peers.join("cyclonedds").is_dir(), "Cyclone DDS for Python is not there: run `make setup`");
        let child = Command::new("python3")
            .arg(root.join("tests/peers").join(script))
            .args(["--domain", &domain.to_string()])
            .args(arguments)
            .env("PYTHONPATH", peers)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("CYCLONEDDS_URI", ON_LOOPBACK)
            .stdout(Stdio::piped())
            .spawn()
            .context("python3 could not be started")?;
        Ok(Self(child))
    }

    /// What it printed, after it ended well.
    fn answer(mut self) -> Result<serde_json::Value> {
        let mut printed = String::new();
        self.0.stdout.take().context("its output is read once")?.read_to_string(&mut printed)?;
        let status = self.0.wait()?;
        ensure!(status.success(), "the peer failed: {printed}");
        Ok(serde_json::from_str(&printed)?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The image that the peers make: every pixel tells where it is.
fn image() -> Image {
    let (width, height) = (640, 480);
    let data: Vec<u8> = (0..width * height * 3).map(|at| (at * 7 % 251) as u8).collect();
    Image {
        header: Header::default(),
        height,
        width,
        encoding: "rgb8".to_owned(),
        is_bigendian: 0,
        step: width * 3,
        data: data.into(),
    }
}

/// The joint state that the peers make.
fn joint_state() -> JointState {
    let position: Vec<f64> = (0..14).map(|number| 0.1 * f64::from(number)).collect();
    JointState {
        header: Header::default(),
        name: (0..14).map(|number| format!("joint_{number}")).collect(),
        velocity: position.iter().map(|value| -value).collect(),
        position,
        effort: Vec::new(),
    }
}

fn header(number: u32) -> Header {
    let (sec, nanosec) = Wall.now().parts();
    Header { stamp: Time { sec, nanosec }, frame_id: format!("{number:08}") }
}

/// Hears the peer's camera and arm, and holds every message against what it must be.
fn hears_everything(qos: Qos, test: u32, how: &[&str]) -> Result<()> {
    let _alone = alone();
    let bus = join(domain(test))?;
    let inbox = Inbox::new(Limit { samples: 4000, bytes: 256 << 20 });
    let camera = bus.subscribe(&topic::<Image>("/camera_0/image_raw", qos), &inbox)?;
    let arm = bus.subscribe(&topic::<JointState>("/arm_0/joint_states", qos), &inbox)?;
    let seconds = SECONDS.to_string();
    let peer = Peer::start(
        "dds_publish.py",
        domain(test),
        &[&["--seconds", &seconds, "--wait", "40"], how].concat(),
    )?;
    let (image, joint_state) = (image(), joint_state());
    let (mut images, mut joint_states) = (Numbers::default(), Numbers::default());
    let deadline = Instant::now() + PATIENCE;
    while images.next < IMAGES || joint_states.next < JOINT_STATES {
        let sample = inbox.wait(deadline).with_context(|| {
            format!("{images:?} of {:?} and {joint_states:?} of {:?} came", camera.counts(), arm.counts())
        })?;
        if sample.topic.name.starts_with("/camera") {
            let got = read::<Image>(&sample)?;
            images.follow(&got.header.frame_id)?;
            ensure!(
                got == Image { header: got.header.clone(), ..image.clone() },
                "image {images:?} came changed"
            );
        } else {
            let got = read::<JointState>(&sample)?;
            joint_states.follow(&got.header.frame_id)?;
            ensure!(
                got == JointState { header: got.header.clone(), ..joint_state.clone() },
                "{joint_states:?}"
            );
        }
    }
    let sent = peer.answer()?;
    for (name, subscription, came) in
        [("/camera_0/image_raw", camera, images), ("/arm_0/joint_states", arm, joint_states)]
    {
        // The clock of the peer decides whether it sends one more than a rate times a time.
        let sent = sent[name].as_u64().context("the peer says what it sent")?;
        let received = sent - u64::from(came.first.context("something came")?);
        while subscription.counts().received < received && inbox.wait(deadline).is_some() {}
        assert_eq!(subscription.counts(), Counts { received, dropped: 0, lost: 0 }, "{name}");
        // A best-effort publisher may know us before we know it; what it says in between is not for us.
        ensure!(qos.reliability == Reliability::BestEffort || received == sent, "{name} began late");
    }
    Ok(())
}

/// The numbers of one topic's messages, none left out.
#[derive(Debug, Default)]
struct Numbers {
    first: Option<u32>,
    next: u32,
}

impl Numbers {
    fn follow(&mut self, frame_id: &str) -> Result<()> {
        let number: u32 = frame_id.parse()?;
        let first = *self.first.get_or_insert(number);
        ensure!(number == self.next.max(first), "{number} came where {} was due", self.next);
        self.next = number + 1;
        Ok(())
    }
}

#[test]
fn every_message_of_a_reliable_cyclone_publisher_arrives() -> Result<()> {
    hears_everything(Qos::reliable(50), 0, &[])
}

#[test]
fn every_message_of_a_best_effort_cyclone_publisher_arrives() -> Result<()> {
    hears_everything(Qos::sensor(), 1, &["--best-effort"])
}

#[test]
fn a_cyclone_subscriber_hears_every_message_of_ours() -> Result<()> {
    let _alone = alone();
    let bus = join(domain(2))?;
    let mut camera = Publisher::<Image>::open(&*bus, "/camera_0/image_raw", Qos::reliable(5))?;
    let mut arm = Publisher::<JointState>::open(&*bus, "/arm_0/joint_states", Qos::reliable(50))?;
    let (images, joint_states) = (IMAGES.to_string(), JOINT_STATES.to_string());
    let expected = ["--images", &images, "--joint-states", &joint_states, "--seconds", "60"];
    let peer = Peer::start("dds_listen.py", domain(2), &expected)?;
    until("the peer subscribes", || camera.matched() == 1 && arm.matched() == 1)?;
    let (mut image, mut joint_state) = (image(), joint_state());
    let start = Instant::now();
    for number in 0..JOINT_STATES {
        due_at(start + Duration::from_millis(2) * number);
        joint_state.header = header(number);
        until("joints are taken", || arm.send(&joint_state).is_ok())?;
        if number * IMAGES / JOINT_STATES < (number + 1) * IMAGES / JOINT_STATES {
            image.header = header(number * IMAGES / JOINT_STATES);
            // A reliable publisher refuses while too much of it is unacknowledged, as it may on a busy machine.
            until("pictures are taken", || camera.send(&image).is_ok())?;
        }
    }
    let heard = peer.answer()?;
    for (name, count) in [("/camera_0/image_raw", IMAGES), ("/arm_0/joint_states", JOINT_STATES)] {
        assert_eq!(heard[name], serde_json::json!({"heard": count, "wrong": 0, "disordered": 0}), "{name}");
    }
    Ok(())
}

fn until(what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
    patience::until(what, PATIENCE, || Ok(condition()))
}

#[test]
fn a_service_is_called_and_answered_across() -> Result<()> {
    let _alone = alone();
    let bus = join(domain(3))?;
    let _served = serve_typed::<SetBool>(&*bus, "/ours/set", |request| {
        Ok(SetBoolResponse { success: request.data, message: format!("it is {}", request.data) })
    })?;
    let caller =
        Peer::start("dds_service.py", domain(3), &["call", "--service", "/ours/set", "--calls", "4"])?;
    let answers = caller.answer()?;
    let (on, off) = (serde_json::json!([true, "it is true"]), serde_json::json!([false, "it is false"]));
    assert_eq!(answers, serde_json::json!([on, off, on, off]));

    let _server =
        Peer::start("dds_service.py", domain(3), &["serve", "--service", "/peer/set", "--calls", "2"])?;
    for (data, message) in [(true, "on"), (false, "off")] {
        let answer = call_typed::<SetBool>(&*bus, "/peer/set", &SetBoolRequest { data }, PATIENCE)?;
        assert_eq!(answer, SetBoolResponse { success: true, message: message.to_owned() });
    }
    Ok(())
}

#[test]
fn our_node_and_its_endpoints_are_known_to_cyclone() -> Result<()> {
    let _alone = alone();
    let bus = join(domain(4))?;
    let _arm = Publisher::<JointState>::open(&*bus, "/arm_0/joint_states", Qos::reliable(50))?;
    let peer = Peer::start(
        "dds_graph.py",
        domain(4),
        &["--node", "/interop", "--publishes", "rt/arm_0/joint_states"],
    )?;
    assert_eq!(peer.answer()?, serde_json::json!({"node": "/interop", "publishes": "rt/arm_0/joint_states"}));
    Ok(())
}

#[test]
fn a_type_hash_that_differs_from_ours_is_noted_in_the_bag() -> Result<()> {
    let _alone = alone();
    let bus = join(domain(5))?;
    let (hash, out) = (format!("RIHS01_{}", "0b".repeat(32)), tempfile::tempdir()?);
    let _peer = Peer::start("dds_publish.py", domain(5), &["--seconds", "60", "--type-hash", &hash])?;
    let offer = || bus.offers().into_iter().find(|offer| offer.name == "/arm_0/joint_states");
    until("the topic is known", || offer().is_some())?;
    let announced = offer().context("it was there a moment ago")?.hashes;
    assert_eq!(announced, [("sensor_msgs/msg/JointState".to_owned(), hash.clone())]);

    let wanted = Wanted { expect: vec![Expect::any("/arm_0/joint_states")], all: false };
    let length = Some(Duration::from_millis(200));
    let session =
        Session { out: out.path().to_owned(), auto: true, episodes: Some(1), length, ..Session::default() };
    let config = Config { min_free_megabytes: 0, ..Config::default() };
    let outcome = recorder::run(&node::Context::new(bus, Stop::default()), wanted, config, session)?;
    let bag = bag::open(&outcome.kept[0].path)?;
    let noted: serde_json::Value = serde_json::from_str(&bag.notes()[notes::HASHES])?;
    let ours = JointState::definition().hash;
    assert_eq!(noted, serde_json::json!({"/arm_0/joint_states": {"noted": ours, "announced": [hash]}}));
    assert_eq!(bag.type_hash("/arm_0/joint_states"), Some(ours.as_str()));
    Ok(())
}

#[test]
fn a_cyclone_publishers_topics_and_node_are_known_to_us() -> Result<()> {
    let _alone = alone();
    let bus = join(domain(5))?;
    let _peer = Peer::start("dds_publish.py", domain(5), &["--seconds", "30", "--node", "/rig/camera"])?;
    let offer = || bus.offers().into_iter().find(|offer| offer.name == "/camera_0/image_raw");
    until("its publisher is known", || offer().is_some_and(|offer| !offer.publishers.is_empty()))?;
    let offer = offer().context("it was there a moment ago")?;
    assert_eq!(offer.types, ["sensor_msgs/msg/Image"]);
    assert_eq!(offer.publishers, ["/rig/camera"]);
    assert!(Qos::reliable(1).accepts(&offer.offered[0]));
    Ok(())
}
