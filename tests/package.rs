//! The ROS 2 package, read as text: what its files say of each other and of what is built.
//!
//! No ROS 2 is needed to see that a launch file starts what CMake installs, that the options it gives exist, and that every package
//! whose messages we speak is one the package depends on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

#[path = "support/cli.rs"]
mod cli;
#[path = "support/skipped.rs"]
mod skipped;

use skipped::skipped;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(file: &str) -> Result<String> {
    fs::read_to_string(root().join(file)).with_context(|| file.to_owned())
}

fn files(folder: &str, ending: &str) -> Result<Vec<PathBuf>> {
    let paths = fs::read_dir(root().join(folder))?.map(|entry| Ok(entry?.path()));
    let paths = paths.collect::<Result<Vec<PathBuf>>>()?;
    Ok(paths.into_iter().filter(|path| path.to_string_lossy().ends_with(ending)).collect())
}

/// What stands between `before` and the next `after`, wherever `before` is.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| Some(rest.split_once(after)?.0)).collect()
}

/// Who is started that is not ours.
const STRANGERS: &[&str] = &["rviz2", "robot_state_publisher", "create", "parameter_bridge", "spawner"];

/// The names that `ros2 run` knows, and the subcommand of each.
fn executables() -> Result<Vec<(String, String)>> {
    let said = text("cmake/binary.cmake")?;
    let runs = between(&said, "runs(", ")").into_iter().filter_map(|pair| pair.split_once(' '));
    Ok(runs
        .filter(|(name, _)| *name != "name")
        .map(|(name, command)| (name.into(), command.into()))
        .collect())
}

#[test]
fn every_package_whose_messages_are_spoken_is_depended_on() -> Result<()> {
    let (package, cmake) = (text("package.xml")?, text("CMakeLists.txt")?);
    let depended: BTreeSet<&str> = between(&package, "<depend>", "</depend>").into_iter().collect();
    let lists = between(&cmake, "set(spoken ", ")").into_iter().chain(between(&cmake, "set(heard ", ")"));
    let bound: BTreeSet<&str> =
        lists.flat_map(str::split_whitespace).filter(|word| !word.contains('$')).collect();
    assert!(bound.len() > 10, "{bound:?}");
    assert!(bound.is_subset(&depended), "not in package.xml: {:?}", bound.difference(&depended));
    let services = text("src/bus/ros/service.rs")?;
    let list = services.rsplit("services! {").next().context("the list of services")?;
    let spoken = list.split(';').filter_map(|line| line.split_once(':')).map(|(package, _)| package.trim());
    for package in spoken.filter(|package| !package.is_empty() && *package != "apprentice") {
        assert!(bound.contains(package), "{package} has services that are answered, and is not bound");
    }
    Ok(())
}

#[test]
fn every_package_that_a_launch_file_needs_in_any_case_is_depended_on() -> Result<()> {
    let package = text("package.xml")?;
    let depended = between(&package, "<exec_depend>", "</exec_depend>");
    for path in files("launch", ".py")? {
        let said = fs::read_to_string(&path)?;
        let imported = between(&said, "\nfrom ", " import ");
        let imported = imported.iter().filter_map(|module| module.split('.').next());
        for package in imported.filter(|package| *package != "pathlib") {
            assert!(depended.contains(&package), "{path:?} needs {package}");
        }
    }
    Ok(())
}

#[test]
fn the_version_is_the_same_everywhere() -> Result<()> {
    assert_eq!(between(&text("package.xml")?, "<version>", "</version>"), [env!("CARGO_PKG_VERSION")]);
    Ok(())
}

#[test]
fn a_launch_file_starts_what_is_installed_with_options_that_exist() -> Result<()> {
    let known = executables()?;
    for path in files("launch", ".py")? {
        let said = fs::read_to_string(&path)?;
        let started = between(&said, "executable=\"", "\"").into_iter();
        let mut helps = Some(String::new());
        for started in started.filter(|name| !STRANGERS.contains(name)) {
            let (_, command) = known
                .iter()
                .find(|(name, _)| name == started)
                .with_context(|| format!("{path:?}: {started}"))?;
            let words =
                if command == "teleop" { vec!["teleop", "joy", "--help"] } else { vec![command, "--help"] };
            let help = cli::apprentice(words, None::<&Path>);
            if !help.status.success() {
                skipped("a_launch_file_starts_what_is_installed", format!("{command:?} is not built in"));
                helps = None;
            }
            helps = helps.map(|helps| helps + &cli::text(&help.stdout));
        }
        // Which of its nodes a file gives an option to, its text does not say.
        let options = between(&said, "\"--", "\"").into_iter().filter(|option| *option != "log-level");
        let helps = helps.filter(|helps| !helps.is_empty());
        for (option, helps) in options.zip(helps.iter().cycle()) {
            assert!(helps.contains(&format!("--{option}")), "{path:?}: nothing it starts has --{option}");
        }
        for included in between(&said, "include(\"", "\"") {
            assert!(root().join("launch").join(included).is_file(), "{path:?} includes {included}");
        }
    }
    Ok(())
}

#[test]
fn what_is_included_takes_the_arguments_it_is_given() -> Result<()> {
    for path in files("launch", ".py")? {
        let said = fs::read_to_string(&path)?;
        let common = between(&said, "COMMON = [", "]").concat();
        for call in between(&said, "include(\"", "]") {
            let (file, given) = call.split_once('"').context("a file's name ends")?;
            let given = format!("{given},{}", if given.contains("*COMMON") { common.as_str() } else { "" });
            let declared = text(&format!("launch/{file}"))?;
            let declared = between(&declared, "DeclareLaunchArgument(\"", "\"");
            for argument in between(&given, "\"", "\"")
                .into_iter()
                .filter(|word| word.chars().all(|c| c.is_alphanumeric() || c == '_'))
            {
                assert!(
                    declared.contains(&argument),
                    "{path:?} gives {file} {argument:?}, which it does not declare"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn what_corrections_are_learned_from_is_recorded_where_they_are_launched() -> Result<()> {
    let (launched, told) = (text("launch/dagger.launch.py")?, text("src/main/dagger/people.rs")?);
    let of_launch = between(&launched, "LEARNED = [", "]").concat();
    let of_command = between(&told, "const TOPICS: [&str; 3] = [", "]").concat();
    assert!(
        of_launch.contains("intervention") && of_launch == of_command,
        "{of_launch} against {of_command}"
    );
    Ok(())
}

#[test]
fn every_argument_of_a_launch_file_is_explained() -> Result<()> {
    for path in files("launch", ".py")? {
        let said = fs::read_to_string(&path)?;
        let arguments = between(&said, "DeclareLaunchArgument(", "),\n");
        assert!(arguments.len() > 4, "{path:?}");
        assert!(
            arguments.iter().all(|argument| argument.contains("description=\"")),
            "{path:?}: {arguments:?}"
        );
    }
    Ok(())
}

#[test]
fn views_show_topics_that_there_are() -> Result<()> {
    let layout: serde_json::Value = serde_json::from_str(&text("rviz/foxglove.json")?)?;
    let (layout_text, rviz, opened) =
        (layout.to_string(), text("rviz/apprentice.rviz")?, text("docs/interfaces.md")?);
    // A topic, or a field of one's messages.
    let of_layout =
        between(&layout_text, "\"/", "\"").into_iter().map(|path| path.split('.').next().unwrap_or(path));
    let of_rviz = between(&rviz, "Topic:\n        Value: ", "\n");
    // RViz is launched in the namespace of our nodes; cameras and descriptions are where the robot's file has them.
    assert!(of_rviz.contains(&"plan_markers") && of_rviz.contains(&"intervention_markers"), "{of_rviz:?}");
    let of_rviz = of_rviz.iter().map(|topic| topic.trim_start_matches('/'));
    let shown: BTreeSet<&str> = of_layout.chain(of_rviz).collect();
    assert!(shown.len() >= 8, "{shown:?}");
    for topic in shown.iter().filter(|topic| **topic != "robot_description") {
        assert!(opened.contains(&format!("| `/{topic}` |")), "/{topic} is opened by nobody");
    }
    for topic in [
        "joint_states",
        "command",
        "intervention",
        "diagnostics",
        "plan_markers",
        "front/image_raw/compressed",
    ] {
        assert!(shown.contains(topic), "{topic} is not shown");
    }
    let panels = layout["configById"].as_object().context("panels")?;
    assert!(
        panels.keys().all(|panel| layout["layout"].to_string().contains(panel.as_str())),
        "a panel is nowhere"
    );
    Ok(())
}
