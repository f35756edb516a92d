"""A TCP proxy on loopback that can be slow, swallow bytes, cut connections or take no new ones: the network's faults.

For Kafka the broker has to advertise the proxy's port, see `ProxiedKafka`.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path

from services.kafka import LocalKafka
from services.process import LOOPBACK, free_port
from services.redis import LocalRedis

_CHUNK = 1 << 16
# With this, closing a socket sends RST instead of FIN.
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Passes bytes between whoever connects to `port` and `upstream`, until told otherwise.

    `delay`: seconds that every chunk is held up, each way. `swallows`: bytes come in and none go out, with the
    connections open (a black hole). `refuses`: new connections are reset at once.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.upstream = 0
        self.delay = 0.0
        self.swallows = self.refuses = False
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()

    def start(self, upstream: int) -> None:
        """Begin to listen."""
        self.upstream = upstream
        self._listener = socket.create_server((LOOPBACK, self.port), reuse_port=False, backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def heal(self) -> None:
        """A sound network again; what was swallowed stays lost with its connection, which is cut."""
        if self.swallows:
            self.reset()
        self.delay, self.swallows, self.refuses = 0.0, False, False

    def reset(self) -> None:
        """Cut all connections with RST."""
        for connection in list(self._connections):
            _cut(connection)

    def stop(self) -> None:
        """Listen no more, and cut what is connected."""
        if self._listener is not None:
            # Closing alone leaves a thread in accept, and the port with it.
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self.reset()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            if self.refuses:
                _cut(near)
                continue
            try:
                far = socket.create_connection((LOOPBACK, self.upstream), timeout=2)
            except OSError:
                _cut(near)
                continue
            far.settimeout(None)
            self._connections |= {near, far}
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := source.recv(_CHUNK):
                time.sleep(self.delay)
                if not self.swallows:
                    target.sendall(data)
        _cut(source)
        _cut(target)
        self._connections -= {source, target}


class ProxiedKafka(LocalKafka):
    """A broker whose clients come through `proxy`, by `bootstrap`; `direct` goes past it."""

    def __init__(self, directory: Path, java: Path, jars: Path) -> None:
        super().__init__(directory, java, jars)
        self.proxy = Proxy()
        self.direct, self._behind = self.bootstrap, free_port()
        self.bootstrap = f"{LOOPBACK}:{self.proxy.port}"
        present = dict(line.split("=", 1) for line in self.properties.read_text().splitlines() if "=" in line)
        protocols = f"{present['listener.security.protocol.map']},PROXY:PLAINTEXT"
        self.configure(
            {
                "listeners": f"{present['listeners']},PROXY://{LOOPBACK}:{self._behind}",
                "advertised.listeners": f"{present['advertised.listeners']},PROXY://{self.bootstrap}",
                "listener.security.protocol.map": protocols,
            }
        )
        self.proxy.start(self._behind)

    @property
    def proxies(self) -> list[Proxy]:
        """All there are between it and its clients."""
        return [self.proxy]

    def stop(self) -> None:
        """See `Kafka`; the proxy too."""
        super().stop()
        self.proxy.stop()


class ProxiedRedis(LocalRedis):
    """A durable server whose clients come through `proxy`, by `url`; `direct` goes past it."""

    def __init__(self, directory: Path, program: Path) -> None:
        super().__init__(directory, program, "--appendonly", "yes")
        self.proxy = Proxy()
        self.direct = self.url
        self.url = f"redis://{LOOPBACK}:{self.proxy.port}/0"
        self.proxy.start(self.port)

    def stop(self) -> None:
        """See `RedisServer`; the proxy too."""
        super().stop()
        self.proxy.stop()


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    # Wakes the thread that waits in recv, which closing alone does not.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
