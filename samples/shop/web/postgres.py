"""As much of PostgreSQL's protocol 3.0 as the shop needs: SCRAM-SHA-256 and simple queries."""
import base64
import hashlib
import hmac
import os
import socket
import struct


class Error(Exception):
    pass


def quoted(value):
    if value is None:
        return "null"
    if isinstance(value, (int, float)):
        return str(value)
    if "\0" in value:
        raise Error("text cannot hold a NUL")
    return "'" + value.replace("'", "''") + "'"  # standard_conforming_strings is on


class Connection:
    def __init__(self, host, user, database, password, port=5432, timeout=5):
        self.user, self.password = user, password
        self.socket = socket.create_connection((host, port), timeout)
        self.file = self.socket.makefile("rb")
        words = b"".join(w.encode() + b"\0" for w in ("user", user, "database", database)) + b"\0"
        self.socket.sendall(struct.pack("!ii", len(words) + 8, 196608) + words)
        self.until_ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.send(b"X", b"")
        except OSError:
            pass
        self.file.close()
        self.socket.close()

    def query(self, text, *values):
        self.send(b"Q", (text % tuple(quoted(v) for v in values) if values else text).encode() + b"\0")
        return self.until_ready()

    def send(self, kind, body):
        self.socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def message(self):
        head = self.file.read(5)
        if len(head) < 5:
            raise Error("the database closed the connection")
        return head[:1], self.file.read(struct.unpack("!i", head[1:])[0] - 4)

    def until_ready(self):
        rows, failed = [], None
        while True:
            kind, body = self.message()
            if kind == b"R":
                self.authenticate(body)
            elif kind == b"D":
                rows.append(self.row(body))
            elif kind == b"E":
                fields = {f[:1]: f[1:].decode() for f in body.split(b"\0") if f}
                failed = Error(fields.get(b"M", "unknown error"))
                if fields.get(b"S") == "FATAL":
                    raise failed
            elif kind == b"Z":
                if failed:
                    raise failed
                return rows

    @staticmethod
    def row(body):
        count, at, values = struct.unpack("!h", body[:2])[0], 2, []
        for _ in range(count):
            size = struct.unpack("!i", body[at:at + 4])[0]
            at += 4
            values.append(None if size < 0 else body[at:at + size].decode())
            at += max(size, 0)
        return values

    def authenticate(self, body):
        what, data = struct.unpack("!i", body[:4])[0], body[4:]
        if what == 10:
            self.nonce = base64.b64encode(os.urandom(18)).decode()
            self.first = "n=,r=" + self.nonce
            text = ("n,," + self.first).encode()
            self.send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(text)) + text)
        elif what == 11:
            self.send(b"p", self.proof(data.decode()))
        elif what == 12:
            if data.decode() != "v=" + self.signature:
                raise Error("the server does not know the password")
        elif what != 0:
            raise Error(f"authentication method {what} is not known")

    def proof(self, challenge):
        """RFC 5802 and 7677."""
        fields = dict(f.split("=", 1) for f in challenge.split(","))
        if not fields["r"].startswith(self.nonce):
            raise Error("the server's nonce does not continue ours")

        def mac(key, text):
            return hmac.new(key, text.encode(), "sha256").digest()

        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = mac(salted, "Client Key")
        final = "c=biws,r=" + fields["r"]
        signed = ",".join((self.first, challenge, final))
        proof = bytes(a ^ b for a, b in zip(client_key, mac(hashlib.sha256(client_key).digest(), signed)))
        self.signature = base64.b64encode(mac(mac(salted, "Server Key"), signed)).decode()
        return (final + ",p=" + base64.b64encode(proof).decode()).encode()
