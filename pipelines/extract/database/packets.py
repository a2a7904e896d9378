"""Reads the rows of a one-column MySQL result in blocks, from PyMySQL's own socket.

What belongs here: the packets of the client/server protocol, and every use of what PyMySQL keeps private (`_result`,
`_rfile`, `_sock`, `_read_timeout`, `_force_close`): it has no public way to its socket, to the columns of an unbuffered
result, or to a close without a message. pyproject.toml keeps PyMySQL below 1.3 for it.
Why: with 200,000 rows of 14 columns this takes 0.97 s; PyMySQL's SSCursor takes 1.74 s for the same query
(docs/adr/010).
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


def set_read_timeout(connection: Any, seconds: float) -> None:
    """Sets for how many seconds the server may be silent from now on."""
    connection._read_timeout = seconds


def keep_alive(connection: Any) -> None:
    """Makes the operating system notice within a minute that the server is gone. Its default is two hours."""
    if connection._sock.family == socket.AF_UNIX:
        return
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):  # not every system knows all
            connection._sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def close(connection: Any) -> None:
    """Closes the socket without a message to the server, which may be silent or in the middle of a result."""
    connection._force_close()


def result_fields(connection: Any) -> list[Any]:
    """Returns the columns of the last result, each with name, type_code, charsetnr and length."""
    return list(connection._result.fields)


def abandon_result(connection: Any) -> None:
    """Tells PyMySQL that the open result needs no more reading.

    Otherwise it reads the remaining rows before it closes the connection or runs the next query.
    """
    if connection._result:
        connection._result.unbuffered_active = False


def read_values(connection: Any, query: str) -> Iterator[list[bytes | None]]:
    """Runs the query and gives the values of its only column, as many at a time as have arrived; None is NULL.

    Raises pymysql.MySQLError if the server ends the result with an error, EOFError if the connection ends, TimeoutError
    if the server is silent. A value may have any length; memory holds one value and one block.
    """
    connection.query(query, unbuffered=True)
    abandon_result(connection)
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
    """Reads a value that is longer than a block exactly to its end; `buffer` has its beginning."""
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
