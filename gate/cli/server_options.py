"""The options by which a command finds its engine, the same for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from gate.client import GateClient, Tls

T = TypeVar("T")

SERVER = typer.Option("127.0.0.1:50151", "--server", "--address", "-s", help="The engine: host:port or unix:PATH.")
CA = typer.Option(None, help="PEM of the authority that signed the engine's certificate: TLS.")
CERT = typer.Option(None, help="PEM of our own certificate, where the engine asks for one.")
KEY = typer.Option(None, help="PEM of its private key.")


def tls_of(ca: Path | None, cert: Path | None, key: Path | None) -> Tls | None:
    """TLS as the options say; None speaks in the clear.

    Raises:
        typer.BadParameter: a certificate without its key, or the other way round.
    """
    if bool(cert) != bool(key):
        raise typer.BadParameter("--cert and --key belong together")
    from gate.client import Tls

    return Tls(ca, cert, key) if ca or cert else None


def asked(
    server: str, ca: Path | None, cert: Path | None, key: Path | None, ask: Callable[[GateClient], Awaitable[T]]
) -> T:
    """What an engine answers to one question.

    Raises:
        typer.BadParameter: as `tls_of`.
        GateError, GateUnavailableError: of the call.
    """
    from gate.client import GateClient

    tls = tls_of(ca, cert, key)

    async def answer() -> T:
        async with GateClient(server, tls=tls) as client:
            return await ask(client)

    return asyncio.run(answer())
