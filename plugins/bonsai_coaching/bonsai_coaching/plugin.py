"""The plugin."""

from bonsai_core import Plugin


class Coaching(Plugin):
    """Instant coaching for Bonsai Real-Time: hint ladders, strategies, and a coach that speaks up at the right moment."""

    name = "coaching"
