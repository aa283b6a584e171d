"""The chaos test: many devices, a cutting network, a server killed again and again; then the history is checked.

`python -m tests.chaos --seed 1` runs it in full; `tests/test_chaos.py` in short.
"""
