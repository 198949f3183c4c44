"""A service of ROS 2 spoken by Cyclone DDS: `serve` answers std_srvs/srv/SetBool, `call` asks it.

Requests and replies carry the sixteen bytes in front by which ROS 2 on Cyclone DDS tells which reply belongs to which
request. `serve` answers `calls` requests with "on" or "off" and ends; `call` makes that many calls, alternating, and
prints the answers as JSON.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass

from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import int64, uint64
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration


@dataclass
class Request(IdlStruct, typename="std_srvs.srv.dds_.SetBool_Request_"):
    client: uint64
    number: int64
    data: bool


@dataclass
class Reply(IdlStruct, typename="std_srvs.srv.dds_.SetBool_Response_"):
    client: uint64
    number: int64
    success: bool
    message: str


QOS = Qos(Policy.Reliability.Reliable(duration(seconds=1)), Policy.Durability.Volatile, Policy.History.KeepLast(10))
CLIENT = 0x1122334455667788


def until(deadline, take):
    while time.monotonic() < deadline:
        found = take()
        if found:
            return found
        time.sleep(0.005)
    sys.exit("waited in vain")


def serve(participant, name, calls, deadline):
    requests = DataReader(participant, Topic(participant, f"rq{name}Request", Request), QOS)
    replies = DataWriter(participant, Topic(participant, f"rr{name}Reply", Reply), QOS)
    answered = 0
    while answered < calls:
        for request in until(deadline, lambda: requests.take(N=1)):
            # As ROS 2 does: a reply before its reader is known would be lost.
            until(deadline, replies.get_matched_subscriptions)
            replies.write(Reply(request.client, request.number, True, "on" if request.data else "off"))
            answered += 1
    replies.wait_for_acks(duration(seconds=5))


def call(participant, name, calls, deadline):
    replies = DataReader(participant, Topic(participant, f"rr{name}Reply", Reply), QOS)
    requests = DataWriter(participant, Topic(participant, f"rq{name}Request", Request), QOS)
    until(deadline, lambda: requests.get_matched_subscriptions() and replies.get_matched_publications())
    answers = []
    for number in range(1, calls + 1):
        requests.write(Request(CLIENT, number, number % 2 == 1))
        reply = until(deadline, lambda: replies.take(N=1))[0]
        if (reply.client, reply.number) != (CLIENT, number):
            sys.exit(f"asked as {number}, answered as {reply.number}")
        answers.append([reply.success, reply.message])
    print(json.dumps(answers), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["serve", "call"])
    parser.add_argument("--domain", type=int, default=0)
    parser.add_argument("--service", default="/peer/set")
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    role = serve if arguments.role == "serve" else call
    role(DomainParticipant(arguments.domain), arguments.service, arguments.calls, time.monotonic() + arguments.seconds)


if __name__ == "__main__":
    main()
