"""Writes messages.jsonl: bytes and type hashes of every message we have, as `rosbags` makes them.

`rosbags` is an implementation of ROS 2 serialization that shares nothing with ours. Its own definitions (of ROS 2
Jazzy) are used for the standard types; ours are read from `msg/` and `srv/`. How to run it: see README.md beside it.
"""

import json
import sys
from pathlib import Path

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

STANDARD = """
builtin_interfaces: Time Duration
std_msgs: Header ColorRGBA Empty Bool Float64 String MultiArrayDimension MultiArrayLayout Float64MultiArray
rosgraph_msgs: Clock
service_msgs: ServiceEventInfo
geometry_msgs: Vector3 Point Quaternion Pose PoseStamped Twist TwistStamped Wrench WrenchStamped Transform TransformStamped
tf2_msgs: TFMessage
sensor_msgs: JointState Image CompressedImage RegionOfInterest CameraInfo Joy Imu
trajectory_msgs: JointTrajectoryPoint JointTrajectory
visualization_msgs: UVCoordinate MeshFile Marker MarkerArray
diagnostic_msgs: KeyValue DiagnosticStatus DiagnosticArray
rcl_interfaces: ParameterType ParameterValue Parameter FloatingPointRange IntegerRange ParameterDescriptor SetParametersResult ListParametersResult ParameterEvent Log
lifecycle_msgs: State Transition TransitionDescription TransitionEvent
rmw_dds_common: Gid NodeEntitiesInfo ParticipantEntitiesInfo
"""

# `rosbags` ships no services, so their fields stand here.
SERVICES = {
    "std_srvs/srv/Trigger": "---\nbool success\nstring message\n",
    "std_srvs/srv/SetBool": "bool data\n---\nbool success\nstring message\n",
    "std_srvs/srv/Empty": "---\n",
    "rcl_interfaces/srv/DescribeParameters": "string[] names\n---\nrcl_interfaces/ParameterDescriptor[] descriptors\n",
    "rcl_interfaces/srv/GetParameters": "string[] names\n---\nrcl_interfaces/ParameterValue[] values\n",
    "rcl_interfaces/srv/GetParameterTypes": "string[] names\n---\nuint8[] types\n",
    "rcl_interfaces/srv/ListParameters": "string[] prefixes\nuint64 depth\n---\nrcl_interfaces/ListParametersResult result\n",
    "rcl_interfaces/srv/SetParameters": "rcl_interfaces/Parameter[] parameters\n---\nrcl_interfaces/SetParametersResult[] results\n",
    "rcl_interfaces/srv/SetParametersAtomically": "rcl_interfaces/Parameter[] parameters\n---\nrcl_interfaces/SetParametersResult result\n",
    "lifecycle_msgs/srv/ChangeState": "lifecycle_msgs/Transition transition\n---\nbool success\n",
    "lifecycle_msgs/srv/GetState": "---\nlifecycle_msgs/State current_state\n",
    "lifecycle_msgs/srv/GetAvailableStates": "---\nlifecycle_msgs/State[] available_states\n",
    "lifecycle_msgs/srv/GetAvailableTransitions": "---\nlifecycle_msgs/TransitionDescription[] available_transitions\n",
}

# What tests/golden_messages.rs expects field by field; every other message is filled by `fill`.
STAMP = {"sec": 1_700_000_000, "nanosec": 123_456_789}
SAID = {
    "sensor_msgs/msg/JointState": {
        "header": {"stamp": STAMP, "frame_id": "base"},
        "name": ["shoulder", "elbow", "händ"],
        "position": [0.5, -1.25, 3.0],
        "velocity": [],
        "effort": [1e-300],
    },
    "sensor_msgs/msg/Image": {
        "header": {"stamp": STAMP, "frame_id": "camera"},
        "height": 1, "width": 2, "encoding": "rgb8", "is_bigendian": 0, "step": 6,
        "data": [1, 2, 3, 253, 254, 255],
    },
    "diagnostic_msgs/msg/DiagnosticArray": {
        "header": {"stamp": STAMP, "frame_id": ""},
        "status": [{"level": 1, "name": "arm", "message": "warm", "hardware_id": "",
                    "values": [{"key": "motor", "value": "61"}]}],
    },
    "trajectory_msgs/msg/JointTrajectory": {
        "header": {"stamp": STAMP, "frame_id": ""},
        "joint_names": ["a"],
        "points": [{"positions": [1.0], "velocities": [2.0, 3.0], "accelerations": [], "effort": [],
                    "time_from_start": {"sec": -1, "nanosec": 5}}],
    },
    "apprentice/msg/Recording": {
        "header": {"stamp": STAMP, "frame_id": ""},
        "state": 1, "path": "/bags/episode_0007", "episode": 7, "seconds": 2.5, "bytes": 1 << 40,
        "streams": [{"topic": "/joint_states", "type": "sensor_msgs/msg/JointState", "rate_hz": 499.5,
                     "expected_hz": 500.0, "age_ms": 2.0, "received": 1249, "lost": 1, "alarm": "slow"}],
    },
}


def service_types(name, text):
    """A service as ROS 2 hashes it: request, response, event, and the three in one."""
    package = name.split("/")[0]
    request, response = text.split("---\n")
    event = (f"service_msgs/ServiceEventInfo info\n{package}/Request[<=1] request\n"
             f"{package}/Response[<=1] response\n")
    whole = f"{package}/Request request_message\n{package}/Response response_message\n{package}/Event event_message\n"
    types = {}
    for part, lines in (("_Request", request), ("_Response", response), ("_Event", event), ("", whole)):
        key = f"{package}/msg/Any"
        constants, fields = get_types_from_msg(lines, key)[key]
        types[name + part] = (constants, [(field, renamed(kind, name)) for field, kind in fields])
    return types


def renamed(kind, service):
    """`rosbags` knows no folder `srv`; the parts of a service are put back there."""
    node, rest = kind
    if node == Nodetype.NAME and rest.split("/")[-1] in ("Request", "Response", "Event"):
        return (node, f"{service}_{rest.split('/')[-1]}")
    if node in (Nodetype.ARRAY, Nodetype.SEQUENCE):
        return (node, (renamed(rest[0], service), rest[1]))
    return kind


def without_char(kind):
    """rosidl makes `uint8` of `char` before it hashes; `rosbags` does not."""
    node, rest = kind
    if node == Nodetype.BASE:
        return (node, ("uint8", 0)) if rest[0] == "char" else kind
    if node in (Nodetype.ARRAY, Nodetype.SEQUENCE):
        return (node, (without_char(rest[0]), rest[1]))
    return kind


class Filler:
    """Makes a message of a type, every field different from the last."""

    def __init__(self, store):
        self.store = store
        self.count = 0

    def scalar(self, base):
        self.count += 1
        name, n = base[0], self.count
        if name == "string":
            return f"nº {n}" + "x" * (n % 7)
        if name == "bool":
            return n % 2 == 1
        if name.startswith("float"):
            return n * -0.75
        if name in ("byte", "char", "uint8"):
            return n * 37 % (128 if name == "byte" else 256)  # `rosbags` has a signed byte
        bits = int(name.lstrip("uint"))
        return n * 40_503 % (1 << (bits - 1)) * (-1 if name[0] == "i" and n % 2 else 1)

    def value(self, kind, said):
        node, rest = kind
        if node == Nodetype.BASE:
            return self.scalar(rest) if said is None else said
        if node == Nodetype.NAME:
            return self.message(rest, said)
        element, bound = rest
        if said is None:
            self.count += 1
            size = bound if node == Nodetype.ARRAY else min(bound or 9, self.count % 4)
            said = [None] * size
        values = [self.value(element, one) for one in said]
        if element[0] == Nodetype.NAME or element[1][0] == "string":
            return values
        name = {"byte": "uint8", "char": "uint8", "bool": "bool"}.get(element[1][0], element[1][0])
        return np.array(values, dtype=name)

    def message(self, type_name, said):
        fields = self.store.fielddefs[type_name][1]
        said = dict(said or {})
        # The member that rosidl gives an empty message is zero.
        said |= {name: 0 for name, _ in fields if name == "structure_needs_at_least_one_member"}
        values = [self.value(kind, said.get(name)) for name, kind in fields]
        return self.store.types[type_name](*values)


def main():
    store, hashes = get_typestore(Stores.ROS2_JAZZY), get_typestore(Stores.ROS2_JAZZY)
    own = {}
    for path in sorted((ROOT / "msg").glob("*.msg")):
        own |= get_types_from_msg(path.read_text(), f"apprentice/msg/{path.stem}")
    names = [f"{line.split(':')[0]}/msg/{name}" for line in STANDARD.split("\n") if line
             for name in line.split(":")[1].split()] + sorted(own)
    texts = SERVICES | {f"apprentice/srv/{path.stem}": path.read_text()
                        for path in sorted((ROOT / "srv").glob("*.srv"))}
    for name, text in texts.items():
        own |= service_types(name, text)
        names += [f"{name}_Request", f"{name}_Response", name]
    store.register(own)
    for name, (_, fields) in (hashes.fielddefs | own).items():
        hashes.fielddefs[name] = ([], [(field, without_char(kind)) for field, kind in fields])

    filler = Filler(store)
    with open(HERE / "messages.jsonl", "w", encoding="utf-8") as out:
        for name in names:
            line = {"type": name, "hash": hashes.hash_rihs01(name)}
            if name not in texts:
                message = filler.message(name, SAID.get(name))
                line["little"] = bytes(store.serialize_cdr(message, name)).hex()
                line["big"] = bytes(store.serialize_cdr(message, name, little_endian=False)).hex()
            out.write(json.dumps(line) + "\n")
    print(f"{len(names)} types", file=sys.stderr)


if __name__ == "__main__":
    main()
