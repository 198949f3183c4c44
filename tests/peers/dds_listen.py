"""Listens to a camera and an arm over Cyclone DDS and checks what comes.

Every message must be the one that `dds_types` makes, except for its number in `header.frame_id` and its stamp. It
listens until it has heard as many of each as it was told to expect, or until time is up, and prints one line of JSON:
how many came, how many of them were wrong, and how many were out of order.
"""

import argparse
import json
import time

from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

import dds_types


class Stream:
    def __init__(self, participant, qos, name, expected):
        self.name = name
        self.expected = expected
        self.reader = DataReader(participant, Topic(participant, "rt" + name, type(expected)), qos)
        self.heard, self.wrong, self.disordered, self.next = 0, 0, 0, 0

    def take(self):
        for message in self.reader.take(N=50):
            number = int(message.header.frame_id)
            self.disordered += number != self.next
            self.next = number + 1
            self.heard += 1
            self.wrong += not self.is_right(message)

    def is_right(self, message):
        header, message.header = message.header, self.expected.header
        message_data = getattr(message, "data", None)
        if message_data is not None:
            message.data = bytes(message_data)
        return header.stamp.sec > 0 and message == self.expected


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domain", type=int, default=0)
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--joint-states", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--best-effort", action="store_true")
    arguments = parser.parse_args()

    reliability = Policy.Reliability.BestEffort if arguments.best_effort else Policy.Reliability.Reliable(duration(seconds=1))
    # Deep, because Python takes longer over one image than fifty joint states take to come.
    qos = Qos(reliability, Policy.Durability.Volatile, Policy.History.KeepLast(10_000))
    participant = DomainParticipant(arguments.domain)
    camera = Stream(participant, qos, "/camera_0/image_raw", dds_types.image("", 640, 480))
    arm = Stream(participant, qos, "/arm_0/joint_states", dds_types.joint_state(""))
    deadline = time.monotonic() + arguments.seconds
    while (camera.heard < arguments.images or arm.heard < arguments.joint_states) and time.monotonic() < deadline:
        camera.take()
        arm.take()
        time.sleep(0.002)
    print(json.dumps({stream.name: {"heard": stream.heard, "wrong": stream.wrong, "disordered": stream.disordered}
                      for stream in (camera, arm)}), flush=True)


if __name__ == "__main__":
    main()
