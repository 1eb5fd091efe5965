"""Everything that is looked at, in the order in which it must be repaired."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from gate.doctor import environment, machine
from gate.doctor.finding import Finding, fail, ok
from gate.errors import SettingsError
from gate.settings import Settings, load_settings


def examine(config: Path | None = None) -> Iterator[Finding]:
    """Findings as they are made. What depends on a broken part is left out.

    Args:
        config: settings to examine; by default gate.toml in the working folder, where there is one.
    """
    yield environment.check_python()
    packages = environment.check_packages()
    yield packages
    try:
        settings = load_settings(config)
    except SettingsError as error:
        yield fail("settings", error.message, error.entry.remedy)
    else:
        yield ok("settings", f"{config or 'gate.toml or defaults'}: lanes {', '.join(settings.lanes)}")
        if not packages.repair:
            yield from _engine(settings)
    yield machine.check_clock()
    yield machine.check_zones()
    yield machine.check_monotonic()
    yield machine.check_folder("working folder", Path.cwd())
    yield machine.check_folder("temporary folder", Path(tempfile.gettempdir()))


def _engine(settings: Settings) -> Iterator[Finding]:
    # These import OpenCV, ONNX Runtime and gRPC, which `check_packages` has found.
    from gate.doctor.claims import check_claims  # noqa: PLC0415
    from gate.doctor.fingerprint import check_fingerprint  # noqa: PLC0415
    from gate.doctor.frames import check_frames, check_recording  # noqa: PLC0415
    from gate.doctor.models import check_models  # noqa: PLC0415
    from gate.doctor.store import check_store  # noqa: PLC0415
    from gate.service.listen import is_local  # noqa: PLC0415
    from gate.vision.pack import model_folders  # noqa: PLC0415
    from gate.vision.registry import registry_folder  # noqa: PLC0415
    from gate.vision.session import installed_runtimes  # noqa: PLC0415

    yield environment.check_opencv()
    runtime = environment.check_runtime(installed_runtimes())
    yield runtime
    if not runtime.repair:
        import onnxruntime  # noqa: PLC0415

        yield environment.check_provider(settings.models.provider, onnxruntime.get_available_providers())
    yield machine.check_model_folders(model_folders(registry_folder()))
    yield from check_models(settings.models.pack, settings.models.insightface_root, liveness=settings.models.liveness)
    yield check_fingerprint(settings.fingerprint)
    yield check_store(settings.storage)
    yield check_claims(settings)
    yield check_frames(settings)
    yield check_recording(settings)
    yield machine.check_address(settings.server)
    yield machine.check_exposure(settings.server, local=is_local(settings.server.address))
