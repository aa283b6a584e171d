"""The Socket.IO gateway of Bonsai Real-Time: stock Socket.IO clients join the same sessions as native ones."""
