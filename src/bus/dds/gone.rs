//! Participants that were taken for gone because they were silent, and how they are introduced again when they are not.
//!
//! rustdds takes a participant for gone that it does not hear for the time that participant promised: ten seconds with
//! Cyclone DDS, and a network that is away, a paused container or a pause of our own last longer. It would take it back
//! when it greets; but the others greet with one and the same message for ever, and one that came already is thrown
//! away by its number. So whoever hears greetings beside rustdds, as the herald does, passes those of the gone on
//! under a number that is new.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::bus::lock;

/// A message's beginning: "RTPS", version and vendor, and then the prefix of who says it.
const HEADER: usize = 20;
/// A part of a message that carries data, and what writes greetings; see RTPS 2.5, 9.4.5.4 and 9.3.1.5.
const DATA: u8 = 0x15;
const GREETER: [u8; 4] = [0, 1, 0, 0xc2];
/// Where in such a part its writer is named, and its number follows: high word, then low.
const WRITER: usize = 12;
/// Numbers that no participant reaches by greeting.
const FIRST: u32 = 1 << 24;

/// Who is gone, by prefix.
#[derive(Default)]
pub(super) struct Gone {
    prefixes: Mutex<HashSet<Vec<u8>>>,
    introduced: AtomicU32,
}

impl Gone {
    /// Notes that a participant is gone.
    pub(super) fn note(&self, prefix: &[u8]) {
        lock(&self.prefixes).insert(prefix.to_vec());
    }

    /// Notes that it is back; whether it had been gone.
    pub(super) fn forget(&self, prefix: &[u8]) -> bool {
        lock(&self.prefixes).remove(prefix)
    }

    /// The greeting of one who is gone, as if it had never been heard; nothing where it is not gone, or does not greet.
    pub(super) fn introduce(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        if datagram.get(..4)? != b"RTPS" || !lock(&self.prefixes).contains(datagram.get(8..HEADER)?) {
            return None;
        }
        let number = FIRST.wrapping_add(self.introduced.fetch_add(1, Relaxed));
        numbered(datagram, number)
    }
}

/// The message with that number on its greeting; nothing where it has none.
fn numbered(datagram: &[u8], number: u32) -> Option<Vec<u8>> {
    let mut at = HEADER;
    loop {
        let [part, flags, a, b] = *datagram.get(at..at + 4)? else { return None };
        let is_little_endian = flags & 1 == 1;
        let length = if is_little_endian { u16::from_le_bytes([a, b]) } else { u16::from_be_bytes([a, b]) };
        let writer = at + WRITER;
        if part == DATA && datagram.get(writer..writer + 4)? == GREETER {
            let mut anew = datagram.to_vec();
            let low = if is_little_endian { number.to_le_bytes() } else { number.to_be_bytes() };
            anew.get_mut(writer + 4..writer + 8)?.fill(0);
            anew.get_mut(writer + 8..writer + 12)?.copy_from_slice(&low);
            return Some(anew);
        }
        // A part without a length is the last one.
        if length == 0 {
            return None;
        }
        at += 4 + usize::from(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of participant 7: a time, and data of that writer under number 1.
    fn message(writer: [u8; 4]) -> Vec<u8> {
        let header = [&b"RTPS\x02\x05\x01\x10"[..], &[7; 12]].concat();
        let time = [&[0x09, 1, 8, 0][..], &[0; 8]].concat();
        let data =
            [&[DATA, 5, 24, 0, 0, 0, 16, 0, 0, 0, 0, 0][..], &writer, &[0, 0, 0, 0, 1, 0, 0, 0], &[9; 4]];
        [header, time, data.concat()].concat()
    }

    #[test]
    fn only_the_greeting_of_one_who_is_gone_gets_a_new_number() {
        let (gone, greeting) = (Gone::default(), message(GREETER));
        assert_eq!(gone.introduce(&greeting), None, "it is not gone");
        gone.note(&[7; 12]);
        let first = gone.introduce(&greeting).expect("it is gone");
        let second = gone.introduce(&greeting).expect("it still is");
        assert_ne!(first, second, "each has a number of its own");
        let number = greeting.len() - 8..greeting.len() - 4;
        assert_eq!(first[number.clone()], FIRST.to_le_bytes());
        let mut as_it_was = first;
        as_it_was[number].copy_from_slice(&[1, 0, 0, 0]);
        assert_eq!(as_it_was, greeting, "nothing else is changed");
        assert_eq!(gone.introduce(&message([0, 0, 3, 0xc2])), None, "that is no greeting");
        assert!(gone.forget(&[7; 12]) && !gone.forget(&[7; 12]));
        assert_eq!(gone.introduce(&greeting), None, "it is back");
    }

    #[test]
    fn a_message_that_is_cut_short_is_no_greeting() {
        let (gone, greeting) = (Gone::default(), message(GREETER));
        gone.note(&[7; 12]);
        for length in 0..greeting.len() - 4 {
            assert_eq!(gone.introduce(&greeting[..length]), None, "{length}");
        }
    }
}
