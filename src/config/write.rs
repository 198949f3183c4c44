//! Settings written back as YAML, with every default spelled out: what lies beside each checkpoint and bag.
//!
//! A default may change with the program; what a recording or a network was made with may not. So nothing is left out that
//! was not said, and sections which this program does not read are kept as they were.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{
    Settings,
    tree::{Tree, Value},
};

/// What reads back as the same, as the text of a file.
pub fn to_yaml<T: Serialize>(written: &T) -> String {
    serde_saphyr::to_string(written).expect("names, numbers and lists of them can be written")
}

impl Settings {
    /// The settings as one file, which reads back as the same settings.
    pub fn to_yaml(&self) -> String {
        to_yaml(self)
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("robot", &self.robot)?;
        map.serialize_entry("observe", &self.observe)?;
        if let Some(act) = &self.act {
            map.serialize_entry("act", act)?;
        }
        map.serialize_entry("record", &self.record)?;
        map.serialize_entry("teleop", &self.teleop)?;
        map.serialize_entry("data", &self.data)?;
        map.serialize_entry("control", &self.control)?;
        #[cfg(feature = "learn")]
        {
            if let Some(policy) = &self.policy {
                map.serialize_entry("policy", policy)?;
            }
            map.serialize_entry("train", &self.train)?;
        }
        #[cfg(not(feature = "learn"))]
        for (name, node) in &self.kept {
            map.serialize_entry(name, node)?;
        }
        map.end()
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i64(*value),
            Value::Number(value) => serializer.serialize_f64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::List(items) => serializer.collect_seq(items),
            Value::Map(entries) => {
                serializer.collect_map(entries.iter().map(|(key, node)| (&key.name, node)))
            }
        }
    }
}
