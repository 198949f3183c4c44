//! ROS 2's files of parameters, as `ros2 launch` writes them and `--params-file` names them.
//!
//! Which node a value is for is said by its full name, in one piece or a namespace within another, or by a pattern, as in ROS 2. Only
//! single values are taken: no parameter of ours is a list.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// What goes wrong with a file of parameters.
#[derive(Debug, thiserror::Error)]
#[error("it is no file of ROS 2 parameters")]
pub struct Error(#[from] serde_saphyr::Error);

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
struct Section {
    #[serde(default, rename = "ros__parameters")]
    parameters: BTreeMap<String, Value>,
    /// Those of the nodes in the namespace that this one's name is.
    #[serde(flatten)]
    within: BTreeMap<String, Self>,
}

/// How closely a section's name means a node; what is said more closely goes before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meant {
    WithAll,
    ByPattern,
    ByName,
}

/// The parameters that `text` has for the node of that name and namespace, each as a command line would say it; those of
/// its own name go before those for a pattern, and these before those for all.
pub fn of_node(text: &str, name: &str, namespace: &str) -> Result<BTreeMap<String, String>, Error> {
    let sections: BTreeMap<String, Section> = serde_saphyr::from_str(text)?;
    let full = format!("{}/{name}", namespace.trim_end_matches('/'));
    let mut named = Vec::new();
    spell_out(&sections, "", &mut named);
    let mut meant: Vec<_> = named
        .into_iter()
        .filter_map(|(whom, parameters)| Some((meaning(&whom, name, &full)?, parameters)))
        .collect();
    meant.sort_by_key(|(closely, _)| *closely);
    let mut found = BTreeMap::new();
    for (key, value) in meant.into_iter().flat_map(|(_, parameters)| parameters) {
        let said = match value {
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Number(value) => value.to_string(),
            Value::Text(value) => value.clone(),
            Value::Other(IgnoredAny) => continue,
        };
        found.insert(key.clone(), said);
    }
    Ok(found)
}

/// Every section with its whole name, those within others too.
fn spell_out<'a>(
    sections: &'a BTreeMap<String, Section>,
    under: &str,
    named: &mut Vec<(String, &'a BTreeMap<String, Value>)>,
) {
    for (key, section) in sections {
        let whom = match under {
            "" => key.clone(),
            under => format!("{}/{}", under.trim_end_matches('/'), key.trim_start_matches('/')),
        };
        spell_out(&section.within, &whom, named);
        named.push((whom, &section.parameters));
    }
}

/// How `whom` means the node of that name and full name, if it does.
fn meaning(whom: &str, name: &str, full: &str) -> Option<Meant> {
    let (bare, full) = (whom.trim_start_matches('/'), full.trim_start_matches('/'));
    if whom == name || bare == full {
        return Some(Meant::ByName);
    }
    let (pattern, tokens): (Vec<&str>, Vec<&str>) = (bare.split('/').collect(), full.split('/').collect());
    let closely = if bare == "**" { Meant::WithAll } else { Meant::ByPattern };
    fits(&pattern, &tokens).then_some(closely)
}

/// Whether a pattern fits a name: `*` stands for one token, `**` for any number of them, as in rcl.
fn fits(pattern: &[&str], name: &[&str]) -> bool {
    match (pattern, name) {
        ([], name) => name.is_empty(),
        (["**", rest @ ..], name) => (0..=name.len()).any(|taken| fits(rest, &name[taken..])),
        ([token, rest @ ..], [first, others @ ..]) => (*token == "*" || token == first) && fits(rest, others),
        (_, []) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
/**:
  ros__parameters: {use_sim_time: true, task: fold, qos_overrides: {a: 1}}
/left/recorder:
  ros__parameters:
    task: pour
    episode_s: 12.5
recorder: {ros__parameters: {operator: ada}}
policy: {ros__parameters: {task: other}}
";

    #[test]
    fn a_node_gets_what_is_for_all_and_then_its_own() -> Result<(), Error> {
        let found = of_node(FILE, "recorder", "/left")?;
        let said: Vec<_> = found.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(said, ["episode_s=12.5", "operator=ada", "task=pour", "use_sim_time=true"]);
        assert_eq!(of_node(FILE, "teleop", "")?.get("task").map(String::as_str), Some("fold"));
        Ok(())
    }

    #[test]
    fn nodes_are_meant_by_nested_namespaces_and_by_patterns_as_in_rcl() -> Result<(), Error> {
        let nested = "left: {recorder: {ros__parameters: {task: pour}}, arm: {recorder: {ros__parameters: {task: fold}}}}";
        let task = |text: &str, namespace: &str| -> Result<Option<String>, Error> {
            Ok(of_node(text, "recorder", namespace)?.remove("task"))
        };
        assert_eq!(task(nested, "/left")?.as_deref(), Some("pour"));
        assert_eq!(task(nested, "/left/arm")?.as_deref(), Some("fold"));
        assert_eq!(task(nested, "")?, None);
        for (pattern, root, left, arm) in [
            ("/**", true, true, true),
            ("**", true, true, true),
            ("/**/recorder", true, true, true),
            ("/*/recorder", false, true, false),
            ("/*", true, false, false),
            ("/left/**", false, true, true),
            ("/*/*/recorder", false, false, true),
            ("/**/policy", false, false, false),
        ] {
            let file = format!("{pattern:?}: {{ros__parameters: {{task: pour}}}}");
            let fit = [task(&file, "")?, task(&file, "/left")?, task(&file, "/left/arm")?];
            assert_eq!(fit.map(|said| said.is_some()), [root, left, arm], "{pattern}");
        }
        let nested = "/**: {ros__parameters: {task: all}, recorder: {ros__parameters: {task: pattern}}}";
        assert_eq!(task(nested, "/left")?.as_deref(), Some("pattern"), "it is closer than all");
        let named = format!("{nested}\n/left/recorder: {{ros__parameters: {{task: name}}}}");
        assert_eq!(task(&named, "/left")?.as_deref(), Some("name"), "it is closer than a pattern");
        Ok(())
    }

    #[test]
    fn what_is_no_such_file_is_an_error() {
        assert!(of_node("just words", "recorder", "").is_err());
    }
}
