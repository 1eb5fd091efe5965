"""One manifest on the wire.

::

    start ─► chunk … ─► photo … ─► half-close        what the caller sends
                  └ read, then applied message by message, then photographs as they come
    instalment … ─► instalment with `summary`        what the engine sends, all along

Each message is applied within one call in a worker thread, which a cancelled stream does not interrupt: what is begun
is finished, and nothing after it is begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

from gate.engine.engine import Engine
from gate.engine.loader import Instalment, ManifestLoad
from gate.errors import Code, FieldViolation, InputError, ProtocolError
from gate.service import convert_manifest as convert
from gate.service.pb import gallery_pb2 as pb
from gate.service.threads import in_thread
from gate.vision.probe import Probe

ENTRIES = 1_000
"""Findings or people in one instalment: at some 300 bytes each it stays far below the size limit of a message."""

Write = Callable[[pb.LoadManifestResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Looking:
    """A photograph that a model is looking at."""

    load: ManifestLoad
    name: str
    data: bytes
    template: asyncio.Task[Probe | InputError | None]


class LoadSession:
    """Runs one load between a stream of requests and a stream of responses."""

    def __init__(self, engine: Engine, executor: Executor, write: Write) -> None:
        self._engine = engine
        self._executor = executor
        self._write = write
        self._data = bytearray()
        self._received = 0
        self._load: ManifestLoad | None = None
        # As many as threads look at them; a caller that sends faster waits.
        self._looking: asyncio.Queue[_Looking | None] = asyncio.Queue(engine.settings.server.inference_threads)

    async def run(self, requests: AsyncIterator[pb.LoadManifestRequest]) -> None:
        """Loads the manifest that `requests` holds.

        Raises:
            ProtocolError: START_MISSING, START_REPEATED, MESSAGE_EMPTY, FIELD_INVALID, MANIFEST_TOO_LARGE.
            EngineFault: the store or a model failed.
        """
        tasks = [asyncio.create_task(self._read(requests)), asyncio.create_task(self._enrol())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, requests: AsyncIterator[pb.LoadManifestRequest]) -> None:
        name, dry_run = await _start(requests)
        async for request in requests:
            kind = request.WhichOneof("message")
            if kind == "chunk":
                self._take(request.chunk)
            elif kind == "photo":
                await self._photo(await self._begun(name, dry_run), request.photo)
            elif kind == "start":
                raise ProtocolError(Code.START_REPEATED, "`start` came a second time on this stream.")
            else:
                raise ProtocolError(Code.MESSAGE_EMPTY, "Expected `chunk` or `photo`; got a message without content.")
        await self._begun(name, dry_run)
        await self._looking.put(None)

    async def _enrol(self) -> None:
        """Enrols photographs in the order in which they came, each as soon as it was looked at; then sums up.

        Not in the threads that run models: those would wait for the disk.
        """
        while (oldest := await self._looking.get()) is not None:
            template, name, data = await oldest.template, oldest.name, oldest.data
            await self._send(await asyncio.to_thread(partial(oldest.load.photo, name, data, template)))
        if self._load is not None:
            await self._send(await asyncio.to_thread(self._load.finish))

    def _take(self, chunk: bytes) -> None:
        if self._load is not None:
            expected = FieldViolation("chunk", "before the first photo")
            raise ProtocolError(Code.FIELD_INVALID, "A chunk came after a photograph.", expected)
        if len(chunk) > convert.MAX_CHUNK_BYTES:
            expected = FieldViolation("chunk", f"at most {convert.MAX_CHUNK_BYTES} bytes; got {len(chunk)}")
            raise ProtocolError(Code.FIELD_INVALID, "A chunk is too large.", expected)
        self._received += len(chunk)
        limit = self._engine.settings.manifest.max_bytes
        if self._received > limit:
            expected = FieldViolation("chunk", f"at most {limit} bytes in all")
            raise ProtocolError(Code.MANIFEST_TOO_LARGE, f"The manifest is larger than {limit} bytes.", expected)
        self._data += chunk

    async def _begun(self, name: str, dry_run: bool) -> ManifestLoad:
        """The load, with every message applied."""
        if self._load is not None:
            return self._load
        data, self._data = bytes(self._data), bytearray()
        load = self._load = await asyncio.to_thread(lambda: self._engine.load_manifest(data, name, dry_run=dry_run))
        instalments = load.load()
        while (given := await asyncio.to_thread(lambda: next(instalments, None))) is not None:
            await self._send(given)
        return load

    async def _photo(self, load: ManifestLoad, message: pb.ManifestPhoto) -> None:
        name, data = convert.photo(message)
        template = asyncio.create_task(self._template(load, name, data))
        template.add_done_callback(_seen)
        await self._looking.put(_Looking(load, name, data, template))

    async def _template(self, load: ManifestLoad, name: str, data: bytes) -> Probe | InputError | None:
        if not load.wants(name):
            return None
        try:
            return await in_thread(self._executor, lambda: load.embed(data))
        except InputError as error:
            return error

    async def _send(self, given: Instalment) -> None:
        for part in _parts(given):
            await self._write(convert.instalment(part, self._received))


def _seen(task: asyncio.Task[Probe | InputError | None]) -> None:
    """Of a stream that broke, nobody else asks what became of the photographs on their way."""
    if not task.cancelled():
        task.exception()


async def _start(requests: AsyncIterator[pb.LoadManifestRequest]) -> tuple[str, bool]:
    async for request in requests:
        if request.WhichOneof("message") == "start":
            return convert.start(request.start)
        break
    raise ProtocolError(Code.START_MISSING, "Expected `start` first.")


def _parts(given: Instalment) -> Iterator[Instalment]:
    """The same, in pieces that fit into a message each; the summary comes with the last."""
    longest = max(len(given.findings), len(given.people))
    for begin in range(0, longest - ENTRIES, ENTRIES):
        end = begin + ENTRIES
        yield replace(
            given, findings=given.findings[begin:end], people=given.people[begin:end], messages=(), summary=None
        )
    rest = max(0, (longest - 1) // ENTRIES * ENTRIES)
    yield replace(given, findings=given.findings[rest:], people=given.people[rest:])
