//! The names of ROS 2: which are allowed, and what a relative or private one means to a node.
//!
//! One file, used by every bus, so that a name refused on one is refused on all.

use super::Error;

/// A node's name and the namespace it lives in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    name: String,
    namespace: String,
}

impl Node {
    /// A node of that name in that namespace; an empty one is the root. A namespace may leave out its slash.
    pub fn new(name: &str, namespace: &str) -> Result<Self, Error> {
        let refuse = |name: &str, why| Err(Error::Name { name: name.to_owned(), why });
        if name.contains('/') {
            return refuse(name, "a node's name has no slash");
        }
        if let Some(why) = wrong_with_token(name) {
            return refuse(name, why);
        }
        let inside = namespace.trim_start_matches('/').trim_end_matches('/');
        if let Some(why) = inside.split('/').filter(|_| !inside.is_empty()).find_map(wrong_with_token) {
            return refuse(namespace, why);
        }
        Ok(Self { name: name.to_owned(), namespace: format!("/{inside}") })
    }

    /// The node's own name: `recorder`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace with its leading slash: `/` or `/left_arm`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The full name: `/left_arm/recorder`.
    pub fn full_name(&self) -> String {
        join(&self.namespace, &self.name)
    }

    /// What a topic's or service's name means to this node: `/a` itself, `a` under the namespace, `~/a` under
    /// the node's own name.
    pub fn resolve(&self, name: &str) -> Result<String, Error> {
        let full = match name.strip_prefix('~') {
            Some("") => self.full_name(),
            Some(rest) if rest.starts_with('/') => format!("{}{rest}", self.full_name()),
            Some(_) => return refuse(name, "a ~ is followed by a slash"),
            None if name.starts_with('/') => name.to_owned(),
            None => join(&self.namespace, name),
        };
        match full[1..].split('/').find_map(wrong_with_token) {
            Some(why) => refuse(name, why),
            None => Ok(full),
        }
    }
}

/// Whether a topic is kept from view: a part of its name begins with an underscore. Who asks for all does not mean it.
pub fn is_hidden(name: &str) -> bool {
    name.split('/').any(|token| token.starts_with('_'))
}

fn refuse<T>(name: &str, why: &'static str) -> Result<T, Error> {
    Err(Error::Name { name: name.to_owned(), why })
}

fn join(namespace: &str, name: &str) -> String {
    if namespace == "/" { format!("/{name}") } else { format!("{namespace}/{name}") }
}

/// What is wrong with the part of a name between two slashes.
fn wrong_with_token(token: &str) -> Option<&'static str> {
    if token.is_empty() {
        Some("a part of it is empty")
    } else if token.starts_with(|first: char| first.is_ascii_digit()) {
        Some("a part of it begins with a digit")
    } else if !token.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        Some("only letters, digits and underscores are allowed")
    } else if token.contains("__") {
        Some("two underscores follow each other")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_what_it_means_in_ros() -> Result<(), Error> {
        let node = Node::new("recorder", "left/arm")?;
        assert_eq!(node.full_name(), "/left/arm/recorder");
        assert_eq!(node.resolve("/joint_states")?, "/joint_states");
        assert_eq!(node.resolve("joint_states")?, "/left/arm/joint_states");
        assert_eq!(node.resolve("~/start")?, "/left/arm/recorder/start");
        assert_eq!(Node::new("recorder", "/")?.resolve("~/start")?, "/recorder/start");
        Ok(())
    }

    #[test]
    fn a_topic_is_hidden_where_a_part_of_it_is() {
        assert!(is_hidden("/arm/_internal/state") && is_hidden("/_x"));
        assert!(!is_hidden("/arm_left/joint_states"));
    }

    #[test]
    fn a_bad_name_is_refused_with_the_reason() -> Result<(), Error> {
        let node = Node::new("n", "")?;
        for bad in ["", "/", "/a/", "//a", "/a b", "/1a", "/a__b", "~a", "/a-b", "/ä"] {
            assert!(matches!(node.resolve(bad), Err(Error::Name { .. })), "{bad:?} was let through");
        }
        assert!(Node::new("a/b", "").is_err());
        assert!(Node::new("a", "/x//y").is_err());
        Ok(())
    }
}
