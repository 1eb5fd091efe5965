"""What a profile says of people who walk through without stopping (`[profiles.NAME.watch]`)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class WatchLimits(BaseModel):
    """How many people may come at once, and how the work is shared among them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_people: int = Field(10, ge=1, le=32, description="more in view at once is crowding")
    min_separation: float = Field(
        1.2, ge=0, le=10, description="face widths between the middles of two faces equally far away; 0: any"
    )
    crowding_hold_s: float = Field(0.5, ge=0, le=10, description="crowding lasts so long before it is alarmed")
    crowding_refers: bool = Field(False, description="who would pass while it is crowded is referred")
    min_eye_distance_px: float = Field(16, ge=8, description="pixels; faces are followed from this size on")
    looks_per_frame: int = Field(2, ge=1, le=16, description="faces compared a frame: the time it may take")
    recheck_s: float = Field(0.7, gt=0, description="after the decision, a face is looked at again so often")
