"""Our own recommender keeps the contract of its domain, with the bank that it is shipped with."""

from collections.abc import Iterable

import pytest
from bonsai_recs.bank import load_bank
from bonsai_recs.plugin import Recs

from bonsai_core import Question
from bonsai_core.testing.contracts import RecommendationsContract


@pytest.fixture(scope="module")
def shipped() -> Iterable[Question]:
    return load_bank().questions


class TestRecs(RecommendationsContract):
    @pytest.fixture
    def plugin(self, shipped: Iterable[Question]) -> Recs:
        return Recs(lambda: shipped)
