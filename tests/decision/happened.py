"""What must be true of every pass, said of what really happened: it looks at nothing of the code under test."""

from __future__ import annotations

from datetime import datetime, timedelta

from gate.decision.journey import FlightPlan, Route

LANES = (
    ("bag_drop", ""), ("security", ""), ("border", ""), ("boarding", "B12"), ("boarding", "C3"), ("boarding", ""),
)  # fmt: skip
"""(touchpoint, gate) of each."""


class Happened:
    """Every pass of one traveller, in full and in order."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.passes: list[tuple[str, datetime]] = []

    @property
    def visited(self) -> list[str]:
        return [where for where, _ in self.passes]

    def last(self, touchpoint: str) -> datetime | None:
        return next((at for where, at in reversed(self.passes) if where == touchpoint), None)

    def add(self, touchpoint: str, gate: str, plan: FlightPlan | None, now: datetime) -> None:
        """A gate opened: it had to be right."""
        assert "boarding" not in self.visited, "passed after boarding"
        for where, at in self.passes:
            assert now - at >= timedelta(seconds=self.route.apart_s), "two places at one moment"
            if where == touchpoint:
                assert now - at >= timedelta(seconds=self.route.again_after_s), "passed back"
        for needed in self.route.required:
            if needed in self.route.touchpoints[: self.route.touchpoints.index(touchpoint)]:
                self._check_passed_in_order(needed)
        if touchpoint == "boarding":
            assert plan is not None, "boarded without a plan"
            window = next(window for window in plan.windows if window.touchpoint == "boarding")
            assert window.opens_at is None or window.opens_at <= now, "boarded early"
            assert window.closes_at is None or now < window.closes_at, "boarded late"
            assert gate in {"", plan.gate}, "boarded at another flight's gate"
        self.passes.append((touchpoint, now))

    def _check_passed_in_order(self, needed: str) -> None:
        assert needed in self.visited, f"without {needed}"
        since = self.visited[len(self.visited) - self.visited[::-1].index(needed) :]
        earlier = self.route.touchpoints[: self.route.touchpoints.index(needed)]
        assert not set(since) & set(earlier), f"went back before {needed}"
