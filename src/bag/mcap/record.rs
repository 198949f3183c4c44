//! The records of an MCAP file: their codes, how fields are taken apart and put together.
//!
//! A record is a code, its length in 64 bits and its fields, all little endian. Nothing here allocates more than
//! the bytes it was given.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// How a file begins and ends.
pub(super) const MAGIC: [u8; 8] = *b"\x89MCAP0\r\n";
/// Code and length of a record.
pub(super) const PREFIX: u64 = 9;

pub(super) const HEADER: u8 = 0x01;
pub(super) const FOOTER: u8 = 0x02;
pub(super) const SCHEMA: u8 = 0x03;
pub(super) const CHANNEL: u8 = 0x04;
pub(super) const MESSAGE: u8 = 0x05;
pub(super) const CHUNK: u8 = 0x06;
pub(super) const MESSAGE_INDEX: u8 = 0x07;
pub(super) const CHUNK_INDEX: u8 = 0x08;
pub(super) const STATISTICS: u8 = 0x0B;
pub(super) const METADATA: u8 = 0x0C;
pub(super) const METADATA_INDEX: u8 = 0x0D;
pub(super) const SUMMARY_OFFSET: u8 = 0x0E;
pub(super) const DATA_END: u8 = 0x0F;

/// What is wrong with some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw(Cow<'static, str>);

impl Flaw {
    pub(super) fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self(why.into())
    }
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// The fields of a record, taken one after the other.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, length: u64) -> Result<&'a [u8], Flaw> {
        let left = self.0.len() as u64;
        if length > left {
            return Err(Flaw::new(format!("a field of {length} bytes where {left} are left")));
        }
        let (taken, rest) = self.0.split_at(length as usize);
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Flaw> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Flaw> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Flaw> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Bytes with their length in 32 bits before them.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Flaw> {
        let length = self.u32()?;
        self.take(u64::from(length))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Flaw> {
        std::str::from_utf8(self.bytes()?).map_err(|error| Flaw::new(format!("no UTF-8: {error}")))
    }

    pub(super) fn map(&mut self) -> Result<BTreeMap<String, String>, Flaw> {
        let mut entries = Fields(self.bytes()?);
        let mut map = BTreeMap::new();
        while !entries.0.is_empty() {
            map.insert(entries.text()?.to_owned(), entries.text()?.to_owned());
        }
        Ok(map)
    }

    /// The next record in a row of records: its code and its fields.
    pub(super) fn record(&mut self) -> Result<(u8, Self), Flaw> {
        let [code] = self.array()?;
        let length = self.u64()?;
        Ok((code, Self(self.take(length)?)))
    }
}

/// Appends fields to a buffer.
pub(super) trait Put {
    fn u16(&mut self, value: u16);
    fn u32(&mut self, value: u32);
    fn u64(&mut self, value: u64);
    fn text(&mut self, text: &str);
    fn map(&mut self, map: &BTreeMap<String, String>);
    /// A whole record, its fields appended by `fields`.
    fn record(&mut self, code: u8, fields: impl FnOnce(&mut Vec<u8>));
}

impl Put for Vec<u8> {
    fn u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.extend_from_slice(text.as_bytes());
    }

    fn map(&mut self, map: &BTreeMap<String, String>) {
        let length: usize = map.iter().map(|(key, value)| 8 + key.len() + value.len()).sum();
        self.u32(length as u32);
        for (key, value) in map {
            self.text(key);
            self.text(value);
        }
    }

    fn record(&mut self, code: u8, fields: impl FnOnce(&mut Self)) {
        let start = self.len();
        self.push(code);
        self.u64(0);
        fields(self);
        let length = (self.len() - start) as u64 - PREFIX;
        self[start + 1..start + PREFIX as usize].copy_from_slice(&length.to_le_bytes());
    }
}

/// The fixed part of a message record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamped {
    pub(super) channel: u16,
    pub(super) sequence: u32,
    pub(super) received: u64,
    pub(super) sent: u64,
}

impl Stamped {
    /// Bytes of the fixed part.
    pub(super) const LENGTH: u64 = 22;

    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, Flaw> {
        Ok(Self {
            channel: fields.u16()?,
            sequence: fields.u32()?,
            received: fields.u64()?,
            sent: fields.u64()?,
        })
    }

    /// Appends the record up to the message's own bytes, of which there are `length`.
    pub(super) fn put(&self, out: &mut Vec<u8>, length: u64) {
        out.push(MESSAGE);
        out.u64(Self::LENGTH + length);
        out.u16(self.channel);
        out.u32(self.sequence);
        out.u64(self.received);
        out.u64(self.sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_bytes_is_refused() {
        let mut bytes = vec![MESSAGE];
        bytes.u64(1 << 60);
        assert!(Fields(&bytes).record().is_err());
        assert!(Fields(&[255, 255, 255, 255, 1]).text().is_err());
    }

    #[test]
    fn a_record_says_its_own_length() {
        let mut bytes = Vec::new();
        bytes.record(METADATA, |out| out.text("abc"));
        let (code, mut fields) = Fields(&bytes).record().expect("whole");
        assert_eq!((code, fields.text().expect("whole")), (METADATA, "abc"));
    }
}
