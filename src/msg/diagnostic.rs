//! diagnostic_msgs: how parts of a robot say that they are well or not.
//!
//! What `rqt_robot_monitor` and its like show.

use super::std::Header;

message! {
    /// One thing to know.
    pub struct KeyValue: "diagnostic_msgs/msg/KeyValue" {
        /// What it is.
        pub key: String,
        /// Its value, as text.
        pub value: String,
    }
}

message! {
    /// How one part is.
    pub struct DiagnosticStatus: "diagnostic_msgs/msg/DiagnosticStatus" {
        /// How bad it is: one of the constants.
        pub level: u8 as "byte",
        /// The part.
        pub name: String,
        /// How it is, in words.
        pub message: String,
        /// Which piece of hardware it is.
        pub hardware_id: String,
        /// More of it.
        pub values: Vec<KeyValue>,
    }
    consts {
        /// All is well.
        const OK: u8 as "byte" = 0;
        /// Something is to be looked at.
        const WARN: u8 as "byte" = 1;
        /// Something is broken.
        const ERROR: u8 as "byte" = 2;
        /// Nothing has been heard of it.
        const STALE: u8 as "byte" = 3;
    }
}

message! {
    /// How several parts are.
    pub struct DiagnosticArray: "diagnostic_msgs/msg/DiagnosticArray" {
        /// When.
        pub header: Header,
        /// The parts.
        pub status: Vec<DiagnosticStatus>,
    }
}
