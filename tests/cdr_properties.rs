//! No bytes make a decoder panic or take more memory than a small multiple of their own length.
//!
//! Every message of the registry is decoded from arbitrary bytes, from good bytes with some of them changed, and
//! from good bytes with a hostile length at every place where one can stand. A counting allocator measures what each
//! decoding takes.

#![expect(unsafe_code, reason = "an allocator that counts has to be an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use apprentice::msg::own::{Recording, Stream};
use apprentice::msg::sensor::{Image, JointState};
use apprentice::msg::std::{Header, Time};
use apprentice::msg::{Known, Message, all, known};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Most bytes allocated for each byte of input. Four bytes on the wire make a `String` of 24; a sequence reserves for
/// the bytes that are left, and where sequences nest, each does so before the first runs into their end. The worst
/// nest is a parameter's texts: 200/46 for the parameter, 24/4 for its list of texts, 1 for a text.
const TIMES_INPUT: usize = 12;
/// Allocated whatever the input: what `Bytes` needs to share it.
const ANYWAY: usize = 64;

struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator with the arguments it came with. Counting touches only a
// constant-initialized cell of this thread without a destructor, so it neither allocates nor can be gone.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get() + layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is that of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `alloc` above, which is the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Decodes, which must not panic, and answers for the memory it took.
fn decode(known: &Known, cdr: &Bytes) {
    let before = ALLOCATED.get();
    let said = (known.check)(cdr).is_ok();
    let taken = ALLOCATED.get() - before;
    let allowed = cdr.len() * TIMES_INPUT + ANYWAY;
    let name = known.type_name;
    assert!(taken <= allowed, "{name}: {taken} bytes for {} of input (decoded: {said}): {cdr:?}", cdr.len());
}

/// Every message of the registry with good bytes of it in both byte orders.
static GOOD: LazyLock<Vec<(&'static Known, Vec<u8>)>> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/messages.jsonl");
    let text = fs::read_to_string(path).expect("the goldens are there");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("a golden is JSON"));
    let of = |line: &serde_json::Value, order: &str| {
        let known = known(line["type"].as_str()?)?;
        Some((known, unhex(line[order].as_str()?)))
    };
    let both = |line: serde_json::Value| [of(&line, "little"), of(&line, "big")];
    let good: Vec<_> = lines.flat_map(both).flatten().collect();
    assert_eq!(good.len(), 2 * all().count(), "a message has no golden");
    good
});

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_survived(which: Index, big: bool, body in vec(any::<u8>(), 0..192)) {
        let (known, _) = which.get(&GOOD);
        let cdr: Vec<u8> = [0, u8::from(!big), 0, 0].into_iter().chain(body).collect();
        decode(known, &cdr.into());
    }

    #[test]
    fn changed_bytes_are_survived(
        which: Index,
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<Index>()),
    ) {
        let (known, good) = which.get(&GOOD);
        let mut cdr = good.clone();
        for (at, byte) in changes {
            let at = at.index(cdr.len());
            cdr[at] = byte;
        }
        cdr.truncate(cut.map_or(usize::MAX, |cut| cut.index(good.len())));
        decode(known, &cdr.into());
    }
}

#[test]
fn a_hostile_length_anywhere_is_survived() {
    let mut cases = 0;
    for ((known, good), rest) in GOOD.iter().flat_map(|good| [(good, 0), (good, 64), (good, 4096)]) {
        let big = good[1] == 0;
        for at in (4..good.len().saturating_sub(3)).step_by(4) {
            let left = (good.len() + rest - at - 4) as u32;
            for length in [0, 1, left, left + 1, left / 4, left / 8, left / 16, left / 46, 1 << 31, u32::MAX]
            {
                let mut cdr = good.clone();
                cdr[at..at + 4].copy_from_slice(&if big {
                    length.to_be_bytes()
                } else {
                    length.to_le_bytes()
                });
                cdr.resize(good.len() + rest, 0);
                decode(known, &cdr.into());
                cases += 1;
            }
        }
    }
    assert!(cases > 100_000, "{cases} cases");
}

fn header() -> impl Strategy<Value = Header> {
    (any::<i32>(), any::<u32>(), any::<String>())
        .prop_map(|(sec, nanosec, frame_id)| Header { stamp: Time { sec, nanosec }, frame_id })
}

fn numbers() -> impl Strategy<Value = Vec<f64>> {
    vec(proptest::num::f64::NORMAL | proptest::num::f64::ZERO | proptest::num::f64::INFINITE, 0..20)
}

prop_compose! {
    fn joint_state()(
        header in header(),
        name in vec(any::<String>(), 0..20),
        (position, velocity, effort) in (numbers(), numbers(), numbers()),
    ) -> JointState {
        JointState { header, name, position, velocity, effort }
    }
}

prop_compose! {
    fn image()(
        header in header(),
        (height, width, step, is_bigendian) in any::<(u32, u32, u32, u8)>(),
        encoding: String,
        data: Vec<u8>,
    ) -> Image {
        Image { header, height, width, encoding, is_bigendian, step, data: data.into() }
    }
}

prop_compose! {
    fn stream()(
        (topic, r#type, alarm) in any::<(String, String, String)>(),
        (rate_hz, expected_hz, age_ms) in (0_f32..1e6, 0_f32..1e6, 0_f32..1e6),
        (received, lost) in any::<(u64, u64)>(),
    ) -> Stream {
        Stream { topic, r#type, rate_hz, expected_hz, age_ms, received, lost, alarm }
    }
}

prop_compose! {
    fn recording()(
        header in header(),
        (state, path, episode, bytes) in any::<(u8, String, u32, u64)>(),
        seconds in 0.0..1e9,
        streams in vec(stream(), 0..5),
    ) -> Recording {
        Recording { header, state, path, episode, seconds, bytes, streams }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(joints in joint_state(), image in image(), recording in recording()) {
        prop_assert_eq!(JointState::decode(&joints.encode()), Ok(joints));
        prop_assert_eq!(Image::decode(&image.encode()), Ok(image));
        prop_assert_eq!(Recording::decode(&recording.encode()), Ok(recording));
    }
}

#[test]
fn a_text_from_ros_may_hold_a_nul_and_comes_back_whole() {
    let text = apprentice::msg::std::Text { data: "a\0b\0".into() };
    assert_eq!(apprentice::msg::std::Text::decode(&text.encode()), Ok(text));
}
