"""A controller written from proto/ alone: generated stubs, blocking gRPC, nothing of ours.

Arguments: address, lane, JPEG file. Prints outcome, reason and who.
"""

from __future__ import annotations

import queue
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
from egate.v1 import lane_pb2, lane_pb2_grpc


def main(address: str, lane: str, picture: str) -> None:
    data = Path(picture).read_bytes()
    decided: queue.Queue[bool] = queue.Queue()

    def requests() -> Iterator[lane_pb2.PassageRequest]:
        yield lane_pb2.PassageRequest(start=lane_pb2.PassageStart(lane_id=lane))
        for sequence in range(1, 30):
            frame = lane_pb2.Frame(
                sequence=sequence,
                capture_time_us=sequence * 50_000,
                encoding=lane_pb2.FRAME_ENCODING_JPEG,
                data=data,
            )
            yield lane_pb2.PassageRequest(frame=frame)
            try:
                decided.get(timeout=0.05)
            except queue.Empty:
                continue
            return

    with grpc.insecure_channel(address) as channel:
        for response in lane_pb2_grpc.LaneServiceStub(channel).Passage(requests(), timeout=10):
            if response.WhichOneof("message") == "decision":
                decided.put(True)
                decision = response.decision
                outcome = lane_pb2.Outcome.Name(decision.outcome)
                print(outcome, lane_pb2.Reason.Name(decision.reason), decision.traveller_reference)  # noqa: T201
    if "gate" in sys.modules:
        sys.exit("this client was to know nothing of ours")


if __name__ == "__main__":
    main(*sys.argv[1:])
