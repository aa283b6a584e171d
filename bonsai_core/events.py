"""What plugin authors declare: payload models, events they handle (`@on`) and events they watch (`@observes`)."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, get_type_hints

import msgspec
import pluggy
from pydantic import BaseModel

from bonsai_core.payload import IsAttachment
from bonsai_core.protocol import ErrorCode

#: Name under which pluggy knows our hooks; also the entry-point group of plugins is `bonsai.plugins`.
PROJECT = "bonsai"

hookimpl = pluggy.HookimplMarker(PROJECT)
hookspec = pluggy.HookspecMarker(PROJECT)

_F = TypeVar("_F", bound=Callable[..., Any])


class Refused(Exception):
    """Raise in a handler to refuse an event: nothing of the handler happens, the sender gets an `error` frame.

    A refusal is an answer, not a failure: it does not count against the plugin.

    Args:
        code: one of `ErrorCode`, or a plugin's own `snake_case` code.
        message: for the client's developer; no secrets.
        details: anything JSON-able that helps the client.
        retry_after_ms: when it makes sense to try again, in milliseconds.
    """

    def __init__(
        self,
        code: str = ErrorCode.FORBIDDEN,
        message: str = "",
        *,
        details: Any = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = str(code)
        self.message = message or str(code).replace("_", " ")
        self.details = details
        self.retry_after_ms = retry_after_ms


class Event:
    """One event as hooks see it.

    Attributes:
        name: for example `analytics:performance`.
        id: the client's message id, or None when it wants no guarantee.
        client_id: which client sent it; empty for an event that a plugin emitted.
        raw: the payload as JSON bytes.
        attachment: bytes of a binary frame, or None.
    """

    __slots__ = ("_data", "attachment", "client_id", "id", "name", "raw")

    def __init__(
        self, name: str, raw: bytes, id: int | None = None, client_id: str = "", attachment: bytes | None = None
    ) -> None:
        self.name = name
        self.id = id
        self.client_id = client_id
        self.raw = raw
        self.attachment = attachment
        self._data: Any = None

    @property
    def data(self) -> Any:
        """The payload as plain Python data, decoded on first use. Treat it as read-only.

        Raises:
            Refused: `invalid_payload`, for a number or a depth that Python cannot hold: the sender's fault, not the
                plugin's.
        """
        if self._data is None:
            try:
                self._data = msgspec.json.decode(self.raw)
            except (msgspec.DecodeError, RecursionError):
                message = f"the payload of {self.name} holds a number too large, or is nested too deeply"
                raise Refused(ErrorCode.INVALID_PAYLOAD, message) from None
        return self._data

    def __repr__(self) -> str:  # never the payload: reprs end up in logs
        return f"Event({self.name!r}, id={self.id})"


@dataclass(frozen=True)
class Handles:
    """What `@on` and `@observes` leave on a function."""

    event: str
    observes: bool
    concurrent: bool = False
    timeout_ms: int | None = None
    rate: tuple[int, float] | None = None


def on(
    event: str,
    *,
    concurrent: bool = False,
    timeout_ms: int | None = None,
    rate: tuple[int, float] | None = None,
) -> Callable[[_F], _F]:
    """Handle a client event. The plugin owns it: a second owner is a start-up conflict.

    The function is called as `handler(self, session, payload)`, or without the payload if it takes none. The
    payload's annotation says how it is validated: a `Payload` model, or `Event` for the event as it came. What it
    returns (a model, plain data or None) is the ack's data. It may be sync or async.

    Args:
        event: the name on the wire, `domain:verb`.
        concurrent: run in a task of its own with a unit of work of its own, so that the session's next events do
            not wait. For work longer than some ten milliseconds.
        timeout_ms: deadline of a call; default is the setting `BONSAI_HANDLER_TIMEOUT_MS`.
        rate: at most (messages, seconds) of this event for one user; `BONSAI_RATE_EVENTS` wins over it.
    """
    return _declare(Handles(event, observes=False, concurrent=concurrent, timeout_ms=timeout_ms, rate=rate))


def observes(event: str, *, timeout_ms: int | None = None) -> Callable[[_F], _F]:
    """See an event that another plugin emitted to a session, after it was committed.

    Called like an `@on` handler, with a unit of work and a duplicate mark of its own; its return value is not used.
    What observers emit is observed in turn, up to three deep; what hooks and `App.act` emit is not.
    """
    return _declare(Handles(event, observes=True, timeout_ms=timeout_ms))


def folds(collection: str) -> Callable[[_F], _F]:
    """Declare how contributions become an aggregate that many users share, such as an item's difficulty.

    The function is called as `fold(self, key, aggregate, deltas)`: the aggregate so far (plain data, None at first) and
    what `Session.contribute` left for it, in order. It returns the new aggregate as plain data. It must be quick, and
    sync: it runs in the background, for batches, each contribution exactly once. `Session.shared` reads the result.

    Args:
        collection: the name that `contribute` and `shared` use.
    """

    def mark(function: _F) -> _F:
        function.__bonsai_folds__ = collection  # type: ignore[attr-defined]
        return function

    return mark


def declared_folds(plugin: object) -> dict[str, Callable[..., Any]]:
    """Every `@folds` function of a plugin object, by collection."""
    found: dict[str, Callable[..., Any]] = {}
    for name in _definition_order(plugin):
        function = getattr(plugin, name, None)
        if function is not None and hasattr(function, "__bonsai_folds__"):
            found[function.__bonsai_folds__] = function
    return found


def _declare(handles: Handles) -> Callable[[_F], _F]:
    def mark(function: _F) -> _F:
        declared = getattr(function, "__bonsai_handles__", ())
        function.__bonsai_handles__ = (*declared, handles)  # type: ignore[attr-defined]
        return function

    return mark


class Plugin:
    """Base class of plugins; optional, for `@on`, `@observes` and declared `emits`. Any hook may be added.

    Attributes:
        name: unique, lower case; what logs, settings and `bonsai plugins` call it.
        emits: events this plugin sends, and the model of each one's payload.
    """

    name: ClassVar[str] = ""
    emits: ClassVar[dict[str, type[BaseModel]]] = {}


@dataclass(frozen=True)
class Signature:
    """How to call a declared handler: what it takes and what it gives back."""

    handles: Handles
    function: Callable[..., Any]
    takes_payload: bool
    model: type[BaseModel] | None
    attachment_field: str | None
    returns: Any


def declared_handlers(plugin: object) -> list[Signature]:
    """Every `@on` and `@observes` of a plugin object, in order of definition.

    Raises:
        TypeError: a handler's signature is not one that can be called.
    """
    found = []
    for name in _definition_order(plugin):
        function = getattr(plugin, name, None)
        for handles in getattr(function, "__bonsai_handles__", ()):
            assert function is not None
            found.append(_signature(plugin, name, function, handles))
    return found


def _definition_order(plugin: object) -> list[str]:
    if inspect.ismodule(plugin):
        return list(vars(plugin))
    names: dict[str, None] = {}
    for base in reversed(type(plugin).__mro__):
        names.update(dict.fromkeys(vars(base)))
    return list(names)


def _signature(plugin: object, name: str, function: Callable[..., Any], handles: Handles) -> Signature:
    where = f"{type(plugin).__name__}.{name}"
    parameters = [
        p
        for p in inspect.signature(function).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if not 1 <= len(parameters) <= 2:
        raise TypeError(f"{where} handles {handles.event!r} and must take (session) or (session, payload)")
    hints = _hints(function, where)
    model: type[BaseModel] | None = None
    if len(parameters) == 2:
        annotation = hints.get(parameters[1].name, Event)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
        elif annotation not in (Event, Any):
            raise TypeError(f"{where}: the payload of {handles.event!r} must be a Payload model or Event")
    attachment = None
    if model is not None:
        attachment = next(
            (n for n, f in model.model_fields.items() if any(isinstance(m, IsAttachment) for m in f.metadata)), None
        )
    return Signature(handles, function, len(parameters) == 2, model, attachment, hints.get("return"))


def _hints(function: Callable[..., Any], where: str) -> dict[str, Any]:
    """Resolve annotations; those that only exist for type checkers (as `Session` may) are left out."""
    try:
        return get_type_hints(function, include_extras=True)
    except NameError:
        pass
    raw = inspect.get_annotations(inspect.unwrap(getattr(function, "__func__", function)))
    names = {**vars(builtins), **getattr(function, "__globals__", {})}
    hints = {}
    for name, annotation in raw.items():
        try:
            # The author's own source text, as typing.get_type_hints evaluates it.
            hints[name] = eval(annotation, names) if isinstance(annotation, str) else annotation  # noqa: S307
        except NameError as error:
            if name not in ("session", "return"):
                raise TypeError(f"{where}: cannot resolve the annotation of {name!r}: {error}") from None
    return hints
