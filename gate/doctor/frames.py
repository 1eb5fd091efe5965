"""What is asked of frames, and whether faces are kept: settings of a trial that a live lane must not have."""

from __future__ import annotations

from gate.doctor.finding import Finding, ok, warn
from gate.doctor.machine import check_folder
from gate.settings import Settings


def check_frames(settings: Settings) -> Finding:
    """Pictures that are played back are refused, and every frame is tied to its passage."""
    frames = settings.frames
    if frames.identical == "allow":
        repair = 'Right for trials only; where cameras are live set [frames] identical = "lane".'
        return warn("frames", "pictures that came before are taken again: a recording passes", repair)
    if not frames.alarms:
        return warn("frames", "no number of alarms ends a passage", "Set [frames] alarms to 1 or more; 3 by default.")
    nonce = "a nonce in every frame" if frames.nonce == "required" else "no nonce asked for"
    reach = {"lane": "in any passage of a lane", "passage": 'within a passage ("lane" is for live cameras)'}
    return ok(
        "frames", f"pictures are known again {reach[frames.identical]}; {nonce}; {frames.alarms} alarms end a passage"
    )


def check_recording(settings: Settings) -> Finding:
    """No passage is recorded, or it is known that they are."""
    recording = settings.recording
    if recording.folder is None:
        return ok("recording", "passages are not recorded")
    if recording.folder.exists():
        found = check_folder("recording", recording.folder)
        if found.repair:
            return found
    kept = f"passages are recorded into {recording.folder}, sealed, for {recording.max_h:g} h: they hold faces"
    return warn("recording", kept, "Remove [recording] folder when nothing has to be replayed any more.")
