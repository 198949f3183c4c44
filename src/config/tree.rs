//! Settings as they were written: a tree of values in which each remembers its file, line and column.
//!
//! Layers are merged here, before anything has a type, and the places survive the merge. So a wrong value is
//! reported where its author wrote it, whichever layer that was and however many lie on top of each other.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::Error;

/// One file or one `--set`, and which of the layers it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// The file's path as it was given, or the whole `--set …`.
    pub name: String,
    /// The layer's number; a higher one lies on top.
    pub order: usize,
}

/// Where something was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// In which layer.
    pub layer: Arc<Layer>,
    /// The line, from one; zero in a `--set`, which has but one.
    pub line: u64,
    /// The column, from one.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}", self.layer.name),
            line => write!(out, "{}:{line}:{}", self.layer.name, self.column),
        }
    }
}

/// A value, its place, and what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// Where it was written.
    pub place: Place,
    /// What was written.
    pub value: Value,
}

/// What YAML can say.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Tree>),
    /// A mapping, in the order of its file.
    Map(Vec<(Key, Tree)>),
}

/// A key of a mapping and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Where it was written.
    pub place: Place,
    /// The key.
    pub name: String,
}

impl Tree {
    /// An empty mapping, which a first layer is laid upon.
    pub fn empty() -> Self {
        Self { place: Place::default(), value: Value::Map(Vec::new()) }
    }

    /// Reads one YAML document as the layer `layer`.
    pub fn parse(text: &str, layer: &Arc<Layer>) -> Result<Self, Error> {
        let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
        let read: Result<Spanned<Value>, _> = serde_saphyr::from_str_with_options(text, options);
        let spanned = read.map_err(|source| {
            let at = source.location().unwrap_or(Location::UNKNOWN);
            let place = Place { layer: layer.clone(), line: at.line(), column: at.column() };
            Error::Yaml { place, why: said_without_place(&source) }
        })?;
        let mut node = Self::from(spanned);
        node.stamp(layer);
        Ok(node)
    }

    /// The tree that `a.b=c` stands for: `c` is YAML, the rest nested mappings.
    pub fn of_assignment(assignment: &str, order: usize) -> Result<Self, Error> {
        let layer = Arc::new(Layer { name: format!("--set {assignment}"), order });
        let place = Place { layer: layer.clone(), line: 0, column: 0 };
        let wrong = |why: &str| Error::Yaml { place: place.clone(), why: why.into() };
        let (path, value) =
            assignment.split_once('=').ok_or_else(|| wrong("no value: it reads `--set a.b=value`"))?;
        let mut node = Self::parse(value, &layer)?;
        node.flatten_to(&place);
        for name in path.split('.').rev() {
            if name.is_empty() {
                return Err(wrong("an empty key: it reads `--set a.b=value`"));
            }
            let key = Key { place: place.clone(), name: name.into() };
            node = Self { place: place.clone(), value: Value::Map(vec![(key, node)]) };
        }
        Ok(node)
    }

    /// Lays `over` on top: mappings key by key, anything else in place of what was there.
    pub fn lay(&mut self, over: Self) {
        match (&mut self.value, over.value) {
            (Value::Map(below), Value::Map(above)) if !below.is_empty() => {
                for (key, node) in above {
                    // Nothing, said on purpose, takes away what a lower layer said.
                    if matches!(node.value, Value::Null) {
                        below.retain(|(known, _)| known.name != key.name);
                        continue;
                    }
                    match below.iter_mut().find(|(known, _)| known.name == key.name) {
                        Some((known, value)) => {
                            known.place = key.place;
                            value.lay(node);
                        }
                        None => below.push((key, node)),
                    }
                }
            }
            (value, above) => {
                *value = above;
                self.place = over.place;
            }
        }
    }

    /// What stands under `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(known, _)| known.name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The place of `path`, or of as much of it as there is.
    pub fn place_of(&self, path: &[&str]) -> &Place {
        let mut node = self;
        for key in path {
            match node.get(key) {
                Some(next) => node = next,
                None => break,
            }
        }
        &node.place
    }

    fn stamp(&mut self, layer: &Arc<Layer>) {
        self.each_place(&mut |place| place.layer = layer.clone());
    }

    fn flatten_to(&mut self, whole: &Place) {
        self.each_place(&mut |place| *place = whole.clone());
    }

    fn each_place(&mut self, change: &mut dyn FnMut(&mut Place)) {
        change(&mut self.place);
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.each_place(change)),
            Value::Map(entries) => {
                for (key, node) in entries {
                    change(&mut key.place);
                    node.each_place(change);
                }
            }
            _ => {}
        }
    }
}

/// What the YAML reader says, less the place, which we print in front and in our own form.
pub(super) fn said_without_place(error: &serde_saphyr::Error) -> String {
    let said = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let end = said.find(" at line ").unwrap_or(said.len());
    said[..end].to_string()
}

fn place(location: Location) -> Place {
    Place { layer: Arc::default(), line: location.line(), column: location.column() }
}

impl From<Spanned<Value>> for Tree {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { place: place(spanned.referenced), value: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// Takes a value as the YAML reader sees it.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(Value::Integer).map_err(|_beyond| E::custom("a whole number beyond 2⁶³"))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(item.into());
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((key, node)) = entries.next_entry::<Spanned<String>, Spanned<Value>>()? {
            map.push((Key { place: place(key.referenced), name: key.value }, node.into()));
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(order: usize) -> Arc<Layer> {
        Arc::new(Layer { name: format!("{order}.yaml"), order })
    }

    #[test]
    fn nothing_takes_away_what_a_lower_layer_said() -> Result<(), Error> {
        let mut tree = Tree::parse("streams: {front: {size: 3}, joints: {rate: 5}}", &layer(0))?;
        tree.lay(Tree::parse("streams: {front: null, wrist: ~, joints: {rate: 6}}", &layer(1))?);
        let streams = tree.get("streams").expect("it is there");
        assert!(streams.get("front").is_none() && streams.get("wrist").is_none());
        assert!(streams.get("joints").and_then(|joints| joints.get("rate")).is_some());
        Ok(())
    }

    #[test]
    fn every_value_and_key_knows_where_it_was_written() -> Result<(), Error> {
        let node = Tree::parse("a:\n  b: [1, 2.5]\n  c: {d: x}\n", &layer(0))?;
        assert_eq!(node.place_of(&["a", "b"]).to_string(), "0.yaml:2:6");
        assert_eq!(node.place_of(&["a", "c", "d"]).to_string(), "0.yaml:3:10");
        let Value::Map(entries) = &node.value else { panic!("not a mapping") };
        assert_eq!(entries[0].0.place.to_string(), "0.yaml:1:1");
        Ok(())
    }

    #[test]
    fn mappings_merge_and_everything_else_replaces() -> Result<(), Error> {
        let mut below = Tree::parse("a: {b: 1, c: [1, 2]}\n", &layer(0))?;
        below.lay(Tree::parse("\na: {c: [3], d: x}\n", &layer(1))?);
        below.lay(Tree::of_assignment("a.d={e: true}", 2)?);
        assert_eq!(below.place_of(&["a", "b"]).to_string(), "0.yaml:1:8");
        assert_eq!(below.place_of(&["a", "c"]).to_string(), "1.yaml:2:8");
        assert_eq!(below.place_of(&["a", "d", "e"]).to_string(), "--set a.d={e: true}");
        let c = below.get("a").and_then(|a| a.get("c")).map(|c| &c.value);
        assert!(matches!(c, Some(Value::List(items)) if items.len() == 1));
        Ok(())
    }

    #[test]
    fn a_key_said_twice_in_one_file_is_refused_where_it_is_said_again() {
        let error = Tree::parse("a: 1\nb: 2\na: 3\n", &layer(0)).expect_err("a twice");
        assert!(error.to_string().starts_with("0.yaml:3:1: "), "{error}");
    }
}
