"""The settings of the AI service, from the environment. Without `BONSAI_AI_URL` there is no service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

PREFIX = "BONSAI_AI_"


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL, such as https://ai.example.com/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"must be a base URL alone; the key goes into {PREFIX}KEY")
    return url.rstrip("/")


def _sendable(key: SecretStr) -> SecretStr:
    if not key.get_secret_value().isascii() or not key.get_secret_value().isprintable():
        raise ValueError("must be printable ASCII")
    return key


class AiSettings(BaseModel):
    """Where the model is, and how much of it may be used.

    The environment name of a field is its name in capitals after `BONSAI_AI_`.

    Attributes:
        url: base URL of an OpenAI-compatible API, to which `/chat/completions` is added.
        key: sent as a bearer token; None for an endpoint that wants none.
        model: the name that the endpoint knows the model by.
        timeout_ms: longest time of an answer, ms.
        first_token_timeout_ms: longest time until its first words, ms.
        requests_per_day: of one user; days begin at 0:00 UTC. 0 allows none.
        max_tokens: longest answer, in the model's tokens; a longer one is dropped.
        max_chars: longest answer, in characters.
        max_concurrent: answers of this process at a time; one more is refused, not queued.
        breaker_failures: failures in a row after which the service rests.
        breaker_rest_ms: how long it rests, ms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_endpoint)]
    key: Annotated[SecretStr, AfterValidator(_sendable)] | None = None
    model: Annotated[str, Field(min_length=1, max_length=200)]
    timeout_ms: Annotated[int, Field(ge=10, le=300_000)] = 15_000
    first_token_timeout_ms: Annotated[int, Field(ge=10, le=300_000)] = 5000
    requests_per_day: Annotated[int, Field(ge=0, le=100_000)] = 30
    max_tokens: Annotated[int, Field(ge=1, le=16_384)] = 400
    max_chars: Annotated[int, Field(ge=1, le=20_000)] = 2000
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] = 16
    breaker_failures: Annotated[int, Field(ge=1, le=1000)] = 5
    breaker_rest_ms: Annotated[int, Field(ge=10, le=86_400_000)] = 30_000

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> AiSettings | None:
        """The settings of this process; None when `BONSAI_AI_URL` is not set. An empty variable is not set.

        Raises:
            ValueError: a value makes no sense, or the model is not named. Says which variable; shows no value.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for name in cls.model_fields:
            if value := environ.get(PREFIX + name.upper(), "").strip():
                values[name] = value
        if "url" not in values:
            return None
        try:
            return cls(**values)
        except ValidationError as error:
            problems = [
                f"{PREFIX}{str(item['loc'][0]).upper()}: {item['msg'].removeprefix('Value error, ')}"
                for item in error.errors(include_url=False, include_input=False, include_context=False)
            ]
            raise ValueError("; ".join(problems)) from None
