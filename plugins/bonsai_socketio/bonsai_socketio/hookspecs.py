"""The hook that this plugin defines: other packages look after namespaces of their own.

Such a package is a plugin with this hook. It marks it as optional, so that it also loads where bonsai-socketio is not
installed:

    class Chat(Plugin):
        name = "chat"

        @hookimpl(optionalhook=True)
        def claim_namespace(self, namespace):
            return self.clients if namespace == "/chat" else None  # see bonsai_socketio.namespaces.Namespace
"""

from __future__ import annotations

from collections.abc import Awaitable

import pluggy

from bonsai_core import hookimpl
from bonsai_socketio.namespaces import Namespace

_hookspec = pluggy.HookspecMarker(hookimpl.project_name)


class NamespaceHooks:
    """Hooks that bonsai-socketio calls."""

    @_hookspec
    def claim_namespace(self, namespace: str) -> Awaitable[Namespace | None] | Namespace | None:
        """A client wants to connect to a namespace. `/` is the session itself, unless somebody claims that too.

        Args:
            namespace: its name, beginning with a slash.

        Returns:
            An object with the methods of `bonsai_socketio.namespaces.Namespace`, which looks after the namespace's
            clients; None leaves it to others. Without a taker the client is told "Invalid namespace".
        """
        raise NotImplementedError
