"""The optional AI service of the coach: free questions answered and hints rephrased by a language model.

It is there when `BONSAI_AI_URL` and `BONSAI_AI_MODEL` are set (`AiSettings`). The model is never told the answer;
what it writes is checked before anybody sees it (`bonsai_coaching.leaks`); and whatever goes wrong, an exception says
so at once and the built-in coach speaks.
"""

from bonsai_coaching.ai.limits import Breaker, Budget
from bonsai_coaching.ai.prompt import AiRequest
from bonsai_coaching.ai.service import AiCoach, AiLeak, AiService
from bonsai_coaching.ai.settings import AiSettings
from bonsai_coaching.ai.stream import AiUnavailable

__all__ = ["AiCoach", "AiLeak", "AiRequest", "AiService", "AiSettings", "AiUnavailable", "Breaker", "Budget"]
