"""The box: address and certificates, clocks, folders."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import tempfile
import time
import zoneinfo
from datetime import UTC, datetime
from pathlib import Path

from gate.doctor.finding import Finding, fail, ok, warn
from gate.settings import ServerSettings

_EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)
"""Before this version was made, so a clock that says earlier has been reset."""

_LATEST = datetime(2056, 1, 1, tzinfo=UTC)

_COARSE_S = 0.001
"""Budgets are tens of milliseconds; a clock coarser than this cannot keep them."""

_LITTLE_SPACE_BYTES = 500 * 1024 * 1024

_ANSWER_WITHIN_S = 2.0

_NAMED_ZONE = "Asia/Hong_Kong"


def check_address(server: ServerSettings) -> Finding:
    """The address may be listened on, and nobody else does."""
    if server.address.startswith(("unix:", "unix-abstract:")):
        return ok("address", f"{server.address} (a Unix socket; not tried)")
    host, _, port = server.address.rpartition(":")
    try:
        return _bind(host.strip("[]"), int(port), server.address)
    except ValueError:
        return fail("address", f"{server.address} is not host:port", "Correct [server] address in gate.toml.")


def _bind(host: str, port: int, address: str) -> Finding:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            # As the engine does: a port in TIME_WAIT is free, one that is listened on is not.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(where)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and serves(address):
            return ok("address", f"an engine serves on {address} already")
        repair = "Stop what listens there, or set another [server] address."
        return fail("address", f"{address} cannot be listened on: {error.strerror}", repair)
    return ok("address", f"{address} is free")


def serves(address: str) -> bool:
    """An engine answers there that it serves. One behind TLS does not answer a stranger, and counts as none."""
    import grpc  # noqa: PLC0415 -- heavy, and needed for a taken port only
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415

    with grpc.insecure_channel(address) as channel:
        try:
            request = health_pb2.HealthCheckRequest(service="egate.v1.LaneService")
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_ANSWER_WITHIN_S)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def check_exposure(server: ServerSettings, *, local: bool) -> Finding:
    """Faces do not travel a network in the clear, and the certificates are there.

    Args:
        server: the settings.
        local: only this machine can reach the address.
    """
    tls = server.tls
    if tls is None:
        if local:
            return ok("tls", "none, and none needed: only this machine can reach the address")
        repair = "Set [server.tls], or `allow_insecure = true` on an isolated network."
        found = f"{server.address} can be reached from other machines, without TLS"
        return warn("tls", found, "Set [server.tls].") if server.allow_insecure else fail("tls", found, repair)
    files = [path for path in (tls.certificate, tls.private_key, tls.client_ca) if path is not None]
    unreadable = [str(path) for path in files if not os.access(path, os.R_OK)]
    if unreadable:
        return fail("tls", f"cannot be read: {', '.join(unreadable)}", "Correct the paths or the files' permissions.")
    if tls.client_ca is None:
        repair = "Set [server.tls] client_ca, so that only your controllers get in."
        return warn("tls", "certificate found; any client may connect", repair)
    return ok("tls", "certificate found; clients must bring their own")


def check_clock(now: datetime | None = None) -> Finding:
    """UTC is plausible: expiry of travellers hangs on it."""
    utc = now or datetime.now(UTC)
    found = f"UTC {utc:%Y-%m-%d %H:%M:%S}"
    if not _EARLIEST <= utc <= _LATEST:
        repair = "Set the clock (chrony or systemd-timesyncd, and the clock's battery): travellers expire by it."
        return fail("clock", f"{found} cannot be right", repair)
    return ok("clock", found)


def check_zones(local: str | None = None) -> Finding:
    """Time zones are known by name: manifests carry airports' local times."""
    name = local if local is not None else "/".join(time.tzname)
    try:
        zoneinfo.ZoneInfo(_NAMED_ZONE)
    except zoneinfo.ZoneInfoNotFoundError:
        return warn("zones", "no time zone database", "Install the system's tzdata, or pip install tzdata.")
    return ok("zones", f"machine's zone {name}; the engine reckons in UTC")


def check_monotonic(resolution_s: float | None = None) -> Finding:
    """The clock for budgets ticks finely enough."""
    tick_s = time.get_clock_info("monotonic").resolution if resolution_s is None else resolution_s
    found = f"ticks every {tick_s * 1e6:g} µs"
    if tick_s > _COARSE_S:
        return warn("monotonic", found, "Choose a finer clock source (Linux: tsc or hpet): time budgets hang on it.")
    return ok("monotonic", found)


def check_folder(check: str, folder: Path) -> Finding:
    """A folder can be written to and has room."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        repair = "Make it writable for this user, or run from a folder that is."
        return fail(check, f"{folder} cannot be written to: {error.strerror}", repair)
    found = f"{folder} is writable, {free / 1024**3:.1f} GiB free"
    if free < _LITTLE_SPACE_BYTES:
        return warn(check, found, "Free some space: logs and pictures will fill it.")
    return ok(check, found)


def check_model_folders(folders: tuple[Path, ...]) -> Finding:
    """Some folder for third-party models is there."""
    there = [str(folder) for folder in folders if folder.is_dir()]
    if not there:
        looked = ", ".join(map(str, folders))
        repair = "Set EGATE_MODEL_PATH to the folder of the model files, unless the pack is this project's own."
        return warn("model folders", f"none of these is there: {looked}", repair)
    return ok("model folders", ", ".join(there))
