"""Let a policy act: `ros2 launch apprentice run.launch.py robot:=so101 checkpoint:=runs/fold`.

The robot is held until somebody lets the policy go on, unless `autostart` says otherwise: nothing moves because a file was launched.
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
    DeclareLaunchArgument("checkpoint", description="A run's folder, of which the best checkpoint is taken, or a checkpoint"),
    DeclareLaunchArgument("device", default_value="cpu", description="Where the policy computes: cpu, cuda, cuda:1"),
    DeclareLaunchArgument("apart", default_value="false", choices=["true", "false"], description="Whether thinking and driving are two nodes, policy and gate"),
    DeclareLaunchArgument("log_level", default_value="info", choices=["debug", "info", "warn", "error"], description="From which level on is logged"),
    DeclareLaunchArgument("autostart", default_value="false", choices=["true", "false"], description="Whether the policy drives as soon as it can, or at /policy/resume or by `ros2 lifecycle set`"),
]


def nodes(context):
    said = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in ARGUMENTS}
    beside = Path(get_package_share_directory("apprentice"), "config", said["robot"] + ".yaml")
    files = said["config"].split(",") if said["config"] else [str(beside)]
    config = [word for file in files for word in ("--config", file)]
    thinks = [*config, "--policy", said["checkpoint"], "--device", said["device"], "--no-keys"]
    begins = ["--resume"] if said["autostart"] == "true" else []
    common = {
        "package": "apprentice",
        "namespace": said["namespace"],
        "output": "screen",
        "parameters": [{"use_sim_time": said["use_sim_time"] == "true"}],
        "ros_arguments": ["--log-level", said["log_level"]],
    }
    if said["apart"] == "false":
        return [Node(executable="policy", name="policy", arguments=[*thinks, *begins], **common)]
    return [
        Node(executable="policy", name="policy", arguments=["--only", "policy", *thinks], **common),
        Node(executable="gate", name="gate", arguments=[*config, "--no-keys", *begins], **common),
    ]


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
