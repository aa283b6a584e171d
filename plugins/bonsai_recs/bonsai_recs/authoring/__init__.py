"""How the bank's questions are written: templates that make many questions each, and their proofs.

Only `bonsai bank build` and `check` need this package; a running server reads the finished bank.
"""
