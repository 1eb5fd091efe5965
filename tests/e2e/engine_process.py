"""An engine in a process of its own, for tests of signals and of clients that know nothing of us.

Prints its address once it serves. `--hold` lets every look wait, as a model that hangs would.
"""

from __future__ import annotations

import asyncio
import sys
import threading

from gate.service.server import GateServer, serve
from tests.service import fakes


def ready(server: GateServer) -> None:
    print(server.address, flush=True)  # noqa: T201


def main() -> None:
    vision = fakes.ColourVision()
    if "--hold" in sys.argv:
        vision.held = threading.Event()
    engine = fakes.engine(vision, budget_s=30.0)
    asyncio.run(serve(engine, engine.settings.server, ready))


if __name__ == "__main__":
    main()
