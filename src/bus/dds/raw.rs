//! Messages as bytes through rustdds, which would rather serialize them itself.
//!
//! A recorder must pass on what it got, and rustdds hands over a payload without the two bytes that say how it is
//! encoded. They are put back in front, in the one copy the interface demands; on the way out nothing is copied.

use bytes::Bytes;
use rustdds::RepresentationIdentifier;
use rustdds::no_key::{Decode, DefaultDecoder, DeserializerAdapter, SerializerAdapter};

/// The bytes of encapsulation in front of every message.
pub(super) const ENCAPSULATION: usize = 4;

/// The adapter for whole messages, encapsulation included.
pub(super) struct Raw;

/// A message without its encapsulation.
#[derive(Debug, thiserror::Error)]
#[error("a message of {0} bytes has no encapsulation")]
pub(super) struct Headless(usize);

/// Puts the encapsulation back in front.
#[derive(Clone)]
pub(super) struct Whole;

impl<'de> Decode<'de, Bytes> for Whole {
    type Error = Headless;

    fn decode_bytes(self, input: &'de [u8], encoding: RepresentationIdentifier) -> Result<Bytes, Headless> {
        let [first, second] = encoding.to_bytes();
        let mut whole = Vec::with_capacity(ENCAPSULATION + input.len());
        whole.extend_from_slice(&[first, second, 0, 0]);
        whole.extend_from_slice(input);
        Ok(Bytes::from(whole))
    }
}

impl DeserializerAdapter<Bytes> for Raw {
    type Error = Headless;
    type Decoded = Bytes;

    fn supported_encodings() -> &'static [RepresentationIdentifier] {
        use RepresentationIdentifier as Id;
        &[
            Id::CDR_LE,
            Id::CDR_BE,
            Id::PL_CDR_LE,
            Id::PL_CDR_BE,
            Id::XCDR2_LE,
            Id::XCDR2_BE,
            Id::D_CDR2_LE,
            Id::D_CDR2_BE,
            Id::PL_XCDR2_LE,
            Id::PL_XCDR2_BE,
        ]
    }

    fn transform_decoded(decoded: Bytes) -> Bytes {
        decoded
    }
}

impl DefaultDecoder<Bytes> for Raw {
    type Decoder = Whole;
    const DECODER: Whole = Whole;
}

impl SerializerAdapter<Bytes> for Raw {
    type Error = Headless;

    fn output_encoding() -> RepresentationIdentifier {
        RepresentationIdentifier::CDR_LE
    }

    fn to_bytes(message: &Bytes) -> Result<Bytes, Headless> {
        if message.len() < ENCAPSULATION {
            Err(Headless(message.len()))
        } else {
            Ok(message.slice(ENCAPSULATION..))
        }
    }
}

/// Whether rustdds can send it: it announces every message as little-endian CDR.
pub(super) fn is_sendable(message: &Bytes) -> bool {
    message.starts_with(&[0, 1]) && message.len() >= ENCAPSULATION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_its_encoding() -> Result<(), Headless> {
        let big = Raw::from_bytes(&[1, 2, 3], RepresentationIdentifier::CDR_BE)?;
        assert_eq!(&big[..], [0, 0, 0, 0, 1, 2, 3]);
        assert!(!is_sendable(&big));
        let little = Bytes::from_static(&[0, 1, 0, 0, 7]);
        assert!(is_sendable(&little));
        assert_eq!(&<Raw as SerializerAdapter<Bytes>>::to_bytes(&little)?[..], [7]);
        Ok(())
    }
}
