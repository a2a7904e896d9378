"""The rows of a one-column MySQL result, read in blocks from the driver's own socket.

What belongs here: the packets of the client/server protocol. Why: PyMySQL spends more time on each packet than the
server on making the row; a row of one text needs little of it. It has no public way to its socket, so that this is
the one place that knows `_result`, `_rfile`, `_sock` and `_read_timeout`.
Source: MariaDB "Client/Server Protocol": "0-packet", "Result Set Packets", "Protocol Data Types" (length-encoded).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from struct import Struct
from typing import Any

from pymysql import err

_CHUNK = 1 << 18
_FULL = 0xFFFFFF
_header = Struct("<I").unpack_from
_KEEPALIVE = (
    ("TCP_KEEPIDLE", 30),
    ("TCP_KEEPINTVL", 10),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 60_000),
)
_LENGTH_BYTES = {0xFC: 2, 0xFD: 3, 0xFE: 8}


def be_patient(connection: Any, seconds: float) -> None:
    """How long the connection may be silent from now on."""
    connection._read_timeout = seconds


def keep_alive(connection: Any) -> None:
    """A peer that is gone without a word is found out in a minute, not in the two hours of the system's default."""
    if connection._sock.family == socket.AF_UNIX:
        return
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):  # not every system knows all
            connection._sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def let_go(connection: Any) -> None:
    """Nobody reads the open result on: the driver would read it to its end before it forgets it."""
    if connection._result:
        connection._result.unbuffered_active = False


def read_values(connection: Any, query: str) -> Iterator[list[bytes | None]]:
    """The values of the query's one column, as many at a time as came together; None is NULL.

    Raises pymysql.MySQLError where the server ends the result with an error, EOFError where the connection ends,
    TimeoutError where it is silent. A value may be of any length; memory holds one of them and a block.
    """
    connection.query(query, unbuffered=True)
    let_go(connection)
    file = connection._rfile
    buffer = b""
    while True:
        chunk = file.read1(_CHUNK)
        if not chunk:
            raise EOFError("lost connection to the server during the reading")
        buffer = buffer + chunk if buffer else chunk
        position, end = 0, len(buffer)
        values: list[bytes | None] = []
        add = values.append
        while position + 5 <= end:
            size = _header(buffer, position)[0] & _FULL
            start = position + 4
            stop = start + size
            if stop > end:
                break
            first = buffer[start]
            if first < 0xFB:  # the value's length; then the value
                add(buffer[start + 1 : stop])
            elif first == 0xFF:
                err.raise_mysql_exception(buffer[start:stop])
            elif first == 0xFE and size < 9:  # the end
                if values:
                    yield values
                return
            else:
                add(_value(buffer[start:stop]))
            position = stop
        buffer = buffer[position:]
        if values:
            yield values
        if len(buffer) >= 4 and (size := _header(buffer)[0] & _FULL) > _CHUNK:
            yield [_long(file, buffer, size)]
            buffer = b""


def _long(file: Any, buffer: bytes, size: int) -> bytes | None:
    """A value longer than a block, of which `buffer` holds the beginning: read to its end and no further."""
    parts = [buffer[4:], _exactly(file, 4 + size - len(buffer))]
    while size == _FULL:  # goes on in the next packet
        size = int.from_bytes(_exactly(file, 4)[:3], "little")
        parts.append(_exactly(file, size))
    return _value(b"".join(parts))


def _exactly(file: Any, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError("lost connection to the server during the reading")
    return data


def _value(packet: bytes) -> bytes | None:
    if packet[0] == 0xFB:
        return None
    return packet[1 + _LENGTH_BYTES.get(packet[0], 0) :]
