//! geometry_msgs and tf2_msgs: where things are, how they move, what pushes them.
//!
//! Metres, radians and newtons throughout, as ROS has them. A default pose is one: its rotation is the identity, not
//! four zeros.

use super::std::Header;

message! {
    /// A direction with a length.
    pub struct Vector3: "geometry_msgs/msg/Vector3" {
        /// Along x.
        pub x: f64,
        /// Along y.
        pub y: f64,
        /// Along z.
        pub z: f64,
    }
}

message! {
    /// A place.
    pub struct Point: "geometry_msgs/msg/Point" {
        /// Along x.
        pub x: f64,
        /// Along y.
        pub y: f64,
        /// Along z.
        pub z: f64,
    }
}

message! {
    /// A rotation.
    pub struct Quaternion: "geometry_msgs/msg/Quaternion" {
        /// The first imaginary part.
        pub x: f64,
        /// The second imaginary part.
        pub y: f64,
        /// The third imaginary part.
        pub z: f64,
        /// The real part.
        pub w: f64 = 1.0,
    }
}

message! {
    /// A place and a rotation.
    pub struct Pose: "geometry_msgs/msg/Pose" {
        /// The place.
        pub position: Point,
        /// The rotation.
        pub orientation: Quaternion,
    }
}

message! {
    /// A pose at a time in a frame.
    pub struct PoseStamped: "geometry_msgs/msg/PoseStamped" {
        /// When and in which frame.
        pub header: Header,
        /// The pose.
        pub pose: Pose,
    }
}

message! {
    /// A velocity.
    pub struct Twist: "geometry_msgs/msg/Twist" {
        /// Metres a second.
        pub linear: Vector3,
        /// Radians a second.
        pub angular: Vector3,
    }
}

message! {
    /// A velocity at a time in a frame.
    pub struct TwistStamped: "geometry_msgs/msg/TwistStamped" {
        /// When and in which frame.
        pub header: Header,
        /// The velocity.
        pub twist: Twist,
    }
}

message! {
    /// What pushes and turns.
    pub struct Wrench: "geometry_msgs/msg/Wrench" {
        /// Newtons.
        pub force: Vector3,
        /// Newton metres.
        pub torque: Vector3,
    }
}

message! {
    /// What pushes and turns, at a time in a frame.
    pub struct WrenchStamped: "geometry_msgs/msg/WrenchStamped" {
        /// When and in which frame.
        pub header: Header,
        /// The wrench.
        pub wrench: Wrench,
    }
}

message! {
    /// How one frame stands in another.
    pub struct Transform: "geometry_msgs/msg/Transform" {
        /// The place of its origin.
        pub translation: Vector3,
        /// Its rotation.
        pub rotation: Quaternion,
    }
}

message! {
    /// How one named frame stands in another at a time.
    pub struct TransformStamped: "geometry_msgs/msg/TransformStamped" {
        /// When, and the frame it stands in.
        pub header: Header,
        /// The frame that stands there.
        pub child_frame_id: String,
        /// How it stands.
        pub transform: Transform,
    }
}

message! {
    /// Frames as `/tf` and `/tf_static` tell them.
    pub struct TFMessage: "tf2_msgs/msg/TFMessage" {
        /// The frames.
        pub transforms: Vec<TransformStamped>,
    }
}
