"""Artillery, a load generator of other hands, against our Socket.IO gateway: `python -m bench.artillery`."""
