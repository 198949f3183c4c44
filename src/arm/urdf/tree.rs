//! Whether links and joints make a tree, and which link is its root.
//!
//! Checked once, when the file is read: whoever follows parents afterwards comes to the root, and whoever follows a
//! mimicking joint comes to one that is driven.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::Node;

use super::parse::Source;
use super::{Joint, Link};
use crate::arm::Error;

/// The root of the tree that `links` and `joints` make, each with its element for errors.
pub(super) fn root<'a, 'b: 'a>(
    source: &Source<'_>,
    robot: Node<'a, 'b>,
    links: &[(Node<'a, 'b>, Link)],
    joints: &[(Node<'a, 'b>, Joint)],
) -> Result<String, Error> {
    once(source, "link", links.iter().map(|(node, link)| (*node, link.name.as_str())))?;
    once(source, "joint", joints.iter().map(|(node, joint)| (*node, joint.name.as_str())))?;
    let names: BTreeSet<&str> = links.iter().map(|(_, link)| link.name.as_str()).collect();
    let mut carriers: BTreeMap<&str, &Joint> = BTreeMap::new();
    for (node, joint) in joints {
        let wrong = |why: String| Err(source.wrong(*node, &format!("joint {:?}", joint.name), why));
        for (end, link) in [("parent", &joint.parent), ("child", &joint.child)] {
            if !names.contains(link.as_str()) {
                return wrong(format!("its {end} {link:?} is no link"));
            }
        }
        if let Some(other) = carriers.insert(&joint.child, joint) {
            return wrong(format!("its child {:?} hangs on the joint {:?} already", joint.child, other.name));
        }
        if let Some(why) = astray(joint, joints) {
            return wrong(why);
        }
    }
    let mut roots = links.iter().filter(|(_, link)| !carriers.contains_key(link.name.as_str()));
    match (roots.next(), roots.next()) {
        (Some((_, root)), None) => {
            whole(source, robot, &root.name, names.len(), joints)?;
            Ok(root.name.clone())
        }
        (None, _) => Err(source.wrong(robot, "robot", "it has no link that nothing carries")),
        (Some((_, first)), Some((node, second))) => {
            let why = format!("nothing carries it, nor {:?}; one link is the root", first.name);
            Err(source.wrong(*node, &format!("link {:?}", second.name), why))
        }
    }
}

fn once<'a, 'b: 'a, 'c>(
    source: &Source<'_>,
    what: &str,
    named: impl Iterator<Item = (Node<'a, 'b>, &'c str)>,
) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for (node, name) in named {
        if !seen.insert(name) {
            return Err(source.wrong(node, &format!("{what} {name:?}"), "it is there twice"));
        }
    }
    Ok(())
}

/// What is wrong with the joint that `joint` follows, if it follows one: it must be there and be driven.
fn astray(joint: &Joint, joints: &[(Node<'_, '_>, Joint)]) -> Option<String> {
    let name = &joint.mimic.as_ref()?.joint;
    match joints.iter().find(|(_, other)| other.name == *name) {
        None => Some(format!("it follows {name:?}, which is no joint")),
        Some((_, other)) if other.mimic.is_some() => {
            Some(format!("it follows {name:?}, which follows another itself"))
        }
        Some((_, other)) if other.kind == super::Kind::Fixed => {
            Some(format!("it follows {name:?}, which is fixed"))
        }
        Some(_) => None,
    }
}

/// With one root and no link carried twice, what does not hang on the root hangs in a ring.
fn whole(
    source: &Source<'_>,
    robot: Node<'_, '_>,
    root: &str,
    links: usize,
    joints: &[(Node<'_, '_>, Joint)],
) -> Result<(), Error> {
    let mut reached = BTreeSet::from([root]);
    let mut ends = vec![root];
    while let Some(end) = ends.pop() {
        for (_, joint) in joints.iter().filter(|(_, joint)| joint.parent == end) {
            reached.insert(&joint.child);
            ends.push(&joint.child);
        }
    }
    match reached.len() == links {
        true => Ok(()),
        false => Err(source.wrong(robot, "robot", "some of its links carry each other in a ring")),
    }
}
