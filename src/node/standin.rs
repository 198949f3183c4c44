//! A stand-in for a robot: cameras and arms that publish what a real one would, on time, and fail on request.
//!
//! It exists so that a recording can be tried where there is no robot, and so that every fault a recorder must notice
//! can be had at will: a camera that falls silent, one at half its rate, one whose clock runs backwards. What it
//! publishes at which instant follows from its description alone ([`Standin`]); [`run`] only waits for the instants.

use std::f64::consts::TAU;
use std::time::Duration;

use bytes::Bytes;

use super::Context;
use crate::bus;
use crate::msg::Message;
use crate::msg::sensor::{CompressedImage, Image, JointState};
use crate::msg::std::{Header, Time};
use crate::time::Stamp;
use crate::wire::{Qos, Topic};

/// One topic of the stand-in.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// The full name of the topic.
    pub topic: String,
    /// Messages a second.
    pub rate_hz: f64,
    /// What its messages show.
    pub shows: Shows,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What a stream shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Shows {
    /// Pictures of stripes that move, as raw `rgb8`.
    Picture {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// Bytes in place of a JPEG of that size; they decode to nothing.
    Compressed {
        /// How many.
        bytes: usize,
    },
    /// Joints that swing, each at its own pace.
    Joints {
        /// Their names.
        names: Vec<String>,
        /// How far ahead of the others; a leader is ahead of what follows it.
        ahead: Duration,
    },
}

/// What is wrong with a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It falls silent for a while.
    Silent {
        /// How long after the start.
        after: Duration,
        /// For how long.
        lasting: Duration,
    },
    /// Only each so-manieth message is sent.
    Thinned {
        /// Two is half the rate.
        one_of: u64,
    },
    /// The stamps in its messages run backwards.
    Backwards {
        /// How long after the start.
        after: Duration,
    },
}

/// One message that is due.
#[derive(Clone, Debug)]
pub struct Due {
    /// Which of the streams.
    pub stream: usize,
    /// When it is to be sent.
    pub at: Stamp,
    /// The message.
    pub cdr: Bytes,
}

/// What a stand-in publishes: an endless iterator over messages in the order in which they are due.
#[derive(Debug)]
pub struct Standin {
    streams: Vec<Stream>,
    /// How many messages of each stream were made, sent or not.
    made: Vec<u64>,
    start: Stamp,
    /// Two rows of stripes, of which a picture's rows are pieces: drawing a frame is copying it.
    stripes: Vec<u8>,
}

impl Standin {
    /// A stand-in that begins at `start`.
    pub fn new(streams: Vec<Stream>, start: Stamp) -> Self {
        let widest = streams.iter().map(|stream| match stream.shows {
            Shows::Picture { width, .. } => width as usize,
            _ => 0,
        });
        let width = widest.max().unwrap_or(0);
        let stripes =
            (0..2 * width).flat_map(|x| [(x * 4) as u8, (x / 2) as u8, 255 - (x * 2) as u8]).collect();
        Self { made: vec![0; streams.len()], streams, start, stripes }
    }

    fn due(&self, stream: usize) -> Stamp {
        self.start + Duration::from_secs_f64(self.made[stream] as f64 / self.streams[stream].rate_hz)
    }

    fn message(&self, stream: &Stream, count: u64, at: Stamp) -> Bytes {
        let stamped = match stream.fault {
            Fault::Backwards { after } if at > self.start + after => {
                let turned = self.start + after;
                turned - at.since(turned)
            }
            _ => at,
        };
        let (sec, nanosec) = stamped.parts();
        let frame_id = stream.topic.split('/').nth(1).unwrap_or_default().to_owned();
        let header = Header { stamp: Time { sec, nanosec }, frame_id };
        match &stream.shows {
            Shows::Picture { width, height } => self.picture(header, *width, *height, count).encode(),
            Shows::Compressed { bytes } => {
                let data = vec![count as u8; *bytes].into();
                CompressedImage { header, format: "jpeg".to_owned(), data }.encode()
            }
            Shows::Joints { names, ahead } => joints(header, names, (at + *ahead).since(self.start)).encode(),
        }
    }

    fn picture(&self, header: Header, width: u32, height: u32, count: u64) -> Image {
        let row = width as usize * 3;
        let mut data = Vec::with_capacity(row * height as usize);
        for y in 0..u64::from(height) {
            let begin = ((count * 4 + y) % u64::from(width)) as usize * 3;
            data.extend_from_slice(&self.stripes[begin..begin + row]);
        }
        let encoding = "rgb8".to_owned();
        Image { header, height, width, encoding, is_bigendian: 0, step: width * 3, data: data.into() }
    }
}

/// Whether a stream's message number `count`, due `since` the start, is sent.
fn sent(fault: Fault, count: u64, since: Duration) -> bool {
    match fault {
        Fault::None | Fault::Backwards { .. } => true,
        Fault::Silent { after, lasting } => since < after || since >= after + lasting,
        Fault::Thinned { one_of } => count.is_multiple_of(one_of),
    }
}

fn joints(header: Header, names: &[String], since: Duration) -> JointState {
    let phase = |joint: usize| (since.as_secs_f64() * (0.2 + 0.05 * joint as f64)).fract() * TAU;
    let pace = |joint: usize| TAU * (0.2 + 0.05 * joint as f64);
    JointState {
        header,
        name: names.to_vec(),
        position: (0..names.len()).map(|joint| 0.5 * phase(joint).sin()).collect(),
        velocity: (0..names.len()).map(|joint| 0.5 * pace(joint) * phase(joint).cos()).collect(),
        effort: vec![0.0; names.len()],
    }
}

impl Iterator for Standin {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        loop {
            let stream = (0..self.streams.len()).min_by_key(|stream| self.due(*stream))?;
            let (at, count) = (self.due(stream), self.made[stream]);
            self.made[stream] += 1;
            let described = &self.streams[stream];
            if sent(described.fault, count, at.since(self.start)) {
                return Some(Due { stream, at, cdr: self.message(described, count, at) });
            }
        }
    }
}

/// Publishes until `context` is stopped; returns how many messages of each stream were sent.
pub fn run(context: &Context, streams: Vec<Stream>) -> Result<Vec<u64>, bus::Error> {
    let clock = context.bus.clock();
    let mut sinks = Vec::new();
    for stream in &streams {
        let (type_name, qos) = match stream.shows {
            Shows::Picture { .. } => (Image::TYPE, Qos::sensor()),
            Shows::Compressed { .. } => (CompressedImage::TYPE, Qos::sensor()),
            // As ros2_control's joint_state_broadcaster: what is small is sent again.
            Shows::Joints { .. } => (JointState::TYPE, Qos::reliable(10)),
        };
        sinks.push(context.bus.advertise(&Topic::new(&stream.topic, type_name).with(qos))?);
    }
    let mut counts = vec![0; sinks.len()];
    for due in Standin::new(streams, clock.now()) {
        while due.at > clock.now() && !context.stop.wished() {
            std::thread::sleep(due.at.since(clock.now()).min(Duration::from_millis(20)));
        }
        if context.stop.wished() {
            break;
        }
        sinks[due.stream].send(due.cdr)?;
        counts[due.stream] += 1;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msg;

    const NAMES: [&str; 2] = ["a", "b"];

    fn arm(rate_hz: f64, fault: Fault) -> Stream {
        let names = NAMES.map(str::to_owned).to_vec();
        let shows = Shows::Joints { names, ahead: Duration::ZERO };
        Stream { topic: "/joint_states".to_owned(), rate_hz, shows, fault }
    }

    /// When each message of the first second is sent, in milliseconds.
    fn instants(streams: Vec<Stream>) -> Vec<(usize, i64)> {
        let first_second = Standin::new(streams, Stamp(0)).take_while(|due| due.at < Stamp(1_000_000_000));
        first_second.map(|due| (due.stream, due.at.0 / 1_000_000)).collect()
    }

    #[test]
    fn messages_are_due_on_a_grid_without_drift() {
        let due = instants(vec![arm(4.0, Fault::None), arm(2.0, Fault::None)]);
        assert_eq!(due, [(0, 0), (1, 0), (0, 250), (0, 500), (1, 500), (0, 750)]);
        let last = Standin::new(vec![arm(30.0, Fault::None)], Stamp(0)).nth(30_000).map(|due| due.at);
        assert_eq!(last, Some(Stamp(1_000_000_000_000)));
    }

    #[test]
    fn faults_are_as_asked_for() -> Result<(), msg::Error> {
        let millis = Duration::from_millis;
        let silent = Fault::Silent { after: millis(250), lasting: millis(500) };
        assert_eq!(instants(vec![arm(4.0, silent)]), [(0, 0), (0, 750)]);
        assert_eq!(instants(vec![arm(4.0, Fault::Thinned { one_of: 2 })]), [(0, 0), (0, 500)]);
        let backwards = Standin::new(vec![arm(4.0, Fault::Backwards { after: millis(250) })], Stamp(0));
        let stamps: Result<Vec<u32>, _> = backwards
            .take(4)
            .map(|due| JointState::decode(&due.cdr).map(|joints| joints.header.stamp.nanosec / 1_000_000))
            .collect();
        assert_eq!(stamps?, [0, 250, 0, 750]);
        Ok(())
    }

    #[test]
    fn a_picture_moves() -> Result<(), msg::Error> {
        let shows = Shows::Picture { width: 64, height: 48 };
        let camera =
            Stream { topic: "/front/image_raw".to_owned(), rate_hz: 30.0, shows, fault: Fault::None };
        let mut frames = Standin::new(vec![camera], Stamp(0)).map(|due| Image::decode(&due.cdr));
        let (Some(first), Some(second)) = (frames.next(), frames.next()) else { panic!("it is endless") };
        let (first, second) = (first?, second?);
        assert_eq!((first.data.len(), first.header.frame_id.as_str()), (64 * 48 * 3, "front"));
        assert_ne!(first.data, second.data);
        Ok(())
    }
}
