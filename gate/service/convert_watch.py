"""Messages of a watch to records of ours, checked, and back."""

from __future__ import annotations

from gate.engine.attempt import StartRequest
from gate.engine.watch import Watch
from gate.engine.watch_events import CrowdingChanged, TrackDecided, TrackLost, TrackStarted, WatchEvent
from gate.errors import GateError
from gate.service import convert
from gate.service.pb import lane_pb2 as pb
from gate.vision.probe import Face


def start_request(start: pb.WatchStart) -> StartRequest:
    """The opening of a watch.

    Raises:
        ProtocolError: `FIELD_INVALID`, with every field at fault.
    """
    return convert.start_request(
        pb.PassageStart(lane_id=start.lane_id, checkpoint=start.checkpoint, profile=start.profile, flight=start.flight)
    )


def accepted(watch: Watch, nonce: bytes) -> pb.WatchResponse:
    """The answer to `start`."""
    return pb.WatchResponse(
        accepted=pb.WatchAccepted(
            watch_id=watch.passage_id, pack_id=watch.pack_id, nonce=nonce, max_people=watch.limits.max_people
        )
    )


def happened(event: WatchEvent) -> pb.WatchResponse:
    """What a frame brought."""
    match event:
        case TrackStarted():
            started = pb.TrackStarted(
                track_id=event.track_id, box=_box(event.face), frame_sequence=event.frame_sequence
            )
            return pb.WatchResponse(track_started=started)
        case TrackDecided():
            return pb.WatchResponse(track_decided=_decided(event))
        case TrackLost():
            return pb.WatchResponse(track_lost=pb.TrackLost(track_id=event.track_id, decided=event.decided))
        case CrowdingChanged():
            crowding = pb.Crowding(
                alarm=event.on,
                people=event.crowd.people,
                too_many=event.crowd.excess,
                close_track_ids=sorted(event.crowd.close),
                frame_sequence=event.frame_sequence,
            )
            return pb.WatchResponse(crowding=crowding)


def frame_rejected(sequence: int, error: GateError) -> pb.WatchResponse:
    """Why a frame could not be used."""
    return pb.WatchResponse(frame_rejected=convert.frame_rejected(sequence, error).frame_rejected)


def _decided(event: TrackDecided) -> pb.TrackDecided:
    decision = convert.decision(event.decision, event.passage.report(), event.passage).decision
    return pb.TrackDecided(
        track_id=event.track_id,
        decision=decision,
        box=_box(event.face),
        frame_sequence=event.frame_sequence,
        same_as_track_id=event.same_as,
    )


def _box(face: Face) -> pb.Box:
    left, top, right, bottom = face.box_xyxy
    return pb.Box(left=left, top=top, right=right, bottom=bottom)
