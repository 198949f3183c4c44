//! sensor_msgs: joints, images, cameras, sticks, inertia.
//!
//! Pixels are [`Bytes`]: a decoded image shares them with the sample it came in.

use bytes::Bytes;

use super::geometry::{Quaternion, Vector3};
use super::std::Header;

message! {
    /// Where joints are. The lists go by the order of `name`; one that is not measured is empty.
    pub struct JointState: "sensor_msgs/msg/JointState" {
        /// When.
        pub header: Header,
        /// The joints.
        pub name: Vec<String>,
        /// Radians or metres.
        pub position: Vec<f64>,
        /// Radians or metres a second.
        pub velocity: Vec<f64>,
        /// Newton metres or newtons.
        pub effort: Vec<f64>,
    }
}

message! {
    /// A picture, uncompressed.
    pub struct Image: "sensor_msgs/msg/Image" {
        /// When, and the frame of the camera.
        pub header: Header,
        /// Rows.
        pub height: u32,
        /// Columns.
        pub width: u32,
        /// What a pixel is: `rgb8`, `bgr8`, `mono8`, …
        pub encoding: String,
        /// One where numbers of several bytes begin with the most significant.
        pub is_bigendian: u8,
        /// Bytes a row.
        pub step: u32,
        /// The rows, `step × height` bytes.
        pub data: Bytes,
    }
}

message! {
    /// A picture, compressed.
    pub struct CompressedImage: "sensor_msgs/msg/CompressedImage" {
        /// When, and the frame of the camera.
        pub header: Header,
        /// How it is compressed: `jpeg`, `png`, or image_transport's longer words.
        pub format: String,
        /// The file.
        pub data: Bytes,
    }
}

message! {
    /// A part of a picture.
    pub struct RegionOfInterest: "sensor_msgs/msg/RegionOfInterest" {
        /// Its leftmost column.
        pub x_offset: u32,
        /// Its uppermost row.
        pub y_offset: u32,
        /// Rows.
        pub height: u32,
        /// Columns.
        pub width: u32,
        /// Whether a rectified picture of it is to be cut out.
        pub do_rectify: bool,
    }
}

message! {
    /// How a camera maps the world onto its picture.
    pub struct CameraInfo: "sensor_msgs/msg/CameraInfo" {
        /// When, and the frame of the camera.
        pub header: Header,
        /// Rows the camera was calibrated at.
        pub height: u32,
        /// Columns the camera was calibrated at.
        pub width: u32,
        /// The model of its distortion: `plumb_bob`, …
        pub distortion_model: String,
        /// The parameters of that model.
        pub d: Vec<f64>,
        /// The intrinsic matrix of the raw picture, 3 × 3 by rows.
        pub k: [f64; 9],
        /// The rectification, 3 × 3 by rows.
        pub r: [f64; 9],
        /// The projection of the rectified picture, 3 × 4 by rows.
        pub p: [f64; 12],
        /// Columns of the sensor that make one of the picture.
        pub binning_x: u32,
        /// Rows of the sensor that make one of the picture.
        pub binning_y: u32,
        /// The part of the sensor that is read.
        pub roi: RegionOfInterest,
    }
}

message! {
    /// What a gamepad says.
    pub struct Joy: "sensor_msgs/msg/Joy" {
        /// When.
        pub header: Header,
        /// Sticks and triggers.
        pub axes: Vec<f32>,
        /// Buttons, one where pressed.
        pub buttons: Vec<i32>,
    }
}

message! {
    /// What an inertial sensor says. A covariance whose first entry is −1 marks what is not measured.
    pub struct Imu: "sensor_msgs/msg/Imu" {
        /// When, and the frame of the sensor.
        pub header: Header,
        /// How it stands.
        pub orientation: Quaternion,
        /// The covariance of that, 3 × 3 by rows.
        pub orientation_covariance: [f64; 9],
        /// Radians a second.
        pub angular_velocity: Vector3,
        /// The covariance of that, 3 × 3 by rows.
        pub angular_velocity_covariance: [f64; 9],
        /// Metres a second squared.
        pub linear_acceleration: Vector3,
        /// The covariance of that, 3 × 3 by rows.
        pub linear_acceleration_covariance: [f64; 9],
    }
}
