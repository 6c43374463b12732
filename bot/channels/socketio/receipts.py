"""What a client has received. Socket.io has no receipts, but Engine.IO has heartbeats: a client answers every PING
with a PONG, in order, so the answer to a PING proves that all that was sent before it has arrived.
"""

from collections import deque
from collections.abc import Awaitable, Callable

from engineio.async_socket import AsyncSocket
from engineio.packet import PING, PONG, Packet


class Receipts:
    """Counts what is sent on one Engine.IO socket, and what of it has arrived.

    ``arrived`` is called with the number of events that are known to have arrived, each time it grows.
    """

    def __init__(self, socket: AsyncSocket, arrived: Callable[[int], None]) -> None:
        self._socket = socket
        self._arrived = arrived
        self._sent = 0
        self._pings: deque[int] = deque()
        # The library tells nobody of heartbeats, so they are seen where they pass.
        self._send: Callable[[Packet], Awaitable[None]] = socket.send
        self._receive: Callable[[Packet], Awaitable[None]] = socket.receive
        socket.send, socket.receive = self._sending, self._receiving

    def count(self) -> int:
        """Note that an event was sent; returns its number, from 1."""
        self._sent += 1
        return self._sent

    async def ask(self) -> None:
        """Ask for proof of what was sent so far. A PING beside the regular ones disturbs neither side."""
        await self._socket.send(Packet(PING))

    async def _sending(self, packet: Packet) -> None:
        if packet.packet_type == PING:
            self._pings.append(self._sent)
        await self._send(packet)

    async def _receiving(self, packet: Packet) -> None:
        if packet.packet_type == PONG and self._pings:
            self._arrived(self._pings.popleft())
        await self._receive(packet)
