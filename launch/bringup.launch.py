"""What stands beside a robot: the recorder, a policy where there is a checkpoint, and RViz where it is wanted.

`ros2 launch apprentice bringup.launch.py robot:=so101 checkpoint:=runs/fold rviz:=true`. The robot's own driver is launched by its own
package; nothing here moves before somebody says so.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PythonExpression
from launch_ros.actions import Node

SHARE = get_package_share_directory("apprentice")
COMMON = ["robot", "config", "namespace", "use_sim_time", "log_level", "autostart"]
ARGUMENTS = [
    DeclareLaunchArgument("robot", default_value="so101", description="Robot: the name of a file in the package's config/"),
    DeclareLaunchArgument("config", default_value="", description="Robot's file, by its path, instead of `robot`; several with commas"),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the nodes; relative topics are under it"),
    DeclareLaunchArgument("use_sim_time", default_value="false", choices=["true", "false"], description="Whether time is what /clock says"),
    DeclareLaunchArgument("bag_dir", default_value="demos", description="Folder of episodes; new ones are numbered on after the last"),
    DeclareLaunchArgument("checkpoint", default_value="", description="A run's folder or a checkpoint; where unsaid, no policy is launched"),
    DeclareLaunchArgument("device", default_value="cpu", description="Where the policy computes: cpu, cuda, cuda:1"),
    DeclareLaunchArgument("log_level", default_value="info", choices=["debug", "info", "warn", "error"], description="From which level on is logged"),
    DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"], description="Whether RViz shows joints and cameras"),
    DeclareLaunchArgument("autostart", default_value="false", choices=["true", "false"], description="Whether recorder and policy begin by themselves"),
]


def include(file, names, **more):
    source = PythonLaunchDescriptionSource(str(Path(SHARE, "launch", file)))
    return IncludeLaunchDescription(source, launch_arguments=[(name, LaunchConfiguration(name)) for name in names], **more)


def generate_launch_description():
    acts = IfCondition(PythonExpression(["'", LaunchConfiguration("checkpoint"), "' != ''"]))
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        name="rviz",
        namespace=LaunchConfiguration("namespace"),
        parameters=[{"use_sim_time": LaunchConfiguration("use_sim_time")}],
        arguments=["-d", str(Path(SHARE, "rviz", "apprentice.rviz"))],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    return LaunchDescription(
        [
            *ARGUMENTS,
            include("record.launch.py", [*COMMON, "bag_dir"]),
            include("run.launch.py", [*COMMON, "checkpoint", "device"], condition=acts),
            rviz,
        ]
    )
