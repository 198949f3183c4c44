"""Record demonstrations of a robot into bags: `ros2 launch apprentice record.launch.py robot:=so101 bag_dir:=demos`.

The robot's file says what is recorded; what is said here are the arguments that an operator changes from day to day.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

ARGUMENTS = [
    DeclareLaunchArgument("robot", default_value="so101", description="Robot: the name of a file in the package's config/"),
    DeclareLaunchArgument("config", default_value="", description="Robot's file, by its path, instead of `robot`; several with commas"),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node; relative topics are under it"),
    DeclareLaunchArgument("use_sim_time", default_value="false", choices=["true", "false"], description="Whether time is what /clock says"),
    DeclareLaunchArgument("bag_dir", default_value="demos", description="Folder of episodes; new ones are numbered on after the last"),
    DeclareLaunchArgument("topics", default_value="", description="More topics than the robot's file names, separated by commas"),
    DeclareLaunchArgument("task", default_value="", description="What is shown, noted in every bag"),
    DeclareLaunchArgument("log_level", default_value="info", choices=["debug", "info", "warn", "error"], description="From which level on is logged"),
    DeclareLaunchArgument("autostart", default_value="true", choices=["true", "false"], description="Whether an episode begins by itself, or at /recorder/start or by `ros2 lifecycle set`"),
]


def nodes(context):
    said = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in ARGUMENTS}
    beside = Path(get_package_share_directory("apprentice"), "config", said["robot"] + ".yaml")
    files = said["config"].split(",") if said["config"] else [str(beside)]
    arguments = [word for file in files for word in ("--config", file)] + ["--out", said["bag_dir"], "--no-keys"]
    arguments += [word for topic in filter(None, said["topics"].split(",")) for word in ("--topic", topic)]
    if said["autostart"] == "false":
        arguments.append("--wait")
    return [
        Node(
            package="apprentice",
            executable="recorder",
            name="recorder",
            namespace=said["namespace"],
            output="screen",
            arguments=arguments,
            parameters=[{"use_sim_time": said["use_sim_time"] == "true", "task": said["task"]}],
            ros_arguments=["--log-level", said["log_level"]],
            # A bag of several gigabytes takes its time to be closed.
            sigterm_timeout="60",
        )
    ]


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
