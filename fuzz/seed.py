"""Writes small recordings and metadata for the fuzz target `bag` to begin with, into fuzz/corpus/bag.

From nothing a fuzzer does not find its way past the magic of a file, and no further than a checksum: the recordings
are made without checksums. The first byte of each says what the target does with the rest.

    PYTHONPATH=.setup/peers python3 fuzz/seed.py
"""

import io
from pathlib import Path

from mcap.writer import CompressionType, IndexType, Writer

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus" / "bag"
READ, RECOVER, METADATA = b"\x00", b"\x01", b"\x02"


def recording(compression, chunked, index):
    out = io.BytesIO()
    writer = Writer(out, chunk_size=200, compression=compression, index_types=index, use_chunking=chunked, enable_crcs=False)
    writer.start(profile="ros2", library="seed")
    schema = writer.register_schema(name="std_msgs/msg/Header", encoding="ros2msg", data=b"uint32 seq\n")
    topics = [writer.register_channel(f"/{name}", "cdr", schema, {"offered_qos_profiles": ""}) for name in "ab"]
    for number in range(6):
        data = b"\x00\x01\x00\x00" + bytes([number]) * 8
        writer.add_message(topics[number % 2], 1000 + number, data, 1000 + number, number)
    writer.add_metadata("rosbag2", {"serialized_metadata": "version: 9\n"})
    writer.finish()
    return out.getvalue()


def main():
    CORPUS.mkdir(parents=True, exist_ok=True)
    ways = [(compression, True) for compression in CompressionType] + [(CompressionType.NONE, False)]
    for compression, chunked in ways:
        for index in (IndexType.ALL, IndexType.NONE):
            name = f"{compression.name}-{'chunked' if chunked else 'flat'}-{index.name}".lower()
            made = recording(compression, chunked, index)
            (CORPUS / f"{name}-read").write_bytes(READ + made)
            (CORPUS / f"{name}-torn").write_bytes(RECOVER + made[: len(made) * 2 // 3])
    for golden in sorted((ROOT / "tests" / "golden" / "metadata").glob("*.yaml")):
        (CORPUS / golden.stem).write_bytes(METADATA + golden.read_bytes())


if __name__ == "__main__":
    main()
