"""The ROS 2 messages the DDS peers speak, described to Cyclone DDS as IDL structs.

Cyclone DDS serializes them itself, so that what crosses the wire owes nothing to this crate. Member names and
their order are those of the ROS 2 interface definitions; type names carry the `dds_` that ROS 2 puts into them.
"""

from dataclasses import dataclass, field
from typing import List

from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import array, float64, int32, sequence, uint8, uint32


@dataclass
class Time(IdlStruct, typename="builtin_interfaces.msg.dds_.Time_"):
    sec: int32 = 0
    nanosec: uint32 = 0


@dataclass
class Header(IdlStruct, typename="std_msgs.msg.dds_.Header_"):
    stamp: Time = field(default_factory=Time)
    frame_id: str = ""


@dataclass
class JointState(IdlStruct, typename="sensor_msgs.msg.dds_.JointState_"):
    header: Header = field(default_factory=Header)
    name: sequence[str] = field(default_factory=list)
    position: sequence[float64] = field(default_factory=list)
    velocity: sequence[float64] = field(default_factory=list)
    effort: sequence[float64] = field(default_factory=list)


@dataclass
class Image(IdlStruct, typename="sensor_msgs.msg.dds_.Image_"):
    header: Header = field(default_factory=Header)
    height: uint32 = 0
    width: uint32 = 0
    encoding: str = ""
    is_bigendian: uint8 = 0
    step: uint32 = 0
    data: sequence[uint8] = field(default_factory=list)


@dataclass
class Clock(IdlStruct, typename="rosgraph_msgs.msg.dds_.Clock_"):
    clock: Time = field(default_factory=Time)


@dataclass
class Gid(IdlStruct, typename="rmw_dds_common.msg.dds_.Gid_"):
    data: array[uint8, 16] = field(default_factory=lambda: [0] * 16)


@dataclass
class NodeEntitiesInfo(IdlStruct, typename="rmw_dds_common.msg.dds_.NodeEntitiesInfo_"):
    node_namespace: str = ""
    node_name: str = ""
    reader_gid_seq: sequence[Gid] = field(default_factory=list)
    writer_gid_seq: sequence[Gid] = field(default_factory=list)


@dataclass
class ParticipantEntitiesInfo(IdlStruct, typename="rmw_dds_common.msg.dds_.ParticipantEntitiesInfo_"):
    gid: Gid = field(default_factory=Gid)
    node_entities_info_seq: sequence[NodeEntitiesInfo] = field(default_factory=list)


JOINTS: List[str] = [f"joint_{number}" for number in range(14)]


def joint_state(frame_id: str) -> JointState:
    """Fourteen joints whose values tell which they are."""
    values = [0.1 * number for number in range(len(JOINTS))]
    return JointState(Header(Time(), frame_id), JOINTS, values, [-value for value in values], [])


def image(frame_id: str, width: int, height: int) -> Image:
    """An image in which every pixel tells where it is."""
    pixels = bytes(at * 7 % 251 for at in range(width * height * 3))
    return Image(Header(Time(), frame_id), height, width, "rgb8", 0, width * 3, pixels)
