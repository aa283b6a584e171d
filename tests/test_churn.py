"""Connections that come and go leave nothing behind. The full count: `python -m bench.churn`."""

from __future__ import annotations

from bench.churn import churn


async def test_connects_and_disconnects_leave_everything_at_the_baseline() -> None:
    result = await churn(600)
    left = result["difference"]
    assert left["tasks"] <= 0
    assert left["descriptors"] <= 0
    assert (left["connections"], left["sessions"], left["rooms"]) == (0, 0, 0)
    assert left["buckets"] <= 0
    assert left["objects"] < 540, "less than one object for each connection"
    assert left["residentBytes"] < 8 << 20
    assert result["errorsLogged"] == 0
