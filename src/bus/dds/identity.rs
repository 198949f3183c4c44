//! Which answer belongs to which request, as two families of DDS say it.
//!
//! Cyclone DDS puts sixteen bytes, a client's number and a count, in front of every request, and wants them back in
//! front of the answer. Fast DDS and rustdds use what is on the wire anyway: the request's writer and its sequence
//! number, which the answer carries beside its payload. The first two bytes of a participant's GUID say whose it is.

use bytes::Bytes;
use rustdds::{GUID, SampleIdentity};

use super::raw::ENCAPSULATION;
use super::receiver::Received;

/// The bytes Cyclone DDS puts in front.
const HEADER: usize = 16;
const CYCLONE: [u8; 2] = [0x01, 0x10];

/// The identity of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    /// The writer and sequence number of the sample that asked.
    Sample(SampleIdentity),
    /// A client's number and its count, in little-endian order, in front of the payload.
    Header([u8; HEADER]),
}

/// Whether that participant numbers its requests as Cyclone DDS does.
pub(super) fn speaks_in_headers(guid: GUID) -> bool {
    guid.to_bytes().starts_with(&CYCLONE)
}

/// The request without its number; `None` where it is too short to have one.
pub(super) fn of_request(received: Received) -> Option<(Identity, Bytes)> {
    if speaks_in_headers(received.writer_guid()) {
        return split(&received.into_value());
    }
    let asked =
        SampleIdentity { writer_guid: received.writer_guid(), sequence_number: received.sequence_number };
    Some((Identity::Sample(asked), received.into_value()))
}

/// The answer without the number of its request; `None` where it has none.
pub(super) fn of_reply(received: Received) -> Option<(Identity, Bytes)> {
    if speaks_in_headers(received.writer_guid()) {
        return split(&received.into_value());
    }
    let asked = received.related_sample_identity()?;
    Some((Identity::Sample(asked), received.into_value()))
}

fn split(message: &Bytes) -> Option<(Identity, Bytes)> {
    let mut header: [u8; HEADER] = message.get(ENCAPSULATION..ENCAPSULATION + HEADER)?.try_into().ok()?;
    let is_little_endian = message[1] & 1 == 1;
    if !is_little_endian {
        header[..8].reverse();
        header[8..].reverse();
    }
    let body = [&message[..ENCAPSULATION], &message[ENCAPSULATION + HEADER..]].concat();
    Some((Identity::Header(header), body.into()))
}

/// The message with that header behind its encapsulation, which is little-endian.
pub(super) fn with_header(header: [u8; HEADER], message: &Bytes) -> Bytes {
    [&message[..ENCAPSULATION], &header, &message[ENCAPSULATION..]].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_off_as_it_went_on() {
        let message = Bytes::from_static(&[0, 1, 0, 0, 7, 8]);
        let header = std::array::from_fn(|at| at as u8);
        let (identity, body) = split(&with_header(header, &message)).expect("it is long enough");
        assert_eq!((identity, body), (Identity::Header(header), message));
    }

    #[test]
    fn a_big_endian_header_is_turned_around() {
        let mut message = vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 9];
        let (identity, _) = split(&Bytes::from(message.clone())).expect("it is long enough");
        assert_eq!(identity, Identity::Header([5, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]));
        message.truncate(12);
        assert_eq!(split(&Bytes::from(message)), None);
    }
}
