"""The plugin."""

from bonsai_core import Plugin


class Extension(Plugin):
    """The browser-extension bridge of Bonsai Real-Time: keeps an extension in step with the student's other devices."""

    name = "extension"
