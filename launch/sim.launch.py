"""A simulated arm behind the topics of a real one: `ros2 launch apprentice sim.launch.py world:=reach`.

What drives it is launched beside it: teleop, or run.launch.py with a checkpoint.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

ARGUMENTS = [
    DeclareLaunchArgument("world", default_value="reach", description="World: reach, fork, push, pick, sort"),
    DeclareLaunchArgument("robot", default_value="", description="Robot: the name of a file in the package's config/; where unsaid, the simulated arm"),
    DeclareLaunchArgument("config", default_value="", description="Robot's file, by its path, instead of `robot`; several with commas"),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node; relative topics are under it"),
    DeclareLaunchArgument("rate", default_value="real", choices=["real", "fast", "lockstep"], description="How time passes"),
    DeclareLaunchArgument("cameras", default_value="", description="Cameras, separated by commas, or none; where unsaid, those that the robot's file observes"),
    DeclareLaunchArgument("log_level", default_value="info", choices=["debug", "info", "warn", "error"], description="From which level on is logged"),
    DeclareLaunchArgument("autostart", default_value="true", choices=["true", "false"], description="Whether the next attempt begins by itself, or at /simulator/reset"),
]


def nodes(context):
    said = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in ARGUMENTS}
    beside = Path(get_package_share_directory("apprentice"), "config", said["robot"] + ".yaml")
    files = said["config"].split(",") if said["config"] else [str(beside)] if said["robot"] else []
    arguments = [word for file in files for word in ("--config", file)]
    arguments += ["--world", said["world"], "--rate", said["rate"]]
    if said["cameras"]:
        arguments += ["--cameras", said["cameras"]]
    if said["autostart"] == "true":
        arguments.append("--auto-reset")
    return [
        Node(
            package="apprentice",
            executable="simulator",
            name="simulator",
            namespace=said["namespace"],
            output="screen",
            arguments=arguments,
            ros_arguments=["--log-level", said["log_level"]],
        )
    ]


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
