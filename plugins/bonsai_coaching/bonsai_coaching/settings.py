"""The plugin's settings, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bonsai_coaching.rules import SHIPPED


class Settings(BaseModel):
    """How the coach behaves. Each has an environment variable: `BONSAI_COACHING_` and its name in upper case.

    Attributes:
        dwell_seconds: how long a hint must have been shown before the next one opens.
        questions_per_nudge: of so many questions in a row, at most one brings a nudge.
        rules: the file of the triggers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dwell_seconds: Annotated[float, Field(ge=0, le=3600)] = 10.0
    questions_per_nudge: Annotated[int, Field(ge=1, le=1000)] = 3
    rules: Path = SHIPPED

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read them.

        Raises:
            ValueError: a variable is out of its range; the message names it.
        """
        values = {
            name: environ[env] for name in cls.model_fields if (env := f"BONSAI_COACHING_{name.upper()}") in environ
        }
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            faults = "; ".join(f"BONSAI_COACHING_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
            raise ValueError(faults) from None
