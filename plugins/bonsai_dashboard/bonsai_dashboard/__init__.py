"""The web page of Bonsai Real-Time: practise, see progress, watch the server."""
