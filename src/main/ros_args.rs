//! The `--ros-args … --` stretches of a command line, taken out before the rest is parsed.
//!
//! `ros2 run` and `ros2 launch` append them to whatever they start. What this binary can do for them is done: the node's
//! name, its namespace, topics that are remapped, `use_sim_time`, the log level. What it cannot is said, because a
//! remapping that is silently ignored records the wrong topic.

/// What the stretches asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RosArgs {
    /// `-r __node:=…`
    pub(crate) node: Option<String>,
    /// `-r __ns:=…`
    pub(crate) namespace: Option<String>,
    /// `-r from:=to` of topics.
    pub(crate) remaps: Vec<(String, String)>,
    /// `-p use_sim_time:=true`
    pub(crate) sim_time: bool,
    /// `--log-level …`
    pub(crate) log_level: Option<String>,
    /// What was asked for and is not done.
    pub(crate) undone: Vec<String>,
}

/// Parts a command line into what is ours and what the stretches say.
pub(crate) fn split(arguments: impl IntoIterator<Item = String>) -> (Vec<String>, RosArgs) {
    let (mut ours, mut ros) = (Vec::new(), RosArgs::default());
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--ros-args" => take_stretch(&mut arguments, &mut ros),
            // What follows a `--` of our own is nobody's option.
            "--" => {
                ours.push(argument);
                ours.extend(arguments.by_ref());
            }
            _ => ours.push(argument),
        }
    }
    (ours, ros)
}

fn take_stretch(arguments: &mut impl Iterator<Item = String>, ros: &mut RosArgs) {
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--" => return,
            "-r" | "--remap" => remap(&value(), ros),
            "-p" | "--param" => parameter(&value(), ros),
            "--log-level" => log_level(value(), ros),
            "--params-file" | "-e" | "--enclave" | "--log-config-file" => {
                let undone = format!("{argument} {}", value());
                ros.undone.push(undone);
            }
            // Logging goes to standard error whatever these say.
            "--enable-rosout-logs"
            | "--disable-rosout-logs"
            | "--enable-stdout-logs"
            | "--disable-stdout-logs"
            | "--enable-external-lib-logs"
            | "--disable-external-lib-logs" => {}
            _ => ros.undone.push(argument),
        }
    }
}

fn remap(rule: &str, ros: &mut RosArgs) {
    match rule.split_once(":=") {
        Some(("__node" | "__name", to)) => ros.node = Some(to.to_owned()),
        Some(("__ns", to)) => ros.namespace = Some(to.to_owned()),
        Some((from, to)) if !from.is_empty() && !to.is_empty() && !from.contains(':') => {
            ros.remaps.push((from.to_owned(), to.to_owned()));
        }
        _ => ros.undone.push(format!("--remap {rule}")),
    }
}

fn parameter(rule: &str, ros: &mut RosArgs) {
    match rule.split_once(":=") {
        Some(("use_sim_time", value)) => ros.sim_time = value.eq_ignore_ascii_case("true"),
        _ => ros.undone.push(format!("--param {rule}")),
    }
}

/// `debug`, or `node:=debug`, which for a process of one node is the same.
fn log_level(level: String, ros: &mut RosArgs) {
    let level = level.rsplit(":=").next().unwrap_or_default().to_lowercase();
    match level.as_str() {
        "debug" | "info" | "warn" | "error" => ros.log_level = Some(level),
        "fatal" => ros.log_level = Some("error".to_owned()),
        _ => ros.undone.push(format!("--log-level {level}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(line: &str) -> (Vec<String>, RosArgs) {
        split(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn stretches_are_taken_out_wherever_they_stand() {
        let line = "apprentice --ros-args -r __ns:=/left -- record --all --ros-args --remap __node:=ear -p use_sim_time:=true";
        let (ours, ros) = parted(line);
        assert_eq!(ours, ["apprentice", "record", "--all"]);
        assert_eq!((ros.namespace.as_deref(), ros.node.as_deref()), (Some("/left"), Some("ear")));
        assert!(ros.sim_time && ros.undone.is_empty());
    }

    #[test]
    fn topics_are_remapped_and_what_cannot_be_done_is_named() {
        let line = "x --ros-args -r /a:=/b --log-level recorder:=DEBUG --params-file p.yaml -r other:c:=d -p k:=v -q";
        let (_, ros) = parted(line);
        assert_eq!(ros.remaps, [("/a".to_owned(), "/b".to_owned())]);
        assert_eq!(ros.log_level.as_deref(), Some("debug"));
        assert_eq!(ros.undone, ["--params-file p.yaml", "--remap other:c:=d", "--param k:=v", "-q"]);
    }

    #[test]
    fn what_follows_our_own_dashes_is_left_alone() {
        let (ours, ros) = parted("x bag info -- --ros-args");
        assert_eq!(ours, ["x", "bag", "info", "--", "--ros-args"]);
        assert_eq!(ros, RosArgs::default());
    }
}
