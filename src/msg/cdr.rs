//! The bytes of a message: XCDR1, as every ROS 2 middleware puts it on the wire and into a bag.
//!
//! Reading trusts nothing. Every length is held against the bytes that are left before anything is allocated for
//! it, so a hostile message costs a small multiple of its own size and never a panic. Payloads of `uint8[]` are not
//! copied: they are slices of the input that keep it alive.

use ::std::string::String;

use bytes::Bytes;

use super::Error;
use super::describe::{Count, Description, Element, Kind, Primitive};

/// Bytes of encapsulation before the first field.
const HEADER: usize = 4;

/// Puts values behind one another, each aligned to its size.
#[derive(Debug)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A little-endian writer with the encapsulation in place.
    pub(super) fn new() -> Self {
        Self(vec![0, 1, 0, 0])
    }

    pub(super) fn finish(self) -> Bytes {
        self.0.into()
    }

    fn align(&mut self, size: usize) {
        let past = (self.0.len() - HEADER) % size;
        if past > 0 {
            self.0.resize(self.0.len() + size - past, 0);
        }
    }

    fn length(&mut self, length: usize) {
        let length = u32::try_from(length).expect("no sequence of four billion values fits into a message");
        length.write(self);
    }
}

/// Takes values from behind one another, in either byte order.
#[derive(Debug)]
pub struct Reader<'a> {
    cdr: &'a Bytes,
    at: usize,
    big: bool,
}

impl<'a> Reader<'a> {
    /// Reads the encapsulation; what follows is the message.
    pub(super) fn new(cdr: &'a Bytes) -> Result<Self, Error> {
        let mut input = Self { cdr, at: 0, big: false };
        match *input.take(HEADER)? {
            [0, order @ (0 | 1), ..] => Ok(Self { big: order == 0, ..input }),
            _ => Err(Error::Invalid { at: 0, why: "an encapsulation other than plain CDR" }),
        }
    }

    fn left(&self) -> usize {
        self.cdr.len() - self.at
    }

    fn take(&mut self, wanted: usize) -> Result<&'a [u8], Error> {
        let rest = &self.cdr[self.at..];
        let Some(taken) = rest.get(..wanted) else {
            return Err(Error::Short { wanted, at: self.at, left: rest.len() });
        };
        self.at += wanted;
        Ok(taken)
    }

    fn align(&mut self, size: usize) -> Result<(), Error> {
        let past = (self.at - HEADER) % size;
        if past > 0 {
            self.take(size - past)?;
        }
        Ok(())
    }

    /// The length of a sequence whose elements take at least `least` bytes each.
    fn length(&mut self, least: usize) -> Result<usize, Error> {
        let count = u32::read(self)? as usize;
        let wanted = count.saturating_mul(least);
        if wanted > self.left() {
            return Err(Error::Short { wanted, at: self.at, left: self.left() });
        }
        Ok(count)
    }

    /// Skips the one byte an empty message is on the wire, where its sender put it there.
    pub(super) fn skip_filler(&mut self) {
        self.at += self.left().min(1);
    }
}

/// What can stand in a message.
pub trait Field: Sized {
    /// The least bytes one takes on the wire.
    const LEAST: usize;
    /// Its type.
    fn kind() -> Kind;
    /// Adds the descriptions of all it is made of, each once.
    fn gather(_family: &mut Vec<Description>) {}
    /// Appends it.
    fn write(&self, out: &mut Writer);
    /// Takes it.
    fn read(input: &mut Reader<'_>) -> Result<Self, Error>;

    /// Appends many, without their number.
    fn write_all(many: &[Self], out: &mut Writer) {
        many.iter().for_each(|one| one.write(out));
    }
    /// Takes `count` of them; the caller has checked that the input may hold so many.
    fn read_all(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, Error> {
        let mut many = Vec::with_capacity(count);
        for _ in 0..count {
            many.push(Self::read(input)?);
        }
        Ok(many)
    }
}

macro_rules! number {
    ($($number:ident = $primitive:ident),* $(,)?) => {$(
        impl Field for $number {
            const LEAST: usize = size_of::<Self>();

            fn kind() -> Kind {
                Kind::one(Element::Primitive(Primitive::$primitive))
            }

            fn write(&self, out: &mut Writer) {
                out.align(Self::LEAST);
                out.0.extend_from_slice(&self.to_le_bytes());
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
                input.align(Self::LEAST)?;
                let mut raw = [0; Self::LEAST];
                raw.copy_from_slice(input.take(Self::LEAST)?);
                Ok(if input.big { Self::from_be_bytes(raw) } else { Self::from_le_bytes(raw) })
            }

            fn write_all(many: &[Self], out: &mut Writer) {
                if !many.is_empty() {
                    out.align(Self::LEAST);
                    out.0.reserve(size_of_val(many));
                    many.iter().for_each(|one| out.0.extend_from_slice(&one.to_le_bytes()));
                }
            }

            fn read_all(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, Error> {
                if count == 0 {
                    return Ok(Vec::new());
                }
                input.align(Self::LEAST)?;
                let (raws, _) = input.take(count.saturating_mul(Self::LEAST))?.as_chunks();
                Ok(if input.big {
                    raws.iter().map(|raw| Self::from_be_bytes(*raw)).collect()
                } else {
                    raws.iter().map(|raw| Self::from_le_bytes(*raw)).collect()
                })
            }
        }
    )*};
}

number! {
    i8 = Int8, u8 = Uint8, i16 = Int16, u16 = Uint16, i32 = Int32, u32 = Uint32, i64 = Int64, u64 = Uint64,
    f32 = Float32, f64 = Float64,
}

impl Field for bool {
    const LEAST: usize = 1;

    fn kind() -> Kind {
        Kind::one(Element::Primitive(Primitive::Bool))
    }

    fn write(&self, out: &mut Writer) {
        out.0.push(u8::from(*self));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let at = input.at;
        match u8::read(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::Invalid { at, why: "a bool other than 0 and 1" }),
        }
    }
}

impl Field for String {
    const LEAST: usize = 4;

    fn kind() -> Kind {
        Kind::one(Element::Text(None))
    }

    fn write(&self, out: &mut Writer) {
        out.length(self.len() + 1);
        out.0.extend_from_slice(self.as_bytes());
        out.0.push(0);
    }

    /// The closing NUL counts in the length. Some senders write an empty text as length 0 or leave the NUL out, and
    /// ROS 2's default middleware takes both; so do we.
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let length = input.length(1)?;
        let at = input.at;
        let raw = input.take(length)?;
        let raw = raw.strip_suffix(&[0]).unwrap_or(raw);
        let text = str::from_utf8(raw);
        text.map(Self::from).map_err(|wrong| Error::NotText { at: at + wrong.valid_up_to(), source: wrong })
    }
}

/// `uint8[]`: a slice of the input, not a copy.
impl Field for Bytes {
    const LEAST: usize = 4;

    fn kind() -> Kind {
        u8::kind().times(Count::Any)
    }

    fn write(&self, out: &mut Writer) {
        out.length(self.len());
        out.0.extend_from_slice(self);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let length = input.length(1)?;
        let from = input.at;
        input.take(length)?;
        Ok(input.cdr.slice(from..from + length))
    }
}

impl<T: Field> Field for Vec<T> {
    const LEAST: usize = 4;

    fn kind() -> Kind {
        T::kind().times(Count::Any)
    }

    fn gather(family: &mut Vec<Description>) {
        T::gather(family);
    }

    fn write(&self, out: &mut Writer) {
        out.length(self.len());
        T::write_all(self, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let count = input.length(T::LEAST)?;
        T::read_all(count, input)
    }
}

impl<T: Field + Copy + Default, const N: usize> Field for [T; N] {
    const LEAST: usize = N * T::LEAST;

    fn kind() -> Kind {
        T::kind().times(Count::Exactly(N))
    }

    fn gather(family: &mut Vec<Description>) {
        T::gather(family);
    }

    fn write(&self, out: &mut Writer) {
        T::write_all(self, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let mut all = [T::default(); N];
        for one in &mut all {
            *one = T::read(input)?;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Field>(cdr: &'static [u8]) -> Result<T, Error> {
        T::read(&mut Reader::new(&Bytes::from_static(cdr))?)
    }

    #[test]
    fn both_byte_orders_say_the_same() {
        assert_eq!(read::<u32>(&[0, 1, 0, 0, 1, 2, 0, 0]), Ok(0x201));
        assert_eq!(read::<u32>(&[0, 0, 0, 0, 0, 0, 2, 1]), Ok(0x201));
    }

    #[test]
    fn only_plain_cdr_is_taken() {
        assert!(matches!(read::<u8>(&[0, 7, 0, 0, 1]), Err(Error::Invalid { at: 0, .. })));
        assert!(matches!(read::<u8>(&[0, 1, 0]), Err(Error::Short { wanted: 4, left: 3, .. })));
    }

    #[test]
    fn a_length_beyond_the_input_is_refused_before_anything_is_allocated() {
        let hostile = &[0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff];
        assert!(matches!(read::<Vec<f64>>(hostile), Err(Error::Short { left: 0, .. })));
        assert!(matches!(read::<Bytes>(hostile), Err(Error::Short { left: 0, .. })));
        assert!(matches!(read::<Vec<String>>(hostile), Err(Error::Short { left: 0, .. })));
    }

    #[test]
    fn a_text_may_lack_its_nul_but_not_its_encoding() {
        assert_eq!(read::<String>(&[0, 1, 0, 0, 0, 0, 0, 0]).as_deref(), Ok(""));
        assert_eq!(read::<String>(&[0, 1, 0, 0, 1, 0, 0, 0, 0]).as_deref(), Ok(""));
        assert_eq!(read::<String>(&[0, 1, 0, 0, 2, 0, 0, 0, b'h', b'i']).as_deref(), Ok("hi"));
        let broken = read::<String>(&[0, 1, 0, 0, 3, 0, 0, 0, b'h', 0xff, 0]);
        assert!(matches!(broken, Err(Error::NotText { at: 9, .. })), "{broken:?}");
    }

    #[test]
    fn an_empty_sequence_is_not_padded_for_elements_it_lacks() {
        let mut out = Writer::new();
        Vec::<f64>::new().write(&mut out);
        vec![1.0_f64].write(&mut out);
        assert_eq!(out.finish().len(), HEADER + 4 + 4 + 8);
    }
}
