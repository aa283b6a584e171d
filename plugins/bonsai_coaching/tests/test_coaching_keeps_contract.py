"""Our own coaching plugin keeps the contract of its domain."""

import pytest
from bonsai_coaching.plugin import Coaching
from bonsai_coaching.settings import Settings

from bonsai_core.testing.contracts import CoachingContract


class TestCoaching(CoachingContract):
    @pytest.fixture
    def plugin(self) -> Coaching:
        return Coaching(Settings(), look_every=3600)
