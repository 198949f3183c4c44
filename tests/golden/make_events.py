"""Writes events.tfevents: what TensorBoard's own code makes of the numbers that a test of src/train/events.rs writes.

Protocol buffers and checksums are tensorboard's; nothing here shares code with ours.
"""

import io
import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def scalar(step: int, value: float) -> event_pb2.Event:
    value = summary_pb2.Summary.Value(tag="train/loss", simple_value=value)
    return event_pb2.Event(wall_time=1.5, step=step, summary=summary_pb2.Summary(value=[value]))


file = io.BytesIO()
writer = RecordWriter(file)
for event in [event_pb2.Event(wall_time=1.0, file_version="brain.Event:2"), scalar(1, 2.0), scalar(300, 0.25)]:
    writer.write(event.SerializeToString())
pathlib.Path(__file__).with_name("events.tfevents").write_bytes(file.getvalue())
