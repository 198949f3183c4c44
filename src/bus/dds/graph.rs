//! Which node has which endpoints, as ROS 2 nodes tell each other on `ros_discovery_info`.
//!
//! DDS knows participants and endpoints but no nodes. Without this `ros2 node list` would not show us, and we could
//! not say whose a topic is. Humble writes the same message with longer names under the same type. A node of Humble that once
//! hears the newer dialect has a nameless node in its list for the rest of its life, and `ros2 node list` fails; a
//! newer one that hears Humble's dialect takes it for a participant without nodes, until it hears more. So Humble's is
//! what we speak until a newer ROS 2 is there and no Humble is. Nodes of our own kind understand both and are not counted.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use rustdds::GUID;
use rustdds::no_key::DataWriter;

use super::raw::Raw;
use crate::bus::Node;
use crate::msg::Message;
use crate::msg::dds::{Gid, NodeEntitiesInfo, ParticipantEntitiesInfo, humble};
use crate::wire::Qos;

/// The topic, under its bare DDS name.
pub(super) const TOPIC: &str = "ros_discovery_info";
/// How the names of participants of our kind begin: with the number of rustdds among the makers of DDS.
const OUR_KIND: [u8; 2] = [0x01, 0x12];
/// How it is written; it is read the same way, but more of it is kept.
pub(super) const QOS: Qos = Qos::latched(1);

/// The nodes of others by participant, and our own with its endpoints.
pub(super) struct Graph {
    node: Node,
    participant: GUID,
    readers: BTreeSet<[u8; 16]>,
    writers: BTreeSet<[u8; 16]>,
    others: HashMap<[u8; 12], Participant>,
    voice: Option<DataWriter<Bytes, Raw>>,
}

/// A participant of somebody else.
struct Participant {
    in_humble: bool,
    nodes: Vec<Other>,
}

/// A node of somebody else.
struct Other {
    full_name: String,
    writers: Vec<[u8; 16]>,
}

/// Which list of ours an endpoint is on.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Reader,
    Writer,
}

impl Graph {
    pub(super) fn new(node: Node, participant: GUID) -> Self {
        Self {
            node,
            participant,
            readers: BTreeSet::new(),
            writers: BTreeSet::new(),
            others: HashMap::new(),
            voice: None,
        }
    }

    /// Begins to tell others.
    pub(super) fn speak_through(&mut self, voice: DataWriter<Bytes, Raw>) {
        self.voice = Some(voice);
        self.tell();
    }

    fn side(&mut self, side: Side) -> &mut BTreeSet<[u8; 16]> {
        match side {
            Side::Reader => &mut self.readers,
            Side::Writer => &mut self.writers,
        }
    }

    pub(super) fn add(&mut self, side: Side, guid: GUID) {
        self.side(side).insert(guid.to_bytes());
        self.tell();
    }

    pub(super) fn remove(&mut self, side: Side, guid: GUID) {
        self.side(side).remove(&guid.to_bytes());
        self.tell();
    }

    fn tell(&self) {
        let Some(voice) = &self.voice else { return };
        let said = if self.speaks_humble() { self.in_humble().encode() } else { self.message().encode() };
        if let Err(error) = voice.write(said, None) {
            tracing::warn!(%error, "our endpoints were not told to ROS 2");
        }
    }

    fn message(&self) -> ParticipantEntitiesInfo {
        let gids = |of: &BTreeSet<[u8; 16]>| of.iter().map(|&data| Gid { data }).collect();
        ParticipantEntitiesInfo {
            gid: Gid { data: self.participant.to_bytes() },
            node_entities_info_seq: vec![NodeEntitiesInfo {
                node_namespace: self.node.namespace().to_owned(),
                node_name: self.node.name().to_owned(),
                reader_gid_seq: gids(&self.readers),
                writer_gid_seq: gids(&self.writers),
            }],
        }
    }

    fn in_humble(&self) -> humble::ParticipantEntitiesInfo {
        let long = |short: &[u8; 16]| {
            let mut data = [0; 24];
            data[..16].copy_from_slice(short);
            humble::Gid { data }
        };
        humble::ParticipantEntitiesInfo {
            gid: long(&self.participant.to_bytes()),
            node_entities_info_seq: vec![humble::NodeEntitiesInfo {
                node_namespace: self.node.namespace().to_owned(),
                node_name: self.node.name().to_owned(),
                reader_gid_seq: self.readers.iter().map(long).collect(),
                writer_gid_seq: self.writers.iter().map(long).collect(),
            }],
        }
    }

    /// Whether what we say is in Humble's dialect: unless a newer ROS 2 is there and no Humble is.
    fn speaks_humble(&self) -> bool {
        let mut foreign = self.others.iter().filter(|(prefix, _)| prefix[..2] != OUR_KIND).peekable();
        foreign.peek().is_none() || foreign.any(|(_, other)| other.in_humble)
    }

    /// Notes what another participant said.
    pub(super) fn hear(&mut self, cdr: &Bytes) {
        let in_humble = is_humble(cdr);
        let said = if in_humble {
            humble::ParticipantEntitiesInfo::decode(cdr).map(|said| nodes_of_humble(&said))
        } else {
            ParticipantEntitiesInfo::decode(cdr).map(|said| nodes_of(&said))
        };
        match said {
            Ok((prefix, nodes)) => self.change(|others| {
                others.insert(prefix, Participant { in_humble, nodes });
            }),
            Err(error) => tracing::warn!(%error, "a participant told its nodes in a way we cannot read"),
        }
    }

    /// Forgets a participant that is gone.
    pub(super) fn forget(&mut self, prefix: &[u8]) {
        self.change(|others| drop(others.remove(prefix)));
    }

    /// Notes who is there, and says again who we are if it is in another dialect now.
    fn change(&mut self, note: impl FnOnce(&mut HashMap<[u8; 12], Participant>)) {
        let spoke = self.speaks_humble();
        note(&mut self.others);
        if self.speaks_humble() != spoke {
            self.tell();
        }
    }

    /// The full name of the node that has this writer, where it said so.
    pub(super) fn writer_of(&self, guid: GUID) -> Option<&str> {
        let gid = guid.to_bytes();
        let nodes = &self.others.get(&gid[..12])?.nodes;
        nodes.iter().find(|node| node.writers.contains(&gid)).map(|node| node.full_name.as_str())
    }
}

/// In Humble eight zeros follow the participant's sixteen bytes; elsewhere the number of its nodes and then the first
/// node's namespace do.
fn is_humble(cdr: &Bytes) -> bool {
    cdr.len() > 28 && cdr[20..28].iter().all(|&byte| byte == 0)
}

fn full_name(namespace: &str, name: &str) -> String {
    format!("{}/{name}", namespace.trim_end_matches('/'))
}

fn prefix(gid: &[u8]) -> [u8; 12] {
    std::array::from_fn(|at| gid[at])
}

fn nodes_of(said: &ParticipantEntitiesInfo) -> ([u8; 12], Vec<Other>) {
    let nodes = said.node_entities_info_seq.iter().map(|node| Other {
        full_name: full_name(&node.node_namespace, &node.node_name),
        writers: node.writer_gid_seq.iter().map(|gid| gid.data).collect(),
    });
    (prefix(&said.gid.data), nodes.collect())
}

fn nodes_of_humble(said: &humble::ParticipantEntitiesInfo) -> ([u8; 12], Vec<Other>) {
    let short = |gid: &humble::Gid| std::array::from_fn(|at| gid.data[at]);
    let nodes = said.node_entities_info_seq.iter().map(|node| Other {
        full_name: full_name(&node.node_namespace, &node.node_name),
        writers: node.writer_gid_seq.iter().map(short).collect(),
    });
    (prefix(&said.gid.data), nodes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writers_node_is_known_in_both_dialects() -> Result<(), crate::bus::Error> {
        let ours: GUID = GUID::from_bytes([1; 16]);
        let writer = GUID::from_bytes([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 3]);
        let mut speaker = Graph::new(Node::new("camera", "front")?, ours);
        speaker.add(Side::Writer, writer);
        for said in [speaker.message().encode(), speaker.in_humble().encode()] {
            let mut listener = Graph::new(Node::new("n", "")?, GUID::from_bytes([2; 16]));
            listener.hear(&said);
            assert_eq!(listener.writer_of(writer), Some("/front/camera"));
            listener.forget(&[1; 12]);
            assert_eq!(listener.writer_of(writer), None);
        }
        Ok(())
    }

    #[test]
    fn a_newer_dialect_is_spoken_only_where_no_humble_can_hear_it() -> Result<(), crate::bus::Error> {
        let other = |first: [u8; 2]| {
            let mut gid = [7; 16];
            gid[..2].copy_from_slice(&first);
            Ok::<_, crate::bus::Error>(Graph::new(Node::new("other", "")?, GUID::from_bytes(gid)))
        };
        let (cyclone, fast) = (other([0x01, 0x10])?, other([0x01, 0x0f])?);
        let mut ours = Graph::new(Node::new("n", "")?, GUID::from_bytes([2; 16]));
        assert!(ours.speaks_humble(), "nobody is there yet, and a Humble may come");
        ours.hear(&other(OUR_KIND)?.in_humble().encode());
        assert!(ours.speaks_humble(), "only our own kind is there");
        ours.hear(&cyclone.message().encode());
        assert!(!ours.speaks_humble(), "a newer ROS 2 is there");
        ours.hear(&fast.in_humble().encode());
        assert!(ours.speaks_humble(), "a Humble is there too");
        ours.forget(&prefix(&fast.participant.to_bytes()));
        assert!(!ours.speaks_humble(), "it is gone");
        Ok(())
    }
}
