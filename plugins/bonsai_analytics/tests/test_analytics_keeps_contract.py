"""Our own analytics plugin keeps the contract of its domain."""

import pytest
from bonsai_analytics.plugin import Analytics

from bonsai_core.testing.contracts import AnalyticsContract


class TestAnalytics(AnalyticsContract):
    @pytest.fixture
    def plugin(self) -> Analytics:
        return Analytics()
