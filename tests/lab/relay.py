# SPDX-License-Identifier: Apache-2.0
"""A way to an sshd that fails: TCP connections are relayed one SSH packet at a time, counted over both directions, and after
the planned one something happens to the connection.

    relay = Relay(server.ssh_port)         # stop() at the end
    relay.plan(at=40, do="reset")          # the first connection that gets so far; always=True: all that come after it too
    ... a run of the product that connects to relay.port ...
    assert relay.reached
    relay.release()                        # the server's ends of connections that went silent are closed

    relay.gate.clear()                     # connections that come now are held, silent, until gate.set()

Where packets end can be seen from outside as long as the cipher is AES-GCM, whose lengths are not encrypted: it is what the
product likes best.
"""

import selectors
import socket
import struct
import threading

NEWKEYS, TAG, LONGEST = 21, 16, 1 << 18
UP, DOWN = "up", "down"  # from the client, to it
WAYS = ("close", "reset", "torn", "silence", "only up", "only down")


class Packets:
    """Cuts what one side of a connection sends into units: its greeting, then packets."""

    def __init__(self):
        self.held, self.greeted, self.tag = b"", False, 0

    def feed(self, data):
        self.held += data
        while (size := self.next_size()) is not None and len(self.held) >= size:
            packet, self.held = self.held[:size], self.held[size:]
            if not self.greeted:
                self.greeted = packet.startswith(b"SSH-")
            elif not self.tag and packet[5] == NEWKEYS:
                self.tag = TAG
            yield packet

    def next_size(self):
        if not self.greeted:
            end = self.held.find(b"\n")
            return end + 1 if end >= 0 else None
        if len(self.held) < 6:
            return None
        length = struct.unpack_from(">I", self.held)[0]
        assert length <= LONGEST, f"no length of a packet: {length}; is the cipher no longer AES-GCM?"
        return 4 + length + self.tag


class Connection:
    def __init__(self, relay, client):
        self.relay, self.count, self.fate = relay, 0, None
        server = socket.create_connection(("127.0.0.1", relay.to), timeout=30)
        self.ends = {UP: (client, server), DOWN: (server, client)}
        self.packets = {UP: Packets(), DOWN: Packets()}
        for end in (client, server):
            end.settimeout(30)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self, reset=False):
        for end in self.ends[UP]:
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()

    def passes(self, way):
        return self.fate is None or self.fate == f"only {way}"

    def pass_on(self, way, packet):
        """False when the connection is over."""
        fate = self.relay.next_packet(self) if self.fate is None else None
        if fate == "torn":
            packet = packet[: len(packet) // 2]
        if self.passes(way):
            self.ends[way][1].sendall(packet)
        if fate in ("close", "reset", "torn"):
            self.close(reset=fate != "close")
            return False
        self.fate = fate or self.fate
        return True

    def move(self, way):
        """What has come; False when the connection is over."""
        source, to = self.ends[way]
        data = source.recv(65536)
        for packet in self.packets[way].feed(data):
            if not self.pass_on(way, packet):
                return False
        if data:
            return True
        if self.passes(way):
            self.close()
        else:  # the other end never hears of it: as far as it knows, nothing has happened
            self.relay.hold(source, to)
        return False


class Relay(threading.Thread):
    """What is on the way to port TO of this machine."""

    def __init__(self, to):
        super().__init__(daemon=True)
        self.to, self.listener = to, socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self.listener.getsockname()[1]
        self.lock, self.threads, self.held, self.over = threading.Lock(), [], [], False
        self.gate = threading.Event()
        self.gate.set()
        self.plan()
        self.start()

    def plan(self, at=None, do=None, always=False, when=None):
        """WHEN: not after a number of packets but once that file is there."""
        self.at, self.do, self.always, self.when = at, do, always, when
        self.reached, self.longest, self.connections = False, 0, 0

    def next_packet(self, connection):
        """What happens to CONNECTION after the packet that has come now."""
        connection.count += 1
        self.longest = max(self.longest, connection.count)
        come = self.when.exists() if self.when else connection.count == self.at
        if come and not self.reached:
            self.reached = True
            return self.do
        return None

    def hold(self, *ends):
        with self.lock:
            self.held += ends

    def release(self):
        """To be called when the client is gone."""
        for thread in self.threads:
            thread.join(30)
        for end in self.held:
            end.close()
        self.threads, self.held = [], []

    def serve(self, client):
        self.gate.wait()
        try:
            connection = Connection(self, client)
        except OSError:
            client.close()
            return
        with selectors.DefaultSelector() as ready:
            for way, (source, _) in connection.ends.items():
                ready.register(source, selectors.EVENT_READ, way)
            try:
                more = True
                while more and not self.over:
                    more = all([connection.move(key.data) for key, _ in ready.select(1)])
            except OSError:  # an end is gone
                connection.close()

    def run(self):
        while not self.over:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.reached and self.always:  # there is no way any more
                if self.do in ("close", "reset", "torn"):
                    client.close()
                else:
                    self.hold(client)
                continue
            self.threads.append(threading.Thread(target=self.serve, args=(client,), daemon=True))
            self.threads[-1].start()

    def stop(self):
        self.over = True
        self.gate.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.release()
        self.join()
