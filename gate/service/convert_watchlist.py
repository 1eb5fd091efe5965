"""Watch list messages to records of ours, checked, and back."""

from __future__ import annotations

from datetime import UTC, datetime

from gate.errors import Code, ProtocolError
from gate.gallery.watched import Watched, WatchListDescription
from gate.service.checks import Checks
from gate.service.convert_gallery import timestamp, utc
from gate.service.pb import gallery_pb2 as pb


def watched(message: pb.EnrolWatchedRequest) -> Watched:
    """Somebody for the watch list.

    Raises:
        ProtocolError: `FIELD_INVALID`, with every field at fault.
    """
    checks = Checks()
    expires_at = utc(message.expires_at) if message.HasField("expires_at") else None
    if expires_at is None:
        checks.fault("expires_at", "a UTC time")
    person = Watched(
        checks.reference("reference", message.reference),
        checks.word("list_name", message.list_name),
        expires_at or datetime.max.replace(tzinfo=UTC),
    )
    _settle(checks)
    return person


def reference(message: pb.WithdrawWatchedRequest) -> str:
    """Whom to remove.

    Raises:
        ProtocolError: `FIELD_INVALID`.
    """
    checks = Checks()
    found = checks.reference("reference", message.reference)
    _settle(checks)
    return found


def enrolled(*, already: bool, eye_distance_px: float) -> pb.EnrolWatchedResponse:
    """A photograph that became a template."""
    state = pb.ENROL_STATUS_ALREADY_ENROLLED if already else pb.ENROL_STATUS_ENROLLED
    return pb.EnrolWatchedResponse(status=state, eye_distance_px=eye_distance_px)


def description(found: WatchListDescription) -> pb.DescribeWatchListResponse:
    """The watch list, in numbers."""
    return pb.DescribeWatchListResponse(
        lists=[
            pb.WatchedCount(
                list_name=each.name,
                people=each.people,
                templates=each.templates,
                first_expiry=timestamp(each.first_expiry),
                last_expiry=timestamp(each.last_expiry),
            )
            for each in found.lists
        ],
        to_enrol=found.to_enrol,
        pack_id=found.pack_id,
    )


def _settle(checks: Checks) -> None:
    if checks.violations:
        raise ProtocolError(Code.FIELD_INVALID, "The request is not as the protocol says.", *checks.violations)
