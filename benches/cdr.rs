//! How long it takes to decode what a robot sends most: joints and images.
//!
//! `cargo bench --bench cdr`. The bars are an arm's joint state in 2 µs, and an image whose pixels are not copied:
//! its time is to be that of its header, whatever its size.

#[path = "support/verdict.rs"]
mod verdict;

use std::hint::black_box;
use std::time::{Duration, Instant};

use apprentice::msg::Message;
use apprentice::msg::sensor::{Image, JointState};
use apprentice::msg::std::Header;
use bytes::Bytes;
use verdict::verdict;

/// The longest a joint state of 14 joints may take.
const JOINTS: Duration = Duration::from_micros(2);
/// How much longer a large image may take than a small one: nothing, but for what a clock is off.
const LARGER: f64 = 1.5;

/// The median over runs of the mean time of one call.
fn time(mut work: impl FnMut()) -> Duration {
    const RUNS: usize = 101;
    const CALLS: u32 = 2_000;
    let mut means: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            (0..CALLS).for_each(|_| work());
            start.elapsed() / CALLS
        })
        .collect();
    means.sort();
    means[RUNS / 2]
}

fn joints(count: usize) -> JointState {
    JointState {
        header: Header { frame_id: "base".into(), ..Header::default() },
        name: (0..count).map(|joint| format!("joint_number_{joint}")).collect(),
        position: vec![0.5; count],
        velocity: vec![0.1; count],
        effort: vec![9.0; count],
    }
}

fn image(width: u32, height: u32) -> Image {
    Image {
        header: Header { frame_id: "camera".into(), ..Header::default() },
        height,
        width,
        encoding: "rgb8".into(),
        is_bigendian: 0,
        step: width * 3,
        data: vec![7; (width * height * 3) as usize].into(),
    }
}

fn decode<M: Message>(cdr: &Bytes) -> Duration {
    time(|| {
        let message = M::decode(black_box(cdr)).expect("what was encoded decodes");
        black_box(message);
    })
}

fn main() {
    let arm = joints(14);
    let bytes = arm.encode();
    let took = decode::<JointState>(&bytes);
    println!(
        "decode JointState, 14 joints ({} bytes): {took:?}  {} (bar: {JOINTS:?})",
        bytes.len(),
        verdict(took <= JOINTS)
    );
    println!("encode JointState, 14 joints: {:?}", time(|| drop(black_box(black_box(&arm).encode()))));

    let small = image(64, 48).encode();
    let large = image(640, 480).encode();
    let (of_small, of_large) = (decode::<Image>(&small), decode::<Image>(&large));
    let ratio = of_large.as_secs_f64() / of_small.as_secs_f64();
    println!(
        "decode Image 64×48×3: {of_small:?}, 640×480×3: {of_large:?}, {ratio:.2} times as long  {} (bar: {LARGER} times)",
        verdict(ratio <= LARGER)
    );
    let pixels = Image::decode(&large).expect("what was encoded decodes").data;
    let shared = large.as_ptr_range().contains(&pixels.as_ptr());
    println!("its pixels lie in the bytes it came in: {shared}  {} (bar: no pixel copied)", verdict(shared));
    assert!(shared, "the pixels were copied");
}
