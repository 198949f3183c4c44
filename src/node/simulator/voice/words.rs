//! The messages in which a world says what it is like, as bytes.
//!
//! Nothing here decides when something is said or where: each function is a message's one place.

use bytes::Bytes;

use crate::msg::Message;
use crate::msg::geometry::{Point, Pose, PoseStamped, Quaternion};
use crate::msg::sensor::{CompressedImage, Image, JointState};
use crate::msg::std::{Clock, Float64MultiArray, Header};
use crate::node::diagnostics::header;
use crate::node::simulator::slots::{Slot, of_slots};
use crate::sim::{Picture, Seen, State, Thing};
use crate::time::Stamp;

/// The frame in which things are.
const BASE: &str = "base_link";

pub(super) fn clock(now: Stamp) -> Bytes {
    Clock { clock: header(now).stamp }.encode()
}

pub(super) fn joints(slots: &[Slot], state: &State, now: Stamp) -> Bytes {
    let message = JointState {
        header: header(now),
        name: slots.iter().map(|slot| slot.name.clone()).collect(),
        position: of_slots(slots, &state.joints),
        velocity: of_slots(slots, &state.speeds),
        effort: of_slots(slots, &state.efforts),
    };
    message.encode()
}

pub(super) fn thing(thing: &Thing, now: Stamp) -> Bytes {
    match &thing.seen {
        Seen::Numbers(data) => {
            Float64MultiArray { data: data.clone(), ..Float64MultiArray::default() }.encode()
        }
        Seen::Pose(pose) => {
            let (at, turned) = (pose.translation.vector, pose.rotation.coords);
            let position = Point { x: at.x, y: at.y, z: at.z };
            let orientation = Quaternion { x: turned.x, y: turned.y, z: turned.z, w: turned.w };
            let header = Header { frame_id: BASE.to_owned(), ..header(now) };
            PoseStamped { header, pose: Pose { position, orientation } }.encode()
        }
    }
}

pub(super) fn image(camera: &str, picture: Picture, now: Stamp) -> Bytes {
    let [width, height] = picture.size;
    let message = Image {
        header: of_camera(camera, now),
        height,
        width,
        encoding: "rgb8".to_owned(),
        is_bigendian: 0,
        step: width * 3,
        data: picture.rgb.into(),
    };
    message.encode()
}

pub(super) fn compressed(camera: &str, file: Vec<u8>, now: Stamp) -> Bytes {
    let format = "rgb8; jpeg compressed bgr8".to_owned();
    CompressedImage { header: of_camera(camera, now), format, data: file.into() }.encode()
}

/// The frame that the arm's description has for its camera, and its like for the others.
fn of_camera(camera: &str, now: Stamp) -> Header {
    Header { frame_id: format!("{camera}_camera_optical"), ..header(now) }
}
