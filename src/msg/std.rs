//! What every package builds on: builtin_interfaces, std_msgs, rosgraph_msgs, std_srvs, service_msgs.
//!
//! `std_msgs/String` is called [`Text`] here and `std_srvs/Empty` [`Nothing`], so that neither hides a name of Rust's
//! or of the other.

use ::std::string::String;

message! {
    /// An instant.
    pub struct Time: "builtin_interfaces/msg/Time" {
        /// Whole seconds since the epoch of the clock that made it.
        pub sec: i32,
        /// Nanoseconds past them, below one billion.
        pub nanosec: u32,
    }
}

message! {
    /// A stretch of time.
    pub struct Duration: "builtin_interfaces/msg/Duration" {
        /// Whole seconds, rounded down.
        pub sec: i32,
        /// Nanoseconds past them, below one billion.
        pub nanosec: u32,
    }
}

message! {
    /// When and where a message was measured.
    pub struct Header: "std_msgs/msg/Header" {
        /// When.
        pub stamp: Time,
        /// The frame its coordinates are in.
        pub frame_id: String,
    }
}

message! {
    /// A signal that says nothing but that it happened.
    pub struct Empty: "std_msgs/msg/Empty" {}
}

message! {
    /// A colour and how much of what is behind it does not shine through, each 0 to 1.
    pub struct Color: "std_msgs/msg/ColorRGBA" {
        /// Red.
        pub r: f32,
        /// Green.
        pub g: f32,
        /// Blue.
        pub b: f32,
        /// Opacity.
        pub a: f32,
    }
}

message! {
    /// Yes or no.
    pub struct Bool: "std_msgs/msg/Bool" {
        /// The value.
        pub data: bool,
    }
}

message! {
    /// A number.
    pub struct Float64: "std_msgs/msg/Float64" {
        /// The value.
        pub data: f64,
    }
}

message! {
    /// A text: `std_msgs/String`.
    pub struct Text: "std_msgs/msg/String" {
        /// The value.
        pub data: String,
    }
}

message! {
    /// One dimension of an array.
    pub struct MultiArrayDimension: "std_msgs/msg/MultiArrayDimension" {
        /// What the dimension is.
        pub label: String,
        /// Its length.
        pub size: u32,
        /// Elements from one step of the next outer dimension to the next.
        pub stride: u32,
    }
}

message! {
    /// How an array of several dimensions lies in a row.
    pub struct MultiArrayLayout: "std_msgs/msg/MultiArrayLayout" {
        /// The dimensions, the outermost first.
        pub dim: Vec<MultiArrayDimension>,
        /// Elements before the first.
        pub data_offset: u32,
    }
}

message! {
    /// Numbers, with the layout of the array they are.
    pub struct Float64MultiArray: "std_msgs/msg/Float64MultiArray" {
        /// The layout.
        pub layout: MultiArrayLayout,
        /// The numbers.
        pub data: Vec<f64>,
    }
}

message! {
    /// The time of a simulation or a replay.
    pub struct Clock: "rosgraph_msgs/msg/Clock" {
        /// The time.
        pub clock: Time,
    }
}

message! {
    /// What a service says of one call to those who watch it; part of every service's hash.
    pub struct EventInfo: "service_msgs/msg/ServiceEventInfo" {
        /// What happened: one of the constants.
        pub event_type: u8,
        /// When.
        pub stamp: Time,
        /// Who asked.
        pub client_gid: [u8; 16] as "char[16]",
        /// Which of that client's calls.
        pub sequence_number: i64,
    }
    consts {
        /// The client asked.
        const REQUEST_SENT: u8 = 0;
        /// The server heard it.
        const REQUEST_RECEIVED: u8 = 1;
        /// The server answered.
        const RESPONSE_SENT: u8 = 2;
        /// The client heard it.
        const RESPONSE_RECEIVED: u8 = 3;
    }
}

service! {
    /// Does one thing.
    pub struct Trigger: "std_srvs/srv/Trigger";
    /// Do it.
    pub struct TriggerRequest {}
    /// Whether it was done.
    pub struct TriggerResponse {
        /// Whether it was done.
        pub success: bool,
        /// What came of it, in words.
        pub message: String,
    }
}

service! {
    /// Turns something on or off.
    pub struct SetBool: "std_srvs/srv/SetBool";
    /// On or off.
    pub struct SetBoolRequest {
        /// On or off.
        pub data: bool,
    }
    /// Whether it was turned.
    pub struct SetBoolResponse {
        /// Whether it was turned.
        pub success: bool,
        /// What came of it, in words.
        pub message: String,
    }
}

service! {
    /// Does one thing that cannot fail: `std_srvs/Empty`.
    pub struct Nothing: "std_srvs/srv/Empty";
    /// Do it.
    pub struct NothingRequest {}
    /// Done.
    pub struct NothingResponse {}
}
