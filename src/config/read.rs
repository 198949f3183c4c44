//! From the tree of what was written to typed settings: a serde deserializer that never forgets a place.
//!
//! An error takes the place of the innermost value, or key, that it is about, and collects the keys that lead to
//! it on its way out. Of an enum tagged by key, such as `storage: {mcap: {}}`, a higher layer picks another
//! variant by naming it: the variant of the highest layer counts.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

use super::tree::{Key, Place, Tree, Value};
use super::{Error, join};

/// Reads `node` as a `T`; `path` leads to the node.
pub(super) fn read<T: de::DeserializeOwned>(node: &Tree, path: &[&str]) -> Result<T, Error> {
    T::deserialize(At(node)).map_err(|fault| {
        let keys = path.iter().copied().chain(fault.path.iter().rev().map(String::as_str));
        Error::Setting {
            place: fault.place.unwrap_or_else(|| node.place.clone()),
            key: join(keys),
            why: fault.why,
        }
    })
}

/// What is wrong, where, and the keys that lead there, the innermost first.
#[derive(Debug)]
struct Fault {
    place: Option<Place>,
    path: Vec<String>,
    why: String,
}

impl Fault {
    fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    fn under(mut self, key: String) -> Self {
        self.path.push(key);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.why)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self { place: None, path: Vec::new(), why: why.to_string() }
    }
}

struct At<'a>(&'a Tree);

impl<'a> At<'a> {
    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => match u64::try_from(*value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(*value),
            },
            Value::Number(value) => visitor.visit_f64(*value),
            Value::Text(value) => visitor.visit_str(value),
            Value::List(items) => visitor.visit_seq(Items { items: items.iter(), at: 0 }),
            Value::Map(entries) => visitor.visit_map(Entries { entries: entries.iter(), current: None }),
        }
    }

    fn variant(&self) -> Result<(&'a str, &'a Place, Option<&'a Tree>), Fault> {
        match &self.0.value {
            Value::Text(name) => Ok((name, &self.0.place, None)),
            Value::Map(entries) => {
                let top = entries.iter().map(|(key, _)| key.place.layer.order).max();
                let mut chosen = entries.iter().filter(|(key, _)| Some(key.place.layer.order) == top);
                match (chosen.next(), chosen.next()) {
                    (Some((key, node)), None) => Ok((&key.name, &key.place, Some(node))),
                    (None, _) => Err(de::Error::custom("an empty mapping where one key is wanted")),
                    (Some((first, _)), Some((second, _))) => Err(<Fault as de::Error>::custom(format!(
                        "{:?} and {:?} exclude each other",
                        first.name, second.name
                    ))
                    .at(&second.place)),
                }
            }
            _ => Err(de::Error::custom("neither a name nor a mapping of one name")),
        }
    }
}

impl<'de> Deserializer<'de> for At<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let place = &self.0.place;
        self.any(visitor).map_err(|fault| fault.at(place))
    }

    /// A section of which nothing is said is one with nothing but defaults.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let wanted = |found| <Fault as de::Error>::invalid_type(found, &"a mapping").at(&self.0.place);
        match &self.0.value {
            Value::Null => visitor
                .visit_map(Entries { entries: [].iter(), current: None })
                .map_err(|fault| fault.at(&self.0.place)),
            Value::Map(_) => self.deserialize_any(visitor),
            Value::Bool(value) => Err(wanted(Unexpected::Bool(*value))),
            Value::Integer(value) => Err(wanted(Unexpected::Signed(*value))),
            Value::Number(value) => Err(wanted(Unexpected::Float(*value))),
            Value::Text(value) => Err(wanted(Unexpected::Str(value))),
            Value::List(_) => Err(wanted(Unexpected::Seq)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let place = &self.0.place;
        visitor.visit_newtype_struct(self).map_err(|fault| fault.at(place))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let place = &self.0.place;
        let (name, at, content) = self.variant().map_err(|fault| fault.at(place))?;
        visitor.visit_enum(Variant { name, at, content }).map_err(|fault| fault.at(place))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Tree>,
    at: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(At(node)).map(Some).map_err(|fault| fault.at(&node.place).under(format!("[{at}]")))
    }
}

struct Entries<'a> {
    entries: std::slice::Iter<'a, (Key, Tree)>,
    current: Option<(&'a Key, &'a Tree)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, node)) = self.entries.next() else { return Ok(None) };
        self.current = Some((key, node));
        let name: StrDeserializer<'_, Fault> = key.name.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|fault| fault.at(&key.place).under(key.name.clone()))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (key, node) = self.current.take().expect("serde asks for a value after its key");
        seed.deserialize(At(node)).map_err(|fault| fault.at(&node.place).under(key.name.clone()))
    }
}

struct Variant<'a> {
    name: &'a str,
    at: &'a Place,
    content: Option<&'a Tree>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = Content<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'a>), Fault> {
        let name: StrDeserializer<'_, Fault> = self.name.into_deserializer();
        let value = seed.deserialize(name).map_err(|fault: Fault| match self.content {
            Some(_) => fault.at(self.at).under(self.name.to_string()),
            None => fault.at(self.at),
        })?;
        Ok((value, Content(self)))
    }
}

/// What a variant holds; nothing where only its name was given.
struct Content<'a>(Variant<'a>);

impl<'a> Content<'a> {
    fn node(&self) -> Result<At<'a>, Fault> {
        let missing = || {
            <Fault as de::Error>::custom(format!(
                "{:?} wants settings: `{}: {{…}}`",
                self.0.name, self.0.name
            ))
        };
        self.0.content.map(At).ok_or_else(missing)
    }

    fn named<T>(&self, read: Result<T, Fault>) -> Result<T, Fault> {
        read.map_err(|fault| fault.at(self.0.at).under(self.0.name.to_string()))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.0.content.map(|node| &node.value) {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Map(entries)) if entries.is_empty() => Ok(()),
            Some(_) => self.named(Err(de::Error::custom("takes no settings"))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let read = self.node().and_then(|node| seed.deserialize(node));
        self.named(read)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        let read = self.node().and_then(|node| node.deserialize_any(visitor));
        self.named(read)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let read = self.node().and_then(|node| node.deserialize_any(visitor));
        self.named(read)
    }
}
