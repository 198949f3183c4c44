//! ROS 2's files of parameters, as `ros2 launch` writes them and `--params-file` names them.
//!
//! Which node a value is for is said by its full name or by a wildcard, as in ROS 2. Only single values are taken: no parameter of ours
//! is a list.

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
}

/// The parameters that `text` has for the node of that name and namespace, each as a command line would say it; those of
/// its own name go before those for all.
pub fn of_node(text: &str, name: &str, namespace: &str) -> Result<BTreeMap<String, String>, Error> {
    let sections: BTreeMap<String, Section> = serde_saphyr::from_str(text)?;
    let full = format!("{}/{name}", namespace.trim_end_matches('/'));
    let mut found = BTreeMap::new();
    for all in [true, false] {
        let meant = sections.iter().filter(|(whom, _)| match whom.as_str() {
            "/**" | "**" => all,
            whom => {
                !all && (whom == name
                    || whom == full
                    || whom.trim_start_matches('/') == full.trim_start_matches('/'))
            }
        });
        for (key, value) in meant.flat_map(|(_, section)| &section.parameters) {
            let said = match value {
                Value::Bool(value) => value.to_string(),
                Value::Integer(value) => value.to_string(),
                Value::Number(value) => value.to_string(),
                Value::Text(value) => value.clone(),
                Value::Other(IgnoredAny) => continue,
            };
            found.insert(key.clone(), said);
        }
    }
    Ok(found)
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
    fn what_is_no_such_file_is_an_error() {
        assert!(of_node("just words", "recorder", "").is_err());
    }
}
