"""Engine.IO 4: the transports below Socket.IO. It knows no Socket.IO packet."""
