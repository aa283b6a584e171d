"""A plugin of Bonsai Real-Time."""
