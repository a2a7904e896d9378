"""`gudang deploy`: writes the files that a server needs to keep this installation running.

What belongs here: filling in the templates of deploy/, and not losing what somebody changed in an earlier result. Not
here: installing the files, which is the administrator's (docs/install-on-a-server.md).
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import CommandGroup
from pipelines.errors import GudangError

app = CommandGroup(
    name="deploy",
    short_help="Tulis berkas untuk menjalankan gudang di server.",
    help="Berkas untuk menjalankan gudang di server. Caranya langkah demi langkah ada di docs/install-on-a-server.md.",
)
SUMS = Path("etc/gudang/SHA256SUMS")
"""The hashes of what was written, in the form of sha256sum: `cd / && sha256sum -c etc/gudang/SHA256SUMS`."""
_OWN_FOLDERS = ("/home", "/root", "/run/user")
"""What systemd's ProtectHome hides."""


@app.callback()
def _group() -> None:
    """Keeps `deploy` a group although it has one command."""


@app.command("systemd")
def systemd(
    output: Annotated[Path, typer.Option(help="Folder untuk berkasnya.", show_default=False)],
    user: Annotated[str, typer.Option(help="Pengguna Linux yang menjalankan layanan.")] = "gudang",
    home: Annotated[Path, typer.Option(help="Folder kerja di server (GUDANG_HOME).")] = Path(
        "/var/lib/gudang"
    ),
    zone: Annotated[Path, typer.Option(help="Zona unggah di server.")] = Path("/srv/gudang-unggahan"),
    project: Annotated[
        Path | None, typer.Option(help="Folder proyek di server.", show_default="proyek ini")
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            help="Port halaman web perekayasa; pembaca dan loket memakai dua port berikutnya.",
            min=1,
            max=65533,
        ),
    ] = 3000,
    force: Annotated[bool, typer.Option("--force", help="Timpa juga berkas yang sudah diubah.")] = False,
) -> None:
    """Tulis unit systemd: halaman web, loket, daemon, code server, pemeriksaan, cadangan, dan zona unggah.

    Tidak ada yang dipasang dan tidak ada rahasia yang ditulis. Boleh diulang: berkas yang sudah diubah tidak ditimpa.
    """
    from pipelines.runtime.environment import current_settings

    settings = current_settings()
    where = project or settings.project
    values = {
        "USER": _user(user),
        "HOME": _place("--home", home),
        "ZONE": _place("--zone", zone),
        "PROJECT": _place("--project", where),
        "BIN": _place("--project", where / ".venv" / "bin" if project else Path(sys.executable).parent),
        "PORT": str(port),
        "READERS_PORT": str(port + 1),
        "LOKET_PORT": str(port + 2),
    }
    hidden = any(
        values[name].startswith(f"{own}/") for name in ("HOME", "PROJECT", "BIN") for own in _OWN_FOLDERS
    )
    values["PROTECT_HOME"] = "read-only" if hidden else "yes"
    # What the upload page needs may lie in the working folder; then it stays visible.
    needed = (values[name] for name in ("ZONE", "PROJECT", "BIN"))
    is_apart = not any(f"{place}/".startswith(f"{values['HOME']}/") for place in needed)
    values["HIDDEN_FROM_LOKET"] = f"-{values['HOME']}" if is_apart else ""
    template = settings.project / "deploy" / "systemd" / "root"
    written = write_files(output, dict(_filled_in(template, values)), force=force)
    print(f"{output}: {written} berkas ditulis, yang lain sudah seperti itu.")
    print(_NEXT.format(output=output, user=user, home=home))


_NEXT = """Selanjutnya, sebagai root di server:
  adduser --system --group --home {home} {user}
  cp -r {output}/. /
  install -m 0600 /etc/gudang/gudang.env.contoh /etc/gudang/gudang.env    # lalu isi
  systemd-tmpfiles --create gudang.conf
  systemctl daemon-reload && systemctl enable --now gudang.target
  gudang-server status
Proxy dengan login, zona unggah lewat SFTP, dan pembaruan: docs/install-on-a-server.md"""


def write_files(output: Path, files: Mapping[Path, bytes], *, force: bool) -> int:
    """Writes files below `output` with their hashes, and gives how many were new or other than before.

    files: contents by path; a path below usr/local/sbin is a program, a name with `.env` is for its owner's eyes only.
    force: also overwrites files that were changed since they were written.

    Raises GudangError that names the changed files.
    """
    before = _read_sums(output / SUMS)
    due = {path: content for path, content in files.items() if _content(output / path) != content}
    changed = [
        path
        for path in due
        if (there := _content(output / path)) is not None and _sum(there) != before.get(path.as_posix())
    ]
    if changed and not force:
        raise GudangError(
            str(output),
            f"sudah diubah sesudah ditulis: {', '.join(path.as_posix() for path in changed)}",
            hint="tulis ke folder lain dan bandingkan, atau timpa dengan --force",
        )
    for path, content in due.items():
        place = output / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(mode=0o600)
        place.chmod(_mode(path))
        place.write_bytes(content)
    sums = "".join(f"{_sum(content)}  {path.as_posix()}\n" for path, content in sorted(files.items()))
    (output / SUMS).parent.mkdir(parents=True, exist_ok=True)
    (output / SUMS).write_text(sums, "utf-8")
    return len(due)


def _filled_in(template: Path, values: Mapping[str, str]) -> Iterator[tuple[Path, bytes]]:
    """The path and content of each file below `template`, with every @NAME@ replaced."""
    if not template.is_dir():
        raise GudangError(
            str(template), "folder ini tidak ada", hint="GUDANG_PROJECT harus folder proyek yang lengkap"
        )
    for path in sorted(template.rglob("*")):
        if path.is_file():
            text = re.sub(r"@([A-Z_]+)@", lambda found: values[found.group(1)], path.read_text("utf-8"))
            yield path.relative_to(template), text.encode()


def _mode(path: Path) -> int:
    if ".env" in path.name:
        return 0o600
    return 0o755 if "sbin" in path.parts else 0o644


def _read_sums(path: Path) -> dict[str, str]:
    """The hashes by path; {} if there is no such file."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _user(name: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", name) or name == "root":
        raise GudangError(
            "--user", f'"{name}" bukan pengguna untuk layanan', hint="huruf kecil, angka, - dan _; bukan root"
        )
    return name


def _place(option: str, path: Path) -> str:
    """The path as text, if systemd takes it literally: absolute, without blanks, % or $."""
    text = path.as_posix()
    if not re.fullmatch(r"(/[A-Za-z0-9][A-Za-z0-9._-]*|/\.[A-Za-z0-9][A-Za-z0-9._-]*)+", text):
        raise GudangError(
            option,
            f'"{text}" tidak dapat dipakai dalam unit systemd',
            hint="jalur mutlak dari huruf, angka, titik, - dan _",
        )
    return text
