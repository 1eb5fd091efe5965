"""Where the server listens, with which options and certificates."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import grpc

from gate.errors import Code, SettingsError
from gate.settings import ServerSettings, TlsSettings

_PING_STRIKES_OFF = 0
_MIN_PING_INTERVAL_MS = 5_000


def is_local(address: str) -> bool:
    """Whether only this machine can reach `address`: loopback or a Unix socket."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host, _, _ = address.rpartition(":")
    host = host.strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name: it may resolve to anything


def check_address(settings: ServerSettings) -> None:
    """Refuses to send faces over a network in the clear.

    Raises:
        SettingsError: `ADDRESS_REFUSED`.
    """
    if settings.tls is None and not settings.allow_insecure and not is_local(settings.address):
        raise SettingsError(
            Code.ADDRESS_REFUSED,
            f"{settings.address} can be reached from other machines, and [server.tls] is not set.",
        )


def options(settings: ServerSettings) -> list[tuple[str, int]]:
    """Channel arguments of the server."""
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        # A second engine on the same port must fail, not share it.
        ("grpc.so_reuseport", 0),
        # Finds out about a controller whose cable was pulled, which would keep its lane busy.
        ("grpc.keepalive_time_ms", round(settings.keepalive_s * 1000)),
        ("grpc.keepalive_timeout_ms", round(settings.keepalive_s * 500)),
        # The ping's own time-out is one minute, and wins where it is the longer one.
        ("grpc.http2.ping_timeout_ms", round(settings.keepalive_s * 500)),
        ("grpc.keepalive_permit_without_calls", 1),
        # Controllers may ping as well, between passages too.
        ("grpc.http2.min_ping_interval_without_data_ms", _MIN_PING_INTERVAL_MS),
        ("grpc.http2.max_ping_strikes", _PING_STRIKES_OFF),
    ]


def credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    """TLS, with client certificates required where `client_ca` is set.

    Raises:
        SettingsError: `SETTINGS_INVALID`, when a file cannot be read.
    """
    key = _read(tls.private_key, "private_key")
    chain = _read(tls.certificate, "certificate")
    authority = _read(tls.client_ca, "client_ca") if tls.client_ca else None
    return grpc.ssl_server_credentials(
        [(key, chain)], root_certificates=authority, require_client_auth=authority is not None
    )


def _read(path: Path, field: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(
            Code.SETTINGS_INVALID, f"[server.tls] {field}: {path} cannot be read: {error.strerror}"
        ) from error
