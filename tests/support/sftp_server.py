"""A real SFTP server on the loopback that a test can stop in the middle of a transfer, for remote upload zones."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path
from typing import Any

import asyncssh
from sshfs import SSHFileSystem

PASSWORD = "s3cret-S4ndi"
ACCOUNT = "opd"


class SftpServer:
    """Serves `folder` as / to ACCOUNT until it is stopped. reads: how many reads of files it still answers, None for all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reads: int | None = None
        self.connections = 0
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(self._start(0))
        self.port: int = self._server.get_port()
        self.url = f"sftp://{ACCOUNT}@127.0.0.1:{self.port}/zona"
        self.known_hosts = folder.with_name("known_hosts")
        self.trust(self._key)

    def trust(self, key: Any) -> None:
        """Makes `key` the server's key in the file of known hosts."""
        line = f"[127.0.0.1]:{self.port} {key.export_public_key().decode()}"
        self.known_hosts.write_text(line)

    def environment(self) -> dict[str, str]:
        return {
            "GUDANG_UPLOAD_ZONE": self.url,
            "GUDANG_UPLOAD_ZONE_PASSWORD": PASSWORD,
            "GUDANG_UPLOAD_ZONE_KNOWN_HOSTS": str(self.known_hosts),
        }

    def pause(self) -> None:
        """Cuts all open connections and refuses new ones."""
        self._run(self._close())

    def resume(self) -> None:
        self.reads = None
        self._server = self._run(self._start(self.port))

    def stop(self) -> None:
        # A client closes its connection when it is collected, which must happen before the loop stops.
        SSHFileSystem.clear_instance_cache()
        gc.collect()
        self.pause()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _start(self, port: int) -> Any:
        self._open: set[Any] = set()
        return await asyncssh.listen(
            "127.0.0.1", port, server_host_keys=[self._key], server_factory=lambda: _Login(self),
            sftp_factory=lambda channel: _Files(self, channel),
        )  # fmt: skip

    async def _close(self) -> None:
        self._server.close()
        for connection in list(self._open):
            connection.abort()
        await self._server.wait_closed()


class _Login(asyncssh.SSHServer):
    def __init__(self, server: SftpServer) -> None:
        self.server = server

    def connection_made(self, conn: Any) -> None:
        self.server.connections += 1
        self.server._open.add(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (ACCOUNT, PASSWORD)


class _Files(asyncssh.SFTPServer):
    def __init__(self, server: SftpServer, channel: Any) -> None:
        super().__init__(channel, chroot=str(server.folder).encode())
        self.server = server

    def read(self, file_obj: Any, offset: int, size: int) -> Any:
        if self.server.reads is not None:
            self.server.reads -= 1
            if self.server.reads < 0:
                self.channel.get_connection().abort()
        return super().read(file_obj, offset, size)
