//! What a policy was trained to see and do, and whether a robot is the same.
//!
//! A policy takes numbers by their place. On a robot whose joints stand in another order it would still give numbers, and the arm
//! would follow them; so everything that differs is said before anything moves.

use serde::{Deserialize, Serialize};

use super::Config;
use crate::data::augment::Augment;
use crate::data::{Camera, Layout};

/// What `spec.yaml` of a checkpoint holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// What is seen and done.
    pub layout: Layout,
    /// The network, with every default spelled out.
    pub policy: Config,
    /// How pictures are cut.
    pub augment: Augment,
}

/// Everything in which the robot's layout differs from the policy's, in words; nothing where they are the same.
pub fn differences(policy: &Layout, robot: &Layout) -> Option<String> {
    let mut found = Vec::new();
    if (policy.rate_hz - robot.rate_hz).abs() > 1e-9 * policy.rate_hz {
        found.push(format!("it sees {} times a second, the robot shows {}", policy.rate_hz, robot.rate_hz));
    }
    streams(policy, robot, &mut found);
    for part in &policy.state {
        let other = robot.state.iter().find(|other| other.stream == part.stream);
        if let Some(other) = other.filter(|other| other.labels != part.labels) {
            found.push(lists(
                &format!("of {:?} it sees", part.stream),
                &part.labels,
                "the robot shows",
                &other.labels,
            ));
        }
    }
    for camera in &policy.cameras {
        let other = robot.cameras.iter().find(|other| other.stream == camera.stream);
        if let Some(other) = other.filter(|other| *other != camera) {
            let (wanted, shown) = (size(camera), size(other));
            found.push(format!("it sees {:?} with {wanted}, the robot shows {shown}", camera.stream));
        }
    }
    if policy.actions != robot.actions {
        found.push(lists("it moves", &policy.actions, "the robot moves", &robot.actions));
    }
    if found.is_empty() && policy.goal != robot.goal {
        let (wanted, told) = (goal(policy), goal(robot));
        found.push(format!("its goal is {wanted}, the robot's is {told}"));
    }
    // Whatever else there is, equal layouts are the only ones that pass.
    if found.is_empty() && policy.state != robot.state {
        found.push("its numbers stand in another order".to_owned());
    }
    (!found.is_empty()).then(|| found.join("; "))
}

/// Streams that only one of the two has.
fn streams(policy: &Layout, robot: &Layout, found: &mut Vec<String>) {
    let missing = |of: &Layout, from: &Layout| -> Vec<String> {
        let known: Vec<&str> = from.streams().collect();
        of.streams().filter(|stream| !known.contains(stream)).map(str::to_owned).collect()
    };
    for stream in missing(policy, robot) {
        found.push(format!("it sees {stream:?}, which the robot does not show"));
    }
    for stream in missing(robot, policy) {
        found.push(format!("it does not see {stream:?}, which the robot shows"));
    }
}

/// Two lists of names and what is different: which are only in one, or that only their order is.
fn lists(of_policy: &str, policy: &[String], of_robot: &str, robot: &[String]) -> String {
    let only = |of: &[String], from: &[String]| -> Vec<String> {
        of.iter().filter(|name| !from.contains(name)).map(|name| format!("{name:?}")).collect()
    };
    let (of_it, of_other) = (only(policy, robot), only(robot, policy));
    match (of_it.is_empty(), of_other.is_empty()) {
        (true, true) => format!(
            "{of_policy} {}, {of_robot} the same in another order: {}",
            policy.join(", "),
            robot.join(", ")
        ),
        (false, true) => format!("{of_policy} also {}", of_it.join(", ")),
        (true, false) => format!("{of_robot} also {}", of_other.join(", ")),
        (false, false) => {
            format!("{of_policy} {} where {of_robot} {}", of_it.join(", "), of_other.join(", "))
        }
    }
}

fn size(camera: &Camera) -> String {
    format!("{}×{} pixels of {} bytes", camera.size[0], camera.size[1], camera.channels)
}

fn goal(layout: &Layout) -> String {
    let labels = layout.labels();
    let named: Vec<&str> =
        layout.goal.iter().filter_map(|place| labels.get(*place)).map(String::as_str).collect();
    if named.is_empty() { "none".to_owned() } else { named.join(", ") }
}
