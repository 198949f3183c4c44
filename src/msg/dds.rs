//! rmw_dds_common: how ROS 2 nodes tell each other over DDS which of them has which endpoints.
//!
//! Since Iron an endpoint's name takes 16 bytes, in Humble it took 24, under the same type names; which one is on the
//! wire has to be known beforehand. The registry has the newer; [`humble`] has the older.

/// The three messages, with names of so many bytes.
macro_rules! graph {
    ($bytes:literal, $in_definition:literal) => {
        message! {
            /// The name of a participant or an endpoint: 16 bytes of DDS, and zeros where there is room for more.
            pub struct Gid: "rmw_dds_common/msg/Gid" {
                /// The name.
                pub data: [u8; $bytes] as $in_definition,
            }
        }

        message! {
            /// A node and its endpoints.
            pub struct NodeEntitiesInfo: "rmw_dds_common/msg/NodeEntitiesInfo" {
                /// The namespace, with its leading slash.
                pub node_namespace: String as "string<=256",
                /// The name.
                pub node_name: String as "string<=256",
                /// What it reads with.
                pub reader_gid_seq: Vec<Gid>,
                /// What it writes with.
                pub writer_gid_seq: Vec<Gid>,
            }
        }

        message! {
            /// A participant and its nodes: what is said on `ros_discovery_info`.
            pub struct ParticipantEntitiesInfo: "rmw_dds_common/msg/ParticipantEntitiesInfo" {
                /// The participant.
                pub gid: Gid,
                /// Its nodes.
                pub node_entities_info_seq: Vec<NodeEntitiesInfo>,
            }
        }
    };
}

graph!(16, "char[16]");

/// The same as Humble has it.
pub mod humble {
    graph!(24, "char[24]");
}

#[cfg(test)]
mod tests {
    use super::{ParticipantEntitiesInfo, humble};
    use crate::msg::Message;

    #[test]
    fn a_name_takes_sixteen_bytes_and_in_humble_twenty_four() {
        assert_eq!(ParticipantEntitiesInfo::default().encode().len(), 4 + 16 + 4);
        assert_eq!(humble::ParticipantEntitiesInfo::default().encode().len(), 4 + 24 + 4);
        assert_eq!(humble::ParticipantEntitiesInfo::TYPE, ParticipantEntitiesInfo::TYPE);
    }
}
