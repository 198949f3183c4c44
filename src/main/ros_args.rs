//! The `--ros-args … --` stretches of a command line, taken out before the rest is parsed.
//!
//! `ros2 run` and `ros2 launch` append them to whatever they start. What this binary can do for them is done: the node's
//! name, its namespace, topics that are remapped, parameters and files of them, the log level. What it cannot is said, because a
//! remapping that is silently ignored records the wrong topic.

use std::fs;

use anyhow::Context as _;
use apprentice::config::parameters;

/// What the stretches asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RosArgs {
    /// `-r __node:=…`
    pub(crate) node: Option<String>,
    /// `-r __ns:=…`
    pub(crate) namespace: Option<String>,
    /// `-r from:=to` of topics.
    pub(crate) remaps: Vec<(String, String)>,
    /// `-p use_sim_time:=true`, or so in a file.
    pub(crate) sim_time: bool,
    /// What the command line itself says of that.
    own_time: Option<bool>,
    /// `--params-file …`, in order.
    files: Vec<String>,
    /// `-p name:=value` of others, and what is so in files; the last of a name counts.
    pub(crate) parameters: Vec<(String, String)>,
    /// `--log-level …`
    pub(crate) log_level: Option<String>,
    /// What was asked for and is not done.
    pub(crate) undone: Vec<String>,
}

impl RosArgs {
    /// Reads the files of parameters for a node that is called `node` if nothing else is asked for. What the command line
    /// itself says goes before them.
    pub(crate) fn read_files(&mut self, node: &str) -> anyhow::Result<()> {
        let (name, namespace) = (self.node.as_deref().unwrap_or(node), self.namespace.as_deref());
        let mut found = Vec::new();
        for path in &self.files {
            let text = fs::read_to_string(path).with_context(|| format!("{path:?} cannot be read"))?;
            let said = parameters::of_node(&text, name, namespace.unwrap_or_default());
            found.extend(said.with_context(|| format!("{path:?} cannot be used"))?);
        }
        found.append(&mut self.parameters);
        for (name, value) in found {
            self.set(name, value);
        }
        self.sim_time = self.own_time.unwrap_or(self.sim_time);
        Ok(())
    }

    /// The value of a parameter that the node knows; it is no longer among those that nobody asked for.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.parameters.iter().position(|(known, _)| known == name)?;
        Some(self.parameters.swap_remove(at).1)
    }

    fn set(&mut self, name: String, value: String) {
        if name == "use_sim_time" {
            match value.to_ascii_lowercase().as_str() {
                "true" => self.sim_time = true,
                "false" => self.sim_time = false,
                _ => self.undone.push(format!("use_sim_time: {value:?}, which is neither true nor false,")),
            }
            return;
        }
        self.parameters.retain(|(known, _)| *known != name);
        self.parameters.push((name, value));
    }
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
            // As `ros2 launch` begins anew where a launch file has arguments of its own.
            "--ros-args" => {}
            "-r" | "--remap" => remap(&value(), ros),
            "-p" | "--param" => parameter(&value(), ros),
            "--log-level" => log_level(value(), ros),
            "--params-file" => ros.files.push(value()),
            "-e" | "--enclave" | "--log-config-file" => {
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
        Some((name, value)) if !name.is_empty() && !name.contains(':') => {
            ros.set(name.to_owned(), value.to_owned());
            if name == "use_sim_time" {
                ros.own_time = Some(ros.sim_time);
            }
        }
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
        let line = "x --ros-args -r /a:=/b --log-level recorder:=DEBUG -e p -r other:c:=d -p o:k:=v -q";
        let (_, ros) = parted(line);
        assert_eq!(ros.remaps, [("/a".to_owned(), "/b".to_owned())]);
        assert_eq!(ros.log_level.as_deref(), Some("debug"));
        assert_eq!(ros.undone, ["-e p", "--remap other:c:=d", "--param o:k:=v", "-q"]);
    }

    #[test]
    fn the_command_line_goes_before_files_and_a_later_file_before_an_earlier() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).map(|()| path.display().to_string())
        };
        let first = file("a", "/**: {ros__parameters: {use_sim_time: true, task: a, operator: a, out: a}}")?;
        let then = file("b", "recorder: {ros__parameters: {operator: b, out: b}}")?;
        let line = format!("x --ros-args -p out:=c --params-file {first} --params-file {then}");
        let (_, mut ros) = parted(&format!("{line} -p use_sim_time:=false"));
        ros.read_files("recorder")?;
        assert!(!ros.sim_time, "the command line says so");
        let (_, mut ros) = parted(&line);
        ros.read_files("recorder")?;
        assert!(ros.sim_time);
        let taken = ["task", "operator", "out", "more"].map(|name| ros.take(name));
        assert_eq!(taken.map(Option::unwrap_or_default), ["a", "b", "c", ""]);
        assert!(ros.parameters.is_empty());
        let (_, mut missing) = parted("x --ros-args --params-file /nowhere.yaml");
        assert!(
            format!("{:#}", missing.read_files("x").expect_err("it is nowhere")).contains("/nowhere.yaml")
        );
        Ok(())
    }

    #[test]
    fn a_stretch_may_begin_anew_within_itself_as_launch_writes_it() {
        let (ours, ros) = parted("x --ros-args --log-level warn --ros-args -r __node:=a");
        assert_eq!((ours.len(), ros.undone.len()), (1, 0));
        assert_eq!((ros.node.as_deref(), ros.log_level.as_deref()), (Some("a"), Some("warn")));
    }

    #[test]
    fn what_follows_our_own_dashes_is_left_alone() {
        let (ours, ros) = parted("x bag info -- --ros-args");
        assert_eq!(ours, ["x", "bag", "info", "--", "--ros-args"]);
        assert_eq!(ros, RosArgs::default());
    }
}
