"""Bonsai Real-Time: the public API for plugin authors."""
