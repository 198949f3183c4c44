//! trajectory_msgs: where joints shall be, and when.
//!
//! The form in which `joint_trajectory_controller` takes commands.

use super::std::{Duration, Header};

message! {
    /// Where joints shall be at one instant; a list that is not asked for is empty.
    pub struct JointTrajectoryPoint: "trajectory_msgs/msg/JointTrajectoryPoint" {
        /// Radians or metres.
        pub positions: Vec<f64>,
        /// The same, a second.
        pub velocities: Vec<f64>,
        /// The same, a second squared.
        pub accelerations: Vec<f64>,
        /// Newton metres or newtons.
        pub effort: Vec<f64>,
        /// When, after the stamp of the trajectory.
        pub time_from_start: Duration,
    }
}

message! {
    /// Where joints shall be over a stretch of time.
    pub struct JointTrajectory: "trajectory_msgs/msg/JointTrajectory" {
        /// When it begins; zero is at once.
        pub header: Header,
        /// The joints, in the order of every point.
        pub joint_names: Vec<String>,
        /// The instants, in order.
        pub points: Vec<JointTrajectoryPoint>,
    }
}
