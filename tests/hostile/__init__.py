"""What peers must not be able to do: every case with the status, close code or error code that PROTOCOL.md gives it."""
