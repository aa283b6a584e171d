"""How questions are chosen: plain numpy, no session in it, and the same code live and in simulations.

`pool` holds the items as arrays, `ability` what is known of a student, `blueprint` what the test is made of;
`diagnose`, `practice` and `mock` are the rules.

Importing this package loads numpy; the plugin does so in `on_startup`.
"""
