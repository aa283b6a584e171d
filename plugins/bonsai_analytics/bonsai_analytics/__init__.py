"""Live performance analytics for Bonsai Real-Time: a plugin."""
