"""The plugin."""

from bonsai_core import Plugin


class Vision(Plugin):
    """Live question analysis for Bonsai Real-Time: a screenshot becomes a question, step by step, on your own machine."""

    name = "vision"
