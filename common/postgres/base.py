"""The backend itself; Django looks for it under this name."""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Asks the socket, not the server, before the first query of a request.

    A server that stops, crashes or ends a connection closes it, and the socket says so; between
    requests it has nothing else to say. A question to the server itself would add a round trip to
    every request. It is asked all the same after an error, and when there is something to read.
    """

    def is_usable(self) -> bool:
        link = self.connection
        if link is None or link.closed:
            return False
        if not self.errors_occurred:
            socket = select.poll()
            socket.register(link.fileno(), select.POLLIN)
            if not socket.poll(0):
                return True
        usable: bool = super().is_usable()
        return usable
