"""The question bank of Bonsai Real-Time."""
