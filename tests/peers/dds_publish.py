"""Publishes numbered images and joint states over Cyclone DDS, at a rate, for a while.

Each message carries its number in `header.frame_id` ("00000041") and the time of sending in `header.stamp`, so that
whoever receives can tell order and completeness. A message is serialized once; after that only its number and time
are patched into the bytes, so that at 110 MB/s the publisher is not what is measured. With `--wait` it begins when
every writer has a reader. At the end it prints one line of JSON: topic by topic, how many it sent.
"""

import argparse
import heapq
import json
import struct
import sys
import time

from cyclonedds._clayer import ddspy_write
from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.pub import DataWriter
from cyclonedds.topic import Topic
from cyclonedds.util import duration

import dds_types

FIRST = "00000000"


class Stream:
    """One topic with its bytes, sent again and again under new numbers."""

    def __init__(self, participant, qos, name, message, rate_hz):
        topic = Topic(participant, "rt" + name, type(message))
        self.name = name
        self.writer = DataWriter(participant, topic, qos)
        self.message = bytearray(message.serialize(use_version_2=False))
        self.message += bytes(-len(self.message) % 4)
        self.number_at = self.message.index(FIRST.encode())
        self.period = 1.0 / rate_hz
        self.sent = 0

    def send(self):
        now = time.time_ns()
        struct.pack_into("<iI", self.message, 4, now // 1_000_000_000, now % 1_000_000_000)
        self.message[self.number_at:self.number_at + 8] = b"%08d" % self.sent
        if ddspy_write(self.writer._ref, bytes(self.message)) < 0:
            sys.exit(f"{self.name}: write failed")
        self.sent += 1

    def matched(self):
        return bool(self.writer.get_matched_subscriptions())


def streams(arguments, participant):
    reliability = Policy.Reliability.BestEffort if arguments.best_effort else Policy.Reliability.Reliable(duration(seconds=10))
    policies = [reliability, Policy.Durability.Volatile, Policy.History.KeepLast(arguments.depth)]
    if arguments.type_hash:
        policies.append(Policy.Userdata(data=f"typehash={arguments.type_hash};".encode()))
    qos = Qos(*policies)
    for number in range(arguments.cameras):
        message = dds_types.image(FIRST, arguments.width, arguments.height)
        yield Stream(participant, qos, f"/camera_{number}/image_raw", message, arguments.rate)
    for number in range(arguments.joints):
        yield Stream(participant, qos, f"/arm_{number}/joint_states", dds_types.joint_state(FIRST), arguments.joint_rate)


def announce(participant, node, streams):
    """Says on `ros_discovery_info` that `node` has the streams' writers; what it returns keeps saying it."""
    namespace, name = node.rsplit("/", 1)
    qos = Qos(Policy.Reliability.Reliable(duration(seconds=1)), Policy.Durability.TransientLocal, Policy.History.KeepLast(1))
    writer = DataWriter(participant, Topic(participant, "ros_discovery_info", dds_types.ParticipantEntitiesInfo), qos)
    gids = [dds_types.Gid(list(stream.writer.guid.bytes)) for stream in streams]
    info = dds_types.NodeEntitiesInfo(namespace or "/", name, [], gids)
    writer.write(dds_types.ParticipantEntitiesInfo(dds_types.Gid(list(participant.guid.bytes)), [info]))
    return writer


def publish(streams, seconds):
    start = time.monotonic()
    due = [(start + stream.period * place / len(streams), place) for place, stream in enumerate(streams)]
    heapq.heapify(due)
    while due[0][0] < start + seconds:
        at, place = due[0]
        wait = at - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        streams[place].send()
        heapq.heapreplace(due, (at + streams[place].period, place))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domain", type=int, default=0)
    parser.add_argument("--cameras", type=int, default=1)
    parser.add_argument("--rate", type=float, default=30.0)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--joints", type=int, default=1)
    parser.add_argument("--joint-rate", type=float, default=500.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--depth", type=int, default=50)
    parser.add_argument("--best-effort", action="store_true")
    parser.add_argument("--node", help="the full name of the ROS 2 node to pass for")
    parser.add_argument("--type-hash", help="what every writer announces as the hash of its type, as rmw does")
    parser.add_argument("--wait", type=float, default=0.0, help="seconds to wait for a reader on every topic")
    arguments = parser.parse_args()

    participant = DomainParticipant(arguments.domain)
    open_streams = list(streams(arguments, participant))
    announcement = arguments.node and announce(participant, arguments.node, open_streams)
    deadline = time.monotonic() + arguments.wait
    while arguments.wait and not all(stream.matched() for stream in open_streams):
        if time.monotonic() > deadline:
            sys.exit("nobody subscribed in time: " + ", ".join(s.name for s in open_streams if not s.matched()))
        time.sleep(0.05)
    publish(open_streams, arguments.seconds)
    if not arguments.best_effort:
        for stream in open_streams:
            if stream.matched():
                stream.writer.wait_for_acks(duration(seconds=10))
    print(json.dumps({stream.name: stream.sent for stream in open_streams}), flush=True)


if __name__ == "__main__":
    main()
