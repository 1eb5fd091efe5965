"""The watch list on the wire, from the authority's side."""

from __future__ import annotations

from datetime import UTC

from gate.gallery.watched import Watched, WatchedCount, WatchListDescription
from gate.service.pb import gallery_pb2 as pb


def request(person: Watched, photo: bytes) -> pb.EnrolWatchedRequest:
    """One photograph of one person. `expires_at` must have a time zone."""
    message = pb.EnrolWatchedRequest(reference=person.reference, list_name=person.list_name, photo=photo)
    message.expires_at.FromDatetime(person.expires_at)
    return message


def description(message: pb.DescribeWatchListResponse) -> WatchListDescription:
    """The list in numbers."""
    lists = tuple(
        WatchedCount(
            each.list_name,
            each.people,
            each.templates,
            each.first_expiry.ToDatetime(tzinfo=UTC),
            each.last_expiry.ToDatetime(tzinfo=UTC),
        )
        for each in message.lists
    )
    return WatchListDescription(lists, message.to_enrol, message.pack_id)
