//! Definitions as text: `.msg` and `.srv` files, and what recordings embed of them.
//!
//! The text of a file becomes the same [`Description`] a struct makes of itself. So our own files are held to our
//! structs by one comparison, and a type nobody here has a struct for can still be recorded with its definition and
//! hash, wherever the ROS 2 install or another recording has its text.

use ::std::collections::VecDeque;
use ::std::io::ErrorKind;
use ::std::path::{Path, PathBuf};

use super::describe::{
    Constant, Count, Definition, Description, Element, Field, Kind, Primitive, embed, hash,
};
use super::{Error, known};

/// The type of a field as a `.msg` file of `in_type`'s package spells it.
pub fn kind(spelled: &str, in_type: &str) -> Result<Kind, &'static str> {
    let (element, count) = match spelled.strip_suffix(']') {
        None => (spelled, Count::One),
        Some(inner) => {
            let (element, bound) = inner.rsplit_once('[').ok_or("a ']' without its '['")?;
            (element, count(bound)?)
        }
    };
    Ok(Kind { element: self::element(element, in_type)?, count })
}

fn count(bound: &str) -> Result<Count, &'static str> {
    let number = |digits: &str| match digits.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("the size of an array is a number above zero"),
    };
    match bound.strip_prefix("<=") {
        _ if bound.is_empty() => Ok(Count::Any),
        Some(digits) => number(digits).map(Count::AtMost),
        None => number(bound).map(Count::Exactly),
    }
}

fn element(spelled: &str, in_type: &str) -> Result<Element, &'static str> {
    if let Some(primitive) = Primitive::named(spelled) {
        return Ok(Element::Primitive(primitive));
    }
    let (text, bound) = match spelled.split_once("<=") {
        None => (spelled, None),
        Some((text, digits)) => (text, Some(digits.parse().or(Err("the bound of a text is a number"))?)),
    };
    match text {
        "string" => Ok(Element::Text(bound)),
        "wstring" => Ok(Element::WideText(bound)),
        _ if bound.is_some() => Err("only texts and sequences are bounded"),
        _ => full_name(text, in_type).map(Element::Message),
    }
}

/// `Header` in `std_msgs`, `std_msgs/Header` and `std_msgs/msg/Header` are all `std_msgs/msg/Header`.
fn full_name(name: &str, in_type: &str) -> Result<String, &'static str> {
    let package = in_type.split('/').next().unwrap_or_default();
    let parts: Vec<&str> = name.split('/').collect();
    let (package, folder, name) = match parts[..] {
        [name] => (package, "msg", name),
        [package, name] => (package, "msg", name),
        [package, folder, name] => (package, folder, name),
        _ => return Err("the name of a type has at most three parts"),
    };
    if [package, folder, name].into_iter().all(is_word) {
        Ok(format!("{package}/{folder}/{name}"))
    } else {
        Err("the name of a type is made of letters, digits and '_'")
    }
}

/// Whether it can be a name: nothing else gets into a hash, a path or a definition's text.
fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Reads the text of one `.msg` file. Field defaults are read over: they are no part of the type.
pub fn parse(type_name: &str, text: &str) -> Result<Description, Error> {
    let mut found = Description { type_name: type_name.into(), constants: vec![], fields: vec![] };
    for (at, line) in text.lines().enumerate() {
        let wrong = |why| Error::Definition {
            type_name: type_name.into(),
            line: at + 1,
            text: line.trim().into(),
            why,
        };
        let said = line.split('#').next().unwrap_or_default().trim();
        // Annotations such as `@verbatim` speak to other tools.
        if said.is_empty() || said.starts_with('@') {
            continue;
        }
        let (spelled, rest) =
            said.split_once(char::is_whitespace).ok_or_else(|| wrong("a type without a name"))?;
        let kind = kind(spelled, type_name).map_err(wrong)?;
        add(&mut found, kind, rest.trim_start()).map_err(wrong)?;
    }
    Ok(found)
}

/// Adds what follows a type in a line: a field, perhaps with a default, or a constant.
fn add(to: &mut Description, kind: Kind, rest: &str) -> Result<(), &'static str> {
    let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    if !is_word(name) {
        return Err("a name is made of letters, digits and '_'");
    }
    let name = name.to_owned();
    match rest.trim_start().strip_prefix('=') {
        Some(value) => to.constants.push(Constant { name, kind, value: value.trim().into() }),
        None if to.fields.iter().any(|field| field.name == name) => {
            return Err("a second field of that name");
        }
        // What older generators write for an empty message is what we add to every empty message anyway.
        None if name == "structure_needs_at_least_one_member" => {}
        None => to.fields.push(Field { name, kind }),
    }
    Ok(())
}

/// Reads the text of one `.srv` file: what is asked and what is answered.
pub fn parse_service(type_name: &str, text: &str) -> Result<[Description; 2], Error> {
    let mut halves = [String::new(), String::new()];
    let mut half = 0;
    for line in text.lines() {
        if line.trim_end() == "---" && half == 0 {
            half = 1;
            // Keeps the lines of errors those of the file.
            halves[1] = "\n".repeat(halves[0].lines().count() + 1);
        } else {
            halves[half] += line;
            halves[half] += "\n";
        }
    }
    if half == 0 {
        let why = "a service has a line '---' between what is asked and what is answered";
        return Err(Error::Definition { type_name: type_name.into(), line: 1, text: String::new(), why });
    }
    let [request, response] = halves;
    Ok([
        parse(&format!("{type_name}_Request"), &request)?,
        parse(&format!("{type_name}_Response"), &response)?,
    ])
}

/// A service as its hash sees it: a type of three fields.
pub(super) fn service(type_name: &str) -> Description {
    let field = |name: &str, part: &str| Field {
        name: name.into(),
        kind: Kind::one(Element::Message(format!("{type_name}_{part}"))),
    };
    Description {
        type_name: type_name.into(),
        constants: vec![],
        fields: vec![
            field("request_message", "Request"),
            field("response_message", "Response"),
            field("event_message", "Event"),
        ],
    }
}

/// What is published of a call for those who watch the service.
pub(super) fn event(type_name: &str) -> Description {
    let at_most_one = |name: &str, part: &str| Field {
        name: name.into(),
        kind: Kind { element: Element::Message(format!("{type_name}_{part}")), count: Count::AtMost(1) },
    };
    let info = Kind::one(Element::Message("service_msgs/msg/ServiceEventInfo".into()));
    Description {
        type_name: format!("{type_name}_Event"),
        constants: vec![],
        fields: vec![
            Field { name: "info".into(), kind: info },
            at_most_one("request", "Request"),
            at_most_one("response", "Response"),
        ],
    }
}

/// The definition in the text a recording embeds: the type's own lines, then a section for each type it needs.
/// A needed type without a section is looked for as [`find_definition`] does.
pub fn from_text(type_name: &str, text: &str) -> Result<Definition, Error> {
    let sections = sections(type_name, text)?;
    assemble(type_name, |wanted| match sections.iter().find(|(name, _)| name == wanted) {
        Some((_, text)) => Ok(text.clone()),
        None => text_of(wanted, &prefixes()),
    })
}

/// The sections of an embedded text by the type each is of.
fn sections(type_name: &str, text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut sections: Vec<(String, String)> = vec![(type_name.to_owned(), String::new())];
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some((_, section)) = sections.last_mut() else { break };
        if line.len() < 80 || line.bytes().any(|byte| byte != b'=') {
            *section += line;
            *section += "\n";
            continue;
        }
        // The empty line before a rule belongs to the rule.
        if section.ends_with("\n\n") || section == "\n" {
            section.pop();
        }
        let head = lines.next().map_or("", |(_, head)| head);
        let named = head.strip_prefix("MSG: ").ok_or("a section begins with 'MSG: package/Name'");
        let named = named.and_then(|name| full_name(name.trim(), type_name)).map_err(|why| {
            Error::Definition { type_name: type_name.into(), line: at + 2, text: head.into(), why }
        })?;
        sections.push((named, String::new()));
    }
    Ok(sections)
}

/// The definition of a type: ours, or that of the ROS 2 workspace that is sourced.
pub fn find_definition(type_name: &str) -> Result<Definition, Error> {
    find_under(&prefixes(), type_name)
}

/// As [`find_definition`], with the prefixes of installed packages given.
pub fn find_under(prefixes: &[PathBuf], type_name: &str) -> Result<Definition, Error> {
    match known(type_name) {
        Some(ours) => Ok((ours.definition)()),
        None => assemble(type_name, |wanted| text_of(wanted, prefixes)),
    }
}

/// Where packages are installed, as a sourced ROS 2 says it.
fn prefixes() -> Vec<PathBuf> {
    ::std::env::var_os("AMENT_PREFIX_PATH")
        .map(|paths| ::std::env::split_paths(&paths).collect())
        .unwrap_or_default()
}

/// The text of one type's own file.
fn text_of(type_name: &str, prefixes: &[PathBuf]) -> Result<String, Error> {
    // A name from the wire must not become a path out of the folder it is looked for in.
    let file = full_name(type_name, type_name).ok().filter(|full| full == type_name);
    for prefix in prefixes.iter().filter(|_| file.is_some()) {
        let path = prefix.join("share").join(Path::new(type_name)).with_extension("msg");
        match ::std::fs::read_to_string(&path) {
            Ok(text) => return Ok(text),
            Err(missing) if matches!(missing.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(wrong) => return Err(Error::Unreadable { path, kind: wrong.kind() }),
        }
    }
    match known(type_name) {
        Some(ours) => Ok((ours.describe)().lines()),
        None => Err(Error::Unknown { type_name: type_name.into(), searched: prefixes.to_vec() }),
    }
}

/// Puts a type together with all it is made of, each text asked of `text_of`.
fn assemble(type_name: &str, text_of: impl Fn(&str) -> Result<String, Error>) -> Result<Definition, Error> {
    let mut family: Vec<Description> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    let mut wanted = VecDeque::from([type_name.to_owned()]);
    while let Some(next) = wanted.pop_front() {
        if family.iter().any(|member| member.type_name == next) {
            continue;
        }
        let text = text_of(&next)?;
        let description = parse(&next, &text)?;
        wanted.extend(description.needs().map(str::to_owned));
        family.push(description);
        texts.push(text);
    }
    let sections: Vec<(&str, String)> =
        family.iter().map(|member| member.type_name.as_str()).zip(texts).collect();
    Ok(Definition { type_name: type_name.into(), text: embed(&sections), hash: hash(&family) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msg::{MESSAGES, Message, geometry::TFMessage};

    #[test]
    fn a_line_of_every_sort_is_read() -> Result<(), Error> {
        let text = "# about\n  uint8 OK=0 # fine\nstring NAME = a b\n\nfloat64 w 1\nstring<=8[<=3] names\n\
                    Point[2] ends\nstd_msgs/Header header\nint32[] ns [1, 2]\n@key x\n";
        let found = parse("demo_msgs/msg/Demo", text)?;
        let constants: Vec<String> =
            found.constants.iter().map(|c| format!("{} {}={}", c.kind, c.name, c.value)).collect();
        assert_eq!(constants, ["uint8 OK=0", "string NAME=a b"]);
        let fields: Vec<String> = found.fields.iter().map(|f| format!("{} {}", f.kind, f.name)).collect();
        let expected = [
            "float64 w",
            "string<=8[<=3] names",
            "demo_msgs/Point[2] ends",
            "std_msgs/Header header",
            "int32[] ns",
        ];
        assert_eq!(fields, expected);
        Ok(())
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        for text in [
            "uint8",
            "uint8[0] x",
            "uint8[x] y",
            "a/b/c/d x",
            "../x y",
            "uint8 a-b",
            "int8<=3 x",
            "int8 a\nint8 a",
        ] {
            assert!(matches!(parse("a/msg/B", text), Err(Error::Definition { .. })), "{text:?}");
        }
        let second_half = parse_service("a/srv/B", "int8 a\n---\nint8\n");
        assert!(matches!(second_half, Err(Error::Definition { line: 3, .. })), "{second_half:?}");
    }

    #[test]
    fn what_a_recording_embeds_says_what_the_struct_says() -> Result<(), Error> {
        for known in MESSAGES {
            let ours = (known.definition)();
            let read = from_text(known.type_name, &ours.text)?;
            assert_eq!(read.hash, ours.hash, "{}", ours.text);
        }
        let text = TFMessage::definition().text;
        let sections: Vec<&str> = text.lines().filter(|line| line.starts_with("MSG: ")).collect();
        assert_eq!(sections.len(), 6, "each needed type once: {sections:?}");
        assert!(text.starts_with("geometry_msgs/TransformStamped[] transforms\n"));
        Ok(())
    }

    #[test]
    fn a_name_from_the_wire_does_not_lead_out_of_the_index() {
        let outside = find_under(&["/".into()], "../../etc/passwd");
        assert!(matches!(outside, Err(Error::Unknown { .. })), "{outside:?}");
    }
}
