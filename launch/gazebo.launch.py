"""The arm in Gazebo, behind the topics of a real one: `ros2 launch apprentice gazebo.launch.py gui:=false`.

What drives and records it is launched beside it, with `use_sim_time:=true`. Things are put back by the service /world/pick/set_pose: a reset
of the whole world takes away the arm, which came after the world began, and turns back a time that everybody lives by.
"""

import shlex
import xml.etree.ElementTree as xml
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

COMMANDED = ["forward_position_controller", "joint_trajectory_controller"]
LEVELS = ["debug", "info", "warn", "error"]
ARGUMENTS = [
    DeclareLaunchArgument("world", default_value="pick", description="World: the name of a file in the package's gazebo/, or the path of an SDF file"),
    DeclareLaunchArgument("controller", default_value="forward_position_controller", choices=COMMANDED, description="Which controller is commanded; the other one is loaded and inactive"),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the nodes, and of the arm's topics; those of time and of the world are not under it"),
    DeclareLaunchArgument("use_sim_time", default_value="true", choices=["true", "false"], description="Whether time is what /clock says, as it is for the controllers in any case"),
    DeclareLaunchArgument("gui", default_value="true", choices=["true", "false"], description="Whether Gazebo shows its window; without one its cameras need no display"),
    DeclareLaunchArgument("log_level", default_value="info", choices=LEVELS, description="From which level on is logged"),
    DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"], description="Whether RViz shows joints and cameras"),
    DeclareLaunchArgument("autostart", default_value="true", choices=["true", "false"], description="Whether time passes from the start, or from when /world/pick/control or Gazebo's window lets it"),
]


def description(share, namespace):
    """The arm's description, with what Gazebo needs of it beside that."""
    arm = xml.parse(share / "urdf" / "sim_arm.urdf").getroot()
    more = xml.parse(share / "gazebo" / "sim_arm.xml").getroot()
    plugin = more.find("gazebo/plugin")
    controllers = plugin.find("parameters")
    controllers.text = str(share / "gazebo" / controllers.text)
    if namespace:
        xml.SubElement(xml.SubElement(plugin, "ros"), "namespace").text = namespace
    arm.extend(more)
    return xml.tostring(arm, encoding="unicode")


def gazebo(said, world):
    words = ["-v", str(4 - LEVELS.index(said["log_level"]))]
    words += ["-r"] if said["autostart"] == "true" else []
    words += [] if said["gui"] == "true" else ["-s", "--headless-rendering"]
    source = Path(get_package_share_directory("ros_gz_sim"), "launch", "gz_sim.launch.py")
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(source)),
        launch_arguments=[("gz_args", shlex.join([*words, str(world)])), ("on_exit_shutdown", "true")],
    )


def spawner(said, names, *options):
    if said["autostart"] == "false":
        # Nothing becomes active before time passes, however long that may be.
        options += ("--switch-timeout", "86400", "--service-call-timeout", "86400")
    manager = "/".join(["", *filter(None, said["namespace"].split("/")), "controller_manager"])
    return Node(
        package="controller_manager",
        executable="spawner",
        output="screen",
        arguments=[*names, "--controller-manager", manager, *options],
        ros_arguments=["--log-level", said["log_level"]],
    )


def then(before, after):
    return RegisterEventHandler(OnProcessExit(target_action=before, on_exit=[after]))


def actions(context):
    said = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in ARGUMENTS}
    share = Path(get_package_share_directory("apprentice"))
    inside = share / "gazebo" / (said["world"] + ".sdf")
    world = inside if inside.is_file() else Path(said["world"]).resolve()
    name = xml.parse(world).find("world").get("name")
    sim_time = {"use_sim_time": said["use_sim_time"] == "true"}
    common = {"namespace": said["namespace"], "output": "screen", "ros_arguments": ["--log-level", said["log_level"]]}

    # Gazebo asks this one for the description too, and stands still until it answers.
    text = ParameterValue(description(share, said["namespace"]), value_type=str)
    state = Node(package="robot_state_publisher", executable="robot_state_publisher", name="robot_state_publisher", parameters=[sim_time, {"robot_description": text}], **common)
    # Which world is not said: only then it waits for Gazebo for as long as that takes.
    create = Node(package="ros_gz_sim", executable="create", name="create", arguments=["-topic", "robot_description", "-name", "sim_arm"], **common)
    bridge = Node(package="ros_gz_bridge", executable="parameter_bridge", name="bridge", parameters=[{"config_file": str(share / "gazebo" / "bridge.yaml")}], **common)
    # A process of its own: pictures shall go on where a bridge is too old for one of these.
    services = [f"/world/{name}/set_pose@ros_gz_interfaces/srv/SetEntityPose", f"/world/{name}/control@ros_gz_interfaces/srv/ControlWorld"]
    asked = Node(package="ros_gz_bridge", executable="parameter_bridge", name="world_bridge", arguments=services, **common)
    active = spawner(said, ["joint_state_broadcaster", said["controller"]])
    inactive = spawner(said, [other for other in COMMANDED if other != said["controller"]], "--inactive")
    shown = Node(package="rviz2", executable="rviz2", name="rviz", arguments=["-d", str(share / "rviz" / "apprentice.rviz")], parameters=[sim_time], **common)
    # One after the other: there are no controllers before there is an arm.
    started = [gazebo(said, world), state, create, bridge, asked, then(create, active), then(active, inactive)]
    return [*started, shown] if said["rviz"] == "true" else started


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=actions)])
