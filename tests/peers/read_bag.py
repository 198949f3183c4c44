"""Reads a bag with software that is not ours and prints what it found, one JSON value a line.

usage: read_bag.py rosbags FOLDER     (PyPI rosbags)
       read_bag.py mcap FILE          (PyPI mcap and mcap-ros2-support)

The first line is about the bag, every further line about one message, with a field of its decoded value.
"""

import hashlib
import json
import sys
from pathlib import Path


def message(topic, type_name, time, sent, data, value):
    told = {"topic": topic, "type": type_name, "time": time, "sent": sent}
    told["sha256"] = hashlib.sha256(data).hexdigest()
    if hasattr(value, "position"):
        told["names"] = list(value.name)
        told["positions"] = [float(position) for position in value.position]
    else:
        told["size"] = [value.width, value.height]
    print(json.dumps(told))


def with_rosbags(folder):
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_HUMBLE)
    with AnyReader([Path(folder)], default_typestore=store) as reader:
        inner = reader.readers[0]
        topics = {
            connection.topic: {
                "type": connection.msgtype,
                "count": connection.msgcount,
                "hash": connection.digest,
                "definition": len(connection.msgdef.data),
                "reliability": [profile.reliability.name for profile in connection.ext.offered_qos_profiles],
                "depth": [profile.depth for profile in connection.ext.offered_qos_profiles],
            }
            for connection in reader.connections
        }
        about = {"messages": inner.message_count, "start": inner.start_time, "topics": topics}
        about["custom"] = inner.storage.metadata.custom
        about["distro"] = inner.ros_distro
        print(json.dumps(about))
        for connection, time, data in reader.messages():
            value = reader.deserialize(data, connection.msgtype)
            message(connection.topic, connection.msgtype, time, None, bytes(data), value)


def with_mcap(file):
    from mcap.reader import make_reader
    from mcap_ros2.decoder import DecoderFactory

    with open(file, "rb") as stream:
        reader = make_reader(stream, validate_crcs=True, decoder_factories=[DecoderFactory()])
        summary = reader.get_summary()
        channels = {
            channel.topic: {"encoding": channel.message_encoding, "about": channel.metadata}
            for channel in summary.channels.values()
        }
        about = {"profile": reader.get_header().profile, "messages": summary.statistics.message_count}
        about["chunks"] = [chunk.compression for chunk in summary.chunk_indexes]
        about["channels"] = channels
        about["schemas"] = sorted([schema.name, schema.encoding] for schema in summary.schemas.values())
        about["notes"] = {record.name: record.metadata for record in reader.iter_metadata()}
        print(json.dumps(about))
        for schema, channel, record, value in reader.iter_decoded_messages():
            message(channel.topic, schema.name, record.log_time, record.publish_time, record.data, value)


if __name__ == "__main__":
    {"rosbags": with_rosbags, "mcap": with_mcap}[sys.argv[1]](sys.argv[2])
