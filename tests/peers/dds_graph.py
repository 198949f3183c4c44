"""Reads `ros_discovery_info` as `ros2 node info` does, until a node says that it publishes a topic.

It says of itself what a newer ROS 2 than Humble would, so that it is answered in that dialect. The node's name and the writer's come from different places, the message and DDS's own discovery; that they fit
together is what is checked. It prints both as JSON.
"""

import argparse
import json
import sys
import time

from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication
from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

import dds_types

QOS = Qos(Policy.Reliability.Reliable(duration(seconds=1)), Policy.Durability.TransientLocal, Policy.History.KeepLast(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domain", type=int, default=0)
    parser.add_argument("--node", required=True)
    parser.add_argument("--publishes", required=True)
    parser.add_argument("--seconds", type=float, default=40.0)
    arguments = parser.parse_args()

    participant = DomainParticipant(arguments.domain)
    graph = Topic(participant, "ros_discovery_info", dds_types.ParticipantEntitiesInfo)
    said, saying = DataReader(participant, graph, QOS), DataWriter(participant, graph, QOS)
    itself = dds_types.Gid(list(participant.guid.bytes))
    node = dds_types.NodeEntitiesInfo("/", "listener", [], [])
    saying.write(dds_types.ParticipantEntitiesInfo(itself, [node]))
    publications = BuiltinDataReader(participant, BuiltinTopicDcpsPublication)
    writers, nodes = {}, {}
    deadline = time.monotonic() + arguments.seconds
    while time.monotonic() < deadline:
        for publication in publications.take(N=100):
            writers[publication.key.bytes] = publication.topic_name
        for participant_info in said.take(N=100):
            for node in participant_info.node_entities_info_seq:
                name = node.node_namespace.rstrip("/") + "/" + node.node_name
                nodes[name] = [bytes(gid.data) for gid in node.writer_gid_seq]
        if arguments.publishes in [writers.get(gid) for gid in nodes.get(arguments.node, [])]:
            print(json.dumps({"node": arguments.node, "publishes": arguments.publishes}), flush=True)
            return
        time.sleep(0.05)
    sys.exit(f"nodes {sorted(nodes)}, writers {sorted(writers.values())}")


if __name__ == "__main__":
    main()
