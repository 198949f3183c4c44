//! Which topic of a recording feeds what.
//!
//! Names in a robot's file may be relative to a namespace that a recording does not tell. So a relative name is looked for at the
//! root first and then as the end of a topic's name, the shortest of them; an absolute one stands for itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Scene;
use crate::data::actions::Origin;
use crate::data::summary::Dropped;
use crate::msg::Message as _;
use crate::msg::own::{Command, Intervention};
use crate::wire::Topic;

/// What a topic is good for; it may be so for several things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// The observed stream of that number.
    Stream(usize),
    /// Where the actions of the part of that number come from.
    Part(usize),
    /// What really left for the robot.
    Left,
    /// Who drove.
    Driver,
    /// What was to be reached, read as the stream of that number.
    Goal(usize),
}

/// The topics of one recording, and what each is good for.
#[derive(Debug)]
pub(super) struct Wiring {
    uses: BTreeMap<String, Vec<Use>>,
    /// The topic of each observed stream and part, by its name in accounts.
    named: BTreeMap<String, String>,
}

impl Wiring {
    pub(super) fn of(scene: &Scene<'_>, topics: &[Arc<Topic>]) -> Result<Self, Dropped> {
        let mut wiring = Self { uses: BTreeMap::new(), named: BTreeMap::new() };
        for (number, name) in scene.layout.streams().enumerate() {
            let Some(stream) = scene.observe.streams.get(name) else { continue };
            let topic = find(topics, stream.topic.as_str(), stream.type_name.as_str())?;
            wiring.add(topic, Use::Stream(number));
            wiring.named.insert(name.to_owned(), topic.to_owned());
        }
        for (number, (part, origin)) in scene.parts.iter().zip(&scene.origins).enumerate() {
            if let Origin::Topic(channel, _) = origin {
                let topic = find(topics, channel.topic.as_str(), channel.type_name.as_str())?;
                wiring.add(topic, Use::Part(number));
                wiring.named.insert(part.clone(), topic.to_owned());
            }
        }
        for (name, type_name, of) in
            [("command", Command::TYPE, Use::Left), ("intervention", Intervention::TYPE, Use::Driver)]
        {
            if let Ok(topic) = find(topics, name, type_name) {
                wiring.add(topic, of);
            }
        }
        if let Some(goal) = &scene.config.goal
            && let Some(number) = scene.layout.streams().position(|name| name == goal.stream)
            && let Some(stream) = scene.observe.streams.get(&goal.stream)
            && let Ok(topic) = find(topics, "goal", stream.type_name.as_str())
        {
            wiring.add(topic, Use::Goal(number));
        }
        Ok(wiring)
    }

    fn add(&mut self, topic: &str, of: Use) {
        self.uses.entry(topic.to_owned()).or_default().push(of);
    }

    /// Every topic that is good for something.
    pub(super) fn topics(&self) -> Vec<&str> {
        self.uses.keys().map(String::as_str).collect()
    }

    pub(super) fn uses(&self, topic: &str) -> &[Use] {
        self.uses.get(topic).map_or(&[], Vec::as_slice)
    }

    /// The topic of an observed stream or of a part; a part that goes by the next observation has none.
    pub(super) fn topic_of(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }
}

/// The topic that the settings call `name`.
pub(in crate::data) fn find<'a>(
    topics: &'a [Arc<Topic>],
    name: &str,
    type_name: &str,
) -> Result<&'a str, Dropped> {
    let bare = name.trim_start_matches("~/");
    let fits = |topic: &str| match bare.strip_prefix('/') {
        Some(_) => topic == bare,
        None => topic.strip_suffix(bare).is_some_and(|rest| rest.ends_with('/')),
    };
    let mut known: Vec<&Topic> = topics.iter().map(AsRef::as_ref).filter(|topic| fits(&topic.name)).collect();
    known.sort_by_key(|topic| (topic.name.matches('/').count(), &topic.name));
    match (known.iter().find(|topic| topic.type_name == type_name), known.first()) {
        (Some(topic), _) => Ok(&topic.name),
        (None, Some(other)) => {
            let (topic, has) = (other.name.clone(), other.type_name.clone());
            Err(Dropped::Type { topic, has, wanted: type_name.to_owned() })
        }
        (None, None) => Err(Dropped::Topic { topic: name.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_name_is_found_in_whatever_namespace_it_was_recorded() {
        let topics: Vec<Arc<Topic>> =
            ["/policy/command", "/cell/command", "/cell/expert/command", "/cell/joint_states"]
                .map(|name| Arc::new(Topic::new(name, Command::TYPE)))
                .to_vec();
        let found = |name: &str| find(&topics, name, Command::TYPE).ok();
        assert_eq!(found("expert/command"), Some("/cell/expert/command"));
        assert_eq!(found("command"), Some("/cell/command"));
        assert_eq!(found("joint_states"), Some("/cell/joint_states"));
        assert_eq!(found("/joint_states"), None);
        assert_eq!(found("states"), None, "a name is not cut in the middle");
        assert!(matches!(find(&topics, "command", "std_msgs/msg/Empty"), Err(Dropped::Type { .. })));
    }
}
