"""The servers that are measured: each prints its port as one line and serves until it is terminated."""
