"""What a plugin must do to take another's place: suites of behaviour, to be run on it in its own tests.

    import pytest
    from acme_vision import AcmeVision
    from bonsai_core.testing.contracts import VisionContract

    class TestAcmeVision(VisionContract):
        @pytest.fixture
        def plugin(self):
            return AcmeVision()

There is one for each domain: `VisionContract` (`question:*`), `AnalyticsContract`, `CoachingContract` and
`RecommendationsContract`. All checks are made over a socket. Front ends and other plugins rely on what is checked here,
on nothing else. The suites need pytest and pytest-asyncio.
"""

from bonsai_core.testing.contracts.analytics import AnalyticsContract
from bonsai_core.testing.contracts.coaching import CoachingContract
from bonsai_core.testing.contracts.common import Bank, Contract, Observer
from bonsai_core.testing.contracts.recommendations import RecommendationsContract
from bonsai_core.testing.contracts.vision import QUESTION, VisionContract, blank_png

__all__ = [
    "QUESTION",
    "AnalyticsContract",
    "Bank",
    "CoachingContract",
    "Contract",
    "Observer",
    "RecommendationsContract",
    "VisionContract",
    "blank_png",
]
