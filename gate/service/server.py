"""The engine as a gRPC server: listens, warms up, serves, drains.

::

    start() ─► listening, NOT_SERVING ─► warm() ─► SERVING ─► drain() ─► NOT_SERVING, no new passages,
                                                              passages in flight finish or are cut off ─► stopped
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from gate.engine.engine import Engine
from gate.errors import Code, SettingsError
from gate.service import incident, listen
from gate.service.drain import Drain
from gate.service.gallery_service import GalleryService
from gate.service.interceptors import Guard
from gate.service.lane_service import LaneService
from gate.service.pb import gallery_pb2, gallery_pb2_grpc, lane_pb2, lane_pb2_grpc
from gate.service.threads import in_thread, take_short_turns
from gate.settings import ServerSettings

_log = structlog.stdlib.get_logger("gate.service")

SERVICES = (
    lane_pb2.DESCRIPTOR.services_by_name["LaneService"].full_name,
    gallery_pb2.DESCRIPTOR.services_by_name["GalleryService"].full_name,
)

FINAL_ANSWER_S = 1.0
"""How long a passage that was cut off may take to write its decision."""


class GateServer:
    """One engine on one address.

    ``async with GateServer(engine, settings) as server`` starts, warms and at the end drains it.

    Args:
        engine: what is served.
        settings: where and how; port 0 takes a free one, see `port`.

    Raises:
        SettingsError: `ADDRESS_REFUSED`, `SETTINGS_INVALID`.
    """

    def __init__(self, engine: Engine, settings: ServerSettings) -> None:
        listen.check_address(settings)
        self._engine = engine
        self._settings = settings
        self._executor = ThreadPoolExecutor(settings.inference_threads, thread_name_prefix="gate-look")
        self._health = health.aio.HealthServicer()
        self._drain = Drain()
        self._warm = asyncio.Event()
        self._port = 0
        self._sweeper: asyncio.Task[None] | None = None
        self._server = grpc.aio.server(interceptors=[Guard()], options=listen.options(settings))
        lane_pb2_grpc.add_LaneServiceServicer_to_server(
            LaneService(engine, self._executor, self._drain, self._warm), self._server
        )
        gallery_pb2_grpc.add_GalleryServiceServicer_to_server(
            GalleryService(engine, self._executor, self._warm), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if settings.reflection:
            reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before `start`, 1 on a Unix socket."""
        return self._port

    @property
    def address(self) -> str:
        """Where a client on this machine reaches the server."""
        if self._settings.address.startswith("unix"):
            return self._settings.address
        host, _, _ = self._settings.address.rpartition(":")
        return f"{host}:{self._port}"

    @property
    def passages_in_flight(self) -> int:
        """Passages open now."""
        return self._drain.in_flight

    async def start(self) -> None:
        """Listens. Health says NOT_SERVING.

        Raises:
            SettingsError: `SETTINGS_INVALID`, when the address cannot be bound.
        """
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)
        try:
            if self._settings.tls is not None:
                secure = listen.credentials(self._settings.tls)
                self._port = self._server.add_secure_port(self._settings.address, secure)
            else:
                self._port = self._server.add_insecure_port(self._settings.address)
        except RuntimeError as error:
            raise SettingsError(
                Code.SETTINGS_INVALID, f"[server] address: cannot listen on {self._settings.address}"
            ) from error
        await self._server.start()
        _log.info("listening", address=self.address)

    async def warm(self) -> None:
        """Loads the models, then health says SERVING.

        Raises:
            ConfigError: a model or provider is not what it should be.
        """
        await asyncio.to_thread(self._engine.warm)
        await asyncio.to_thread(self._engine.started)
        self._warm.set()
        self._sweeper = asyncio.create_task(self._sweep())
        await self._say(health_pb2.HealthCheckResponse.SERVING)
        _log.info("serving", pack_id=self._engine.pack_id)

    async def drain(self) -> None:
        """Takes on no new passage, lets those in flight finish within `drain_s`, cuts off the others, and stops."""
        self._drain.begin()
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)
        _log.info("draining", passages=self._drain.in_flight)
        if not await self._drain.wait_idle(self._settings.drain_s):
            _log.warning("cutting off", passages=self._drain.in_flight)
            self._drain.cut_off()
            await self._drain.wait_idle(FINAL_ANSWER_S)
        await self._server.stop(FINAL_ANSWER_S)
        if self._sweeper is not None:
            self._sweeper.cancel()
        # A model that hangs must not hold up the drain. (Python still waits for its thread when the process ends.)
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._warm.is_set():
            await asyncio.to_thread(self._engine.stopped)
        _log.info("stopped")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._engine.settings.gallery.sweep_s)
            try:
                await in_thread(self._executor, self._engine.sweep)
            except Exception as error:  # noqa: BLE001 -- expiry must go on; search checks it again in any case
                incident.record(error, "sweep")

    async def _say(self, serving: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for service in ("", *SERVICES):
            await self._health.set(service, serving)

    async def __aenter__(self) -> Self:
        await self.start()
        try:
            await self.warm()
        except BaseException:
            await self.drain()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain()


async def serve(engine: Engine, settings: ServerSettings, on_ready: Callable[[GateServer], None] | None = None) -> None:
    """Serves until SIGTERM or SIGINT, then drains and returns. For the main thread.

    Args:
        engine: what is served.
        settings: where and how.
        on_ready: called once the server is warm.

    Raises:
        ConfigError: the engine cannot start.
    """
    take_short_turns()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with GateServer(engine, settings) as server:
            if on_ready is not None:
                on_ready(server)
            await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
