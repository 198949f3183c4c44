//! What is observed and commanded, and how often: the nouns of a robot's file that every room may use.

use std::time::Duration;

/// A topic somebody counts on, and what they count on it for.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// The full topic name, with its leading slash.
    pub topic: String,
    /// Its type; `None` takes whatever is offered.
    pub type_name: Option<String>,
    /// Messages a second; `None` where nothing is promised.
    pub rate_hz: Option<f64>,
    /// The longest silence that is still well; `None` where nothing is promised.
    pub max_age: Option<Duration>,
    /// Whether a recording without it is still whole.
    pub optional: bool,
}

impl Expect {
    /// A topic of which nothing but its name is known.
    pub fn any(topic: impl Into<String>) -> Self {
        Self { topic: topic.into(), type_name: None, rate_hz: None, max_age: None, optional: false }
    }
}
