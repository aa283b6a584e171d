"""nginx with nchan, one worker, in the foreground and in a temporary folder: `python -m bench.peers.nchan FOLDER`.

Subscribers and publishers are WebSockets. As our room logs do, the channel keeps its newest thousand messages for an
hour, and a subscriber is pinged when it is silent; nothing is authenticated, validated or written to disk.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.install import NCHAN_MODULE
from bench.peers.common import listens, ready
from bonsai_core.testing.process import free_port

CONFIG = """
daemon off;
{user}
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log stderr warn;
load_module {module};
events {{ worker_connections 20000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  nchan_message_buffer_length 1000;
  nchan_message_timeout 1h;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /sub {{
      nchan_subscriber websocket;
      nchan_websocket_ping_interval 30;
      nchan_subscriber_first_message newest;
      nchan_channel_id room;
    }}
    location = /pub {{
      nchan_publisher websocket http;
      nchan_channel_id room;
    }}
  }}
}}
"""


def main(folder: Path) -> int:
    """Serve until terminated."""
    port = free_port()
    # As root, nginx would give its worker another user, who may not enter the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(user=user, folder=folder, module=NCHAN_MODULE, port=port))
    process = subprocess.Popen(["nginx", "-e", "stderr", "-p", str(folder), "-c", str(config)])
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while process.poll() is None:
        if listens(port):
            ready(port)
            return process.wait()
        time.sleep(0.02)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
