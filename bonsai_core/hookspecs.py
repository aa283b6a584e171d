"""The hook specifications: every place where a plugin can take part.

Every hook may be sync or async. A plugin implements a hook as a method (or module function) of the same name marked
`@hookimpl`; it may leave out arguments that it does not need. Failures are contained: an exception, a hang past the
deadline or a cancellation is logged with the plugin's name and the others go on.

Compatibility: arguments are only ever added; a breaking change is a new hook name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

from bonsai_core.events import Event, hookspec

if TYPE_CHECKING:
    import click

    from bonsai_core.app import App
    from bonsai_core.domain import Question
    from bonsai_core.session import Session


class HookSpecs:
    """All hooks. `bonsai plugins` lists which plugin implements which."""

    # The life of a session

    @hookspec
    def on_connect(self, session: Session) -> Awaitable[None] | None:
        """A device has joined a session.

        Called after the device got `user:joined` and what it missed, once for each connection. `session.recovered`
        says whether the device missed nothing; `session.reply` sends to this device alone.
        """

    @hookspec
    def on_event(self, session: Session, event: Event) -> Awaitable[Any] | Any:
        """A client's event has arrived. Called for every event name that is not the core's own.

        `@on(name)` is sugar over this hook for one event with a validated payload; prefer it.

        Args:
            session: the unit of work; what is collected commits when this returns.
            event: name, id and payload. `event.data` is the decoded JSON, not validated.

        Returns:
            None if the event is none of this plugin's business, else the ack's data. An event that no plugin
            owns, answers, or does anything about is answered `unknown_event`.
        """

    @hookspec
    def on_disconnect(self, session: Session, reason: str) -> Awaitable[None] | None:
        """A device has left. Called once for each connection that had joined, when it is over.

        What is emitted here goes to the session's other devices. A process that is killed calls nothing: do not rely on
        this to keep something; presence (`Session.devices`) ends by itself.

        Args:
            reason: `left` (for good), `closed`, `lost`, `replaced`, `expired`, `shutdown`, or `slow`: cut off with
                4008.
        """

    @hookspec
    def on_session_end(self, session: Session) -> Awaitable[Mapping[str, Any] | None] | Mapping[str, Any] | None:
        """A client has ended the session (`session:end`).

        Returns:
            A contribution to the summary that all devices get, under the plugin's name, or None.
        """

    # Who may do what

    @hookspec
    def allow_handshake(self, address: str, headers: Mapping[str, str]) -> Awaitable[bool | None] | bool | None:
        """A WebSocket is about to be opened: look at the user agent or other headers. Called before any token is seen.

        Args:
            address: the client's address, as trusted proxies tell it.
            headers: the request's headers; names are matched without regard to case.

        Returns:
            False to refuse with 403; anything else lets the next plugin decide. A failing plugin refuses.
        """

    @hookspec
    def validate_user(self, user: str, claims: Mapping[str, Any]) -> Awaitable[bool | None] | bool | None:
        """A token was verified; may this user come in? Called at join and at `auth:refresh`.

        Args:
            user: the token's `sub`.
            claims: everything that the token says.

        Returns:
            False to refuse (4403); anything else lets the next plugin decide. A failing plugin refuses: access
            control fails closed.
        """

    @hookspec
    def authorize_room(self, session: Session, room: str, owner: str) -> Awaitable[bool | None] | bool | None:
        """May this device join a room that is neither its user's nor its session's?

        Asked again on each resume and when the device got a new token.

        Args:
            session: the asking device's; `session.roles` and `session.claims` say whose it is.
            room: the room's name, such as `class:7b`.
            owner: the user to whom a `user:...` or `session:...` room belongs; empty for a plugin's own room.

        Returns:
            True to allow, False to forbid, None for no opinion. One False forbids; without any True it is forbidden.
        """

    # The process

    @hookspec
    def on_startup(self, app: App) -> Awaitable[None] | None:
        """The server starts; the store is open, sockets are not. Load heavy things here, in the background if slow.

        Called too when the plugin is enabled or reloaded in a running server: sockets are open then, and what it
        replaces still runs. If it fails, the plugin is not taken into use.
        """

    @hookspec
    def on_shutdown(self, app: App) -> Awaitable[None] | None:
        """The server stops; all sockets are closed, the store is still open.

        Called too when the plugin was disabled or reloaded in a running server, after its last handler; sockets stay.
        Tasks of `App.create_task` end after it; end here what else goes on.
        """

    @hookspec
    def add_routes(self, app: App) -> None:
        """Add HTTP routes: `app.add_route("GET", "/class/{name}", handler)`. Called once, before start-up."""

    @hookspec
    def add_commands(self, cli: click.Group) -> None:
        """Add commands to `bonsai`. Must be cheap: it runs for every `bonsai --help`."""

    @hookspec
    def check_health(self, app: App) -> Awaitable[Mapping[str, Any] | None] | Mapping[str, Any] | None:
        """How is the plugin? Asked by `/readyz`, `bonsai plugins` and the health action.

        Returns:
            Details to show under the plugin's name; `{"ready": False, ...}` says that the plugin is not ready yet.
        """

    # Knowledge that plugins share

    @hookspec(firstresult=True)
    def find_question(self, question_id: str) -> Awaitable[Question | None] | Question | None:
        """The question with this id, from the first bank that knows it. Called when plugins ask `App.find_question`.

        Args:
            question_id: the bank's id of it.

        Returns:
            The question with its answer (server side only), or None.
        """
