//! The type hashes that a topic's publishers announce, held against the one that is noted in its bags.
//!
//! The definition in a bag is the recorder's own. A publisher that was built from another one of the same name is heard all
//! the same, because its bytes are only passed on, and whoever decodes them later gets nonsense without an error. The
//! two hashes are the one sign of it.

use std::collections::BTreeSet;

use crate::bus::Offer;
use crate::wire::Topic;

/// The hashes announced for one topic that are not the one noted.
#[derive(Debug, Default)]
pub(super) struct Announced(BTreeSet<String>);

/// The hash that the first publisher of that type announces.
pub(super) fn first<'a>(offer: &'a Offer, type_name: &str) -> Option<&'a str> {
    offer.hashes.iter().find(|(of, _)| of == type_name).map(|(_, hash)| hash.as_str())
}

impl Announced {
    /// Holds what publishers announce of `topic` against the hash that is noted, if one is.
    pub(super) fn compare(&mut self, offer: &Offer, topic: &Topic, noted: &str) {
        if noted.is_empty() {
            return;
        }
        for announced in self.hear(offer, &topic.type_name, noted) {
            let Topic { name: topic, type_name, .. } = topic;
            tracing::warn!(
                topic,
                type_name,
                announced,
                noted,
                "a publisher was built from another definition of this type than the one in the bag: its messages may \
                 not read as they were meant"
            );
        }
    }

    /// Takes note of what is announced of `type_name`, and gives back what is heard for the first time and not `noted`.
    fn hear<'a>(&mut self, offer: &'a Offer, type_name: &str, noted: &str) -> Vec<&'a str> {
        let others = offer.hashes.iter().filter(|(of, hash)| of == type_name && hash != noted);
        others.map(|(_, hash)| hash.as_str()).filter(|hash| self.0.insert((*hash).to_owned())).collect()
    }

    /// All of them.
    pub(super) fn others(&self) -> &BTreeSet<String> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_that_differs_is_told_once_and_kept() {
        let mut offer = Offer::new("/arm");
        offer.hashes = [("a/msg/A", "ours"), ("b/msg/B", "of another type"), ("a/msg/A", "theirs")]
            .map(|(type_name, hash)| (type_name.to_owned(), hash.to_owned()))
            .to_vec();
        let mut announced = Announced::default();
        assert_eq!(announced.hear(&offer, "a/msg/A", "ours"), ["theirs"]);
        assert!(announced.hear(&offer, "a/msg/A", "ours").is_empty());
        assert_eq!(announced.others(), &BTreeSet::from(["theirs".to_owned()]));
        assert_eq!(first(&offer, "b/msg/B"), Some("of another type"));
    }
}
