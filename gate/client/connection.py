"""A channel to the engine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from gate.client.errors import rebuilt
from gate.service.pb import lane_pb2 as pb

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""The engine's own limit."""

ENVELOPE_BYTES = 1024
"""What a message adds to the picture that it carries, at most."""


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS towards the engine; files in PEM.

    Attributes:
        authority: certificate that signed the engine's. None: those of the system.
        certificate, private_key: the client's own, where the engine asks for them (mutual TLS).
        server_name: name in the engine's certificate, where it is not the address's host.
    """

    authority: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    server_name: str = ""


def open_channel(address: str, tls: Tls | None) -> grpc.aio.Channel:
    """Opens a channel. Nothing is connected before the first call.

    Raises:
        OSError: a TLS file cannot be read.
    """
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        # Finds out within seconds that the engine's box is gone, also in the middle of a passage.
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.http2.ping_timeout_ms", 5_000),
        # A gate waits for its engine to come back; minutes of back-off are not for it.
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # An engine restarted on the same address is a new connection, not one shared with another client.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if tls is None:
        return grpc.aio.insecure_channel(address, options=options)
    if tls.server_name:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    credentials = grpc.ssl_channel_credentials(_read(tls.authority), _read(tls.private_key), _read(tls.certificate))
    return grpc.aio.secure_channel(address, credentials, options=options)


def _read(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None


async def opened(
    call: grpc.aio.StreamStreamCall[Any, Any], start: pb.PassageRequest | pb.WatchRequest, address: str
) -> object:
    """Sends the first message of a stream, and reads the first answer. The call is cancelled where that fails.

    Raises:
        GateError: the engine does not take it on.
        GateUnavailableError: nobody answers.
    """
    try:
        await call.write(start)
        return await call.read()
    except asyncio.InvalidStateError:
        return await call.read()  # the call ended while writing: reading says how
    except grpc.aio.AioRpcError as error:
        raise rebuilt(error, address) from error
    except BaseException:
        call.cancel()
        raise
