"""Writes a bag with PyPI rosbags and prints what is in it, one JSON value a line: topic, time and bytes.

usage: write_bag.py FOLDER mcap|sqlite3 VERSION none|storage
"""

import json
import sys

import numpy
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

folder, storage, version, compression = sys.argv[1:]
store = get_typestore(Stores.ROS2_JAZZY)
types = store.types
forever = QosTime(9223372036, 854775807)
sensor = Qos(
    QosHistory.KEEP_LAST, 5, QosReliability.BEST_EFFORT, QosDurability.VOLATILE,
    forever, forever, QosLiveliness.AUTOMATIC, forever, False,
)


def joints(n, stamp):
    header = types["std_msgs/msg/Header"](stamp, "arm")
    values = numpy.arange(6, dtype=numpy.float64) + n
    nothing = numpy.array([], dtype=numpy.float64)
    names = [f"joint_{at}" for at in range(6)]
    return types["sensor_msgs/msg/JointState"](header, names, values, nothing, nothing)


def text(n):
    return types["std_msgs/msg/String"](f"line {n}")


writer = Writer(folder, version=int(version), storage_plugin=StoragePlugin[storage.upper()])
if compression == "storage":
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
writer.set_custom_data("task", "pick: and place")
with writer:
    state = writer.add_connection(
        "/joint_states", "sensor_msgs/msg/JointState", typestore=store, offered_qos_profiles=[sensor]
    )
    spoken = writer.add_connection("/said", "std_msgs/msg/String", typestore=store)
    for n in range(50):
        time = 1_700_000_000_000_000_000 + n * 10_000_000
        stamp = types["builtin_interfaces/msg/Time"](time // 10**9, time % 10**9)
        for connection, value in ((state, joints(n, stamp)), (spoken, text(n))):
            data = bytes(store.serialize_cdr(value, connection.msgtype))
            writer.write(connection, time, data)
            print(json.dumps({"topic": connection.topic, "time": time, "cdr": data.hex()}))
