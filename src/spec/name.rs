//! Names of topics and services, and names of message types, checked once where they are read.
//!
//! A wrong name subscribes to nothing and says nothing, on every middleware: it must not come past the settings.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Error;

/// The name of a topic or service. With a leading slash it is the robot's; without one, or with `~/` in front, it is
/// relative to a node's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Checks a name as ROS 2 does.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let wrong = |why| Err(Error::Name { name: name.into(), why });
        let bare = name.strip_prefix("~/").or_else(|| name.strip_prefix('/')).unwrap_or(name);
        if bare.is_empty() {
            return wrong("it is empty");
        }
        for token in bare.split('/') {
            if token.is_empty() {
                return wrong("a slash at its end, or two in a row");
            }
            if token.starts_with(|c: char| c.is_ascii_digit()) {
                return wrong("a part of it begins with a digit");
            }
            if token.contains("__") {
                return wrong("two underscores in a row");
            }
            if !token.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return wrong("only letters, digits, `_` and `/` are allowed");
            }
        }
        Ok(Self(name.into()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = Error;
    fn try_from(name: String) -> Result<Self, Error> {
        Self::parse(&name)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The name of a message or service type: `sensor_msgs/msg/JointState`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TypeName(String);

impl TypeName {
    /// Checks a type's name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let word = |text: &str, first: fn(&char) -> bool| {
            text.chars().next().is_some_and(|c| first(&c))
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let parts: Vec<&str> = name.split('/').collect();
        match parts[..] {
            [package, "msg" | "srv" | "action", kind]
                if word(package, char::is_ascii_lowercase) && word(kind, char::is_ascii_uppercase) =>
            {
                Ok(Self(name.into()))
            }
            _ => Err(Error::Type { name: name.into() }),
        }
    }

    /// As ROS 2 writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TypeName {
    type Error = Error;
    fn try_from(name: String) -> Result<Self, Error> {
        Self::parse(&name)
    }
}

impl From<TypeName> for String {
    fn from(name: TypeName) -> Self {
        name.0
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_ros_refuses_are_refused() {
        for good in ["/joint_states", "expert/command", "~/start", "/a/b2/_c"] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "/", "~/", "/a/", "//a", "/a__b", "/2d", "/a b", "/käse", "a-b", "~x"] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn types_are_written_with_their_kind() {
        assert!(TypeName::parse("sensor_msgs/msg/JointState").is_ok());
        for bad in ["sensor_msgs/JointState", "JointState", "sensor_msgs/msg/", "a/msg/b", "a/b/C"] {
            assert!(TypeName::parse(bad).is_err(), "{bad}");
        }
    }
}
