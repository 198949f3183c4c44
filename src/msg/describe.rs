//! What a message type looks like: its fields, constants and nested types, the text of its definition and its hash.
//!
//! A description comes from a Rust struct (`message!`) or from the text of a `.msg` file (`definition.rs`), and
//! is the same value either way, so one comparison shows that the two agree. Text and hash are made from it, never
//! kept beside it: a field that changes cannot leave its hash behind.

use ::std::fmt::{self, Write};

use sha2::{Digest, Sha256};

/// The type of one value, without its array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// A type of fixed meaning, by its name in a `.msg` file: `float64`, `byte`.
    Primitive(Primitive),
    /// Text of at most so many bytes, where a bound is given.
    Text(Option<usize>),
    /// Wide text of at most so many characters, where a bound is given.
    WideText(Option<usize>),
    /// Another message, by its full name: `std_msgs/msg/Header`.
    Message(String),
}

/// The types of fixed size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitive {
    /// `int8`
    Int8,
    /// `uint8`
    Uint8,
    /// `int16`
    Int16,
    /// `uint16`
    Uint16,
    /// `int32`
    Int32,
    /// `uint32`
    Uint32,
    /// `int64`
    Int64,
    /// `uint64`
    Uint64,
    /// `float32`
    Float32,
    /// `float64`
    Float64,
    /// `char`, which ROS 2 treats as `uint8` everywhere but in the text
    Char,
    /// `bool`
    Bool,
    /// `byte`
    Byte,
}

/// Every primitive with its name in a `.msg` file and its number in a type description (REP 2016).
const PRIMITIVES: &[(Primitive, &str, u8)] = &[
    (Primitive::Int8, "int8", 2),
    (Primitive::Uint8, "uint8", 3),
    (Primitive::Int16, "int16", 4),
    (Primitive::Uint16, "uint16", 5),
    (Primitive::Int32, "int32", 6),
    (Primitive::Uint32, "uint32", 7),
    (Primitive::Int64, "int64", 8),
    (Primitive::Uint64, "uint64", 9),
    (Primitive::Float32, "float32", 10),
    (Primitive::Float64, "float64", 11),
    (Primitive::Char, "char", 3),
    (Primitive::Bool, "bool", 15),
    (Primitive::Byte, "byte", 16),
];

impl Primitive {
    /// The primitive of that name.
    pub fn named(name: &str) -> Option<Self> {
        PRIMITIVES.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    fn row(self) -> (&'static str, u8) {
        let row = PRIMITIVES.iter().find(|row| row.0 == self).expect("every primitive is in the table");
        (row.1, row.2)
    }
}

/// How many values a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// A single value.
    One,
    /// An array of just so many.
    Exactly(usize),
    /// A sequence of at most so many.
    AtMost(usize),
    /// A sequence of any length.
    Any,
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What one value is.
    pub element: Element,
    /// How many there are.
    pub count: Count,
}

impl Kind {
    /// A single value of that element.
    pub const fn one(element: Element) -> Self {
        Self { element, count: Count::One }
    }

    /// The same element in another number.
    #[must_use]
    pub fn times(self, count: Count) -> Self {
        Self { count, ..self }
    }

    /// Its number, capacity, text capacity and nested type as a type description has them.
    fn numbers(&self) -> (u8, usize, usize, &str) {
        let (id, text, nested) = match &self.element {
            Element::Primitive(primitive) => (primitive.row().1, 0, ""),
            Element::Text(None) => (17, 0, ""),
            Element::WideText(None) => (18, 0, ""),
            Element::Text(Some(bound)) => (21, *bound, ""),
            Element::WideText(Some(bound)) => (22, *bound, ""),
            Element::Message(name) => (1, 0, name.as_str()),
        };
        let (offset, capacity) = match self.count {
            Count::One => (0, 0),
            Count::Exactly(count) => (48, count),
            Count::AtMost(count) => (96, count),
            Count::Any => (144, 0),
        };
        (id + offset, capacity, text, nested)
    }
}

/// As a `.msg` file writes it.
impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.element {
            Element::Primitive(primitive) => out.write_str(primitive.row().0)?,
            Element::Text(bound) | Element::WideText(bound) => {
                out.write_str(if matches!(self.element, Element::Text(_)) { "string" } else { "wstring" })?;
                if let Some(bound) = bound {
                    write!(out, "<={bound}")?;
                }
            }
            Element::Message(name) => out.write_str(&short(name))?,
        }
        match self.count {
            Count::One => Ok(()),
            Count::Exactly(count) => write!(out, "[{count}]"),
            Count::AtMost(count) => write!(out, "[<={count}]"),
            Count::Any => out.write_str("[]"),
        }
    }
}

/// `std_msgs/msg/Header` as definition texts write it: `std_msgs/Header`.
pub(super) fn short(type_name: &str) -> String {
    type_name.replacen("/msg/", "/", 1)
}

/// A field of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
}

/// A constant of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Its value as written.
    pub value: String,
}

/// One message type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The full name: `std_msgs/msg/Header`.
    pub type_name: String,
    /// The constants in order.
    pub constants: Vec<Constant>,
    /// The fields in order; an empty message has none here and one on the wire.
    pub fields: Vec<Field>,
}

impl Description {
    /// The lines of the type's `.msg` file.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        for Constant { name, kind, value } in &self.constants {
            text.push_str(&format!("{kind} {name}={value}\n"));
        }
        for Field { name, kind } in &self.fields {
            text.push_str(&format!("{kind} {name}\n"));
        }
        text
    }

    /// The types its fields name.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter_map(|field| match &field.kind.element {
            Element::Message(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// As the canonical JSON of REP 2016 has it.
    fn json(&self) -> String {
        // An IDL structure cannot be empty; rosidl puts this member into one that is.
        let filler = [Field {
            name: "structure_needs_at_least_one_member".to_owned(),
            kind: Kind::one(Element::Primitive(Primitive::Uint8)),
        }];
        let fields = if self.fields.is_empty() { &filler[..] } else { &self.fields };
        let fields: Vec<String> = fields.iter().map(Field::json).collect();
        format!("{{\"type_name\": \"{}\", \"fields\": [{}]}}", self.type_name, fields.join(", "))
    }
}

impl Field {
    fn json(&self) -> String {
        let (id, capacity, text_capacity, nested) = self.kind.numbers();
        format!(
            "{{\"name\": \"{}\", \"type\": {{\"type_id\": {id}, \"capacity\": {capacity}, \
             \"string_capacity\": {text_capacity}, \"nested_type_name\": \"{nested}\"}}}}",
            self.name
        )
    }
}

/// A type with all that it is made of. The first description is the type itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The full name: `std_msgs/msg/Header`.
    pub type_name: String,
    /// The text as recordings embed it: the type's own lines, then those of every type it needs.
    pub text: String,
    /// The hash as ROS 2 compares it: `RIHS01_` and 64 hexadecimal digits.
    pub hash: String,
}

impl Definition {
    /// The definition of the first of `family`, the others being all it is made of.
    pub(super) fn of(family: &[Description]) -> Self {
        let sections: Vec<(&str, String)> =
            family.iter().map(|member| (member.type_name.as_str(), member.lines())).collect();
        Self {
            type_name: family.first().map(|own| own.type_name.clone()).unwrap_or_default(),
            text: embed(&sections),
            hash: hash(family),
        }
    }
}

/// The texts of a type and of all it is made of, in one, as rosbag2 embeds them.
pub(super) fn embed(sections: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (at, (type_name, lines)) in sections.iter().enumerate() {
        if at > 0 {
            let rule = "=".repeat(80);
            text.push_str(&format!("\n{rule}\nMSG: {}\n", short(type_name)));
        }
        text.push_str(lines);
        if !lines.is_empty() && !lines.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

/// The RIHS01 hash (REP 2016) of the first of `family`, the others being all it is made of.
pub(super) fn hash(family: &[Description]) -> String {
    let Some((own, others)) = family.split_first() else { return String::new() };
    let mut others: Vec<&Description> = others.iter().collect();
    others.sort_by(|a, b| a.type_name.cmp(&b.type_name));
    let others: Vec<String> = others.into_iter().map(Description::json).collect();
    let canonical = format!(
        "{{\"type_description\": {}, \"referenced_type_descriptions\": [{}]}}",
        own.json(),
        others.join(", ")
    );
    let mut text = "RIHS01_".to_owned();
    for byte in Sha256::digest(canonical.as_bytes()) {
        write!(text, "{byte:02x}").expect("a string takes all that is written to it");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_type_is_hashed_with_the_member_rosidl_gives_it() {
        let empty = Description { type_name: "std_msgs/msg/Empty".into(), constants: vec![], fields: vec![] };
        // As ROS 2 Iron and later print it for std_msgs/msg/Empty.
        let known = "RIHS01_20b625256f32d5dbc0d04fee44f43c41e51c70d3502f84b4a08e7a9c26a96312";
        assert_eq!(hash(&[empty]), known);
    }

    #[test]
    fn a_type_is_written_as_in_its_file() {
        let bounded = Kind { element: Element::Text(Some(8)), count: Count::AtMost(3) };
        assert_eq!(bounded.to_string(), "string<=8[<=3]");
        let nested = Kind::one(Element::Message("std_msgs/msg/Header".into())).times(Count::Any);
        assert_eq!(nested.to_string(), "std_msgs/Header[]");
    }
}
