"""The demo with a camera: enrols whoever stands before it, then verifies them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from gate.client import GateClient, PassageDecision, PassageEvent
from gate.demo.approach import FPS
from gate.demo.stage import LANE, enrol_photo, open_stage
from gate.engine.build import Built
from gate.sources import Source, SourceError, paced

_TRIES = 300
"""Pictures within which a good one must come: some ten seconds of a camera."""


async def verify_person_before(
    camera: Source, built: Built, on_event: Callable[[PassageEvent], None]
) -> PassageDecision:
    """Enrols from the first good picture of the camera, then plays one passage from the same camera.

    Raises:
        SourceError: there is no such camera, or nobody stands before it.
    """
    pictures = paced(camera)
    async with open_stage(built) as client:
        await _enrol_from(client, pictures)
        return await client.verify(LANE, pictures, fps=FPS, on_event=on_event)


async def _enrol_from(client: GateClient, pictures: AsyncIterator[bytes]) -> None:
    tried, why = 0, "no pictures"
    async for picture in pictures:
        refused = await enrol_photo(client, "A", picture)
        if refused is None:
            return
        tried, why = tried + 1, refused.message
        if tried == _TRIES:
            break
    raise SourceError(f"No picture could be enrolled: {why}", "Stand alone before the camera, in good light.")
