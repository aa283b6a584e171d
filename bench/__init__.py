"""What the event path costs on this machine, next to Node's Socket.IO and plain aiohttp. See README.md."""
