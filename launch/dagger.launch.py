"""A policy acts, a person corrects it, and both are recorded: what `apprentice train` learns from in the next round.

`ros2 launch apprentice dagger.launch.py robot:=so101 checkpoint:=runs/fold device_of_person:=joy`. Who drove at every tick is in the bag.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

SHARE = get_package_share_directory("apprentice")
COMMON = ["robot", "config", "namespace", "use_sim_time", "log_level", "autostart"]
# Beside what the robot's file names: what left, who drove, and what the person wanted. Corrections are learned from these.
LEARNED = ["command", "intervention", "expert/command"]
ARGUMENTS = [
    DeclareLaunchArgument("robot", default_value="so101", description="Robot: the name of a file in the package's config/"),
    DeclareLaunchArgument("config", default_value="", description="Robot's file, by its path, instead of `robot`; several with commas"),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the nodes; relative topics are under it"),
    DeclareLaunchArgument("use_sim_time", default_value="false", choices=["true", "false"], description="Whether time is what /clock says"),
    DeclareLaunchArgument("bag_dir", default_value="corrections", description="Folder of episodes; new ones are numbered on after the last"),
    DeclareLaunchArgument("checkpoint", description="A run's folder, of which the best checkpoint is taken, or a checkpoint"),
    DeclareLaunchArgument("device", default_value="cpu", description="Where the policy computes: cpu, cuda, cuda:1"),
    DeclareLaunchArgument("device_of_person", default_value="joy", choices=["joy", "leader"], description="With what a person takes over"),
    DeclareLaunchArgument("log_level", default_value="info", choices=["debug", "info", "warn", "error"], description="From which level on is logged"),
    DeclareLaunchArgument("autostart", default_value="false", choices=["true", "false"], description="Whether recorder and policy begin by themselves"),
]


def include(file, names, **more):
    source = PythonLaunchDescriptionSource(str(Path(SHARE, "launch", file)))
    said = [(name, LaunchConfiguration(name)) for name in names]
    return IncludeLaunchDescription(source, launch_arguments=[*said, *more.items()])


def teleop(context):
    said = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in ARGUMENTS}
    beside = Path(SHARE, "config", said["robot"] + ".yaml")
    files = said["config"].split(",") if said["config"] else [str(beside)]
    return [
        Node(
            package="apprentice",
            executable="teleop",
            name="teleop",
            namespace=said["namespace"],
            output="screen",
            arguments=[said["device_of_person"], "--no-keys", *(word for file in files for word in ("--config", file))],
            parameters=[{"use_sim_time": said["use_sim_time"] == "true"}],
            ros_arguments=["--log-level", said["log_level"]],
        )
    ]


def generate_launch_description():
    return LaunchDescription(
        [
            *ARGUMENTS,
            include("record.launch.py", [*COMMON, "bag_dir"], topics=",".join(LEARNED)),
            include("run.launch.py", [*COMMON, "checkpoint", "device"]),
            OpaqueFunction(function=teleop),
        ]
    )
