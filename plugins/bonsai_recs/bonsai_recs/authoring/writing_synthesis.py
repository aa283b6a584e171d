"""Rhetorical Synthesis: notes and a goal. The questions are in `items/rhetorical_synthesis.toml`."""

from __future__ import annotations

from bonsai_recs.authoring.kit import fixed
from bonsai_recs.authoring.prose import load

fixed("Rhetorical Synthesis", load("rhetorical_synthesis"), name="writing_synthesis")
