"""Who may do what in the upload zone of a server whose folders were made as docs/install-on-a-server.md says.

The accounts are numbers: no account is made. Not here: the SFTP server, which shows an OPD its own folder only.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.feedback.outbox import add_text, put_folder, remove_folder
from pipelines.settings import PROJECT_ROOT

GUIDE = PROJECT_ROOT / "docs" / "install-on-a-server.md"
SERVICE, OPD_GROUP, OPD, LOKET = 61001, 61002, 61003, 61004
NUMBERS = {"gudang": SERVICE, "gudang-opd": OPD_GROUP, "dinkes": OPD, "root": 0}
PLACE = "dinkes/_umpan_balik/kunjungan/7-data"


@pytest.fixture
def zone() -> Iterator[Path]:
    """The zone with the folders of one OPD, made by the commands of the guide."""
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail(
                "in CI this runs as root, who alone can take the part of other accounts", pytrace=False
            )
        pytest.skip("not root: only root can take the part of other accounts")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        made = Path(folder) / "zona"
        _, _, section = GUIDE.read_text("utf-8").partition("## 6. The upload zone")
        commands = re.findall(r"^ *install -d .*$", section.partition("\n## ")[0], re.MULTILINE)
        assert len(commands) >= 3
        for command in commands:
            words = shlex.split(command.replace("$opd", "dinkes").replace("/srv/gudang-unggahan", str(made)))
            for option in ("-o", "-g"):
                if option in words:
                    place = words.index(option) + 1
                    words[place] = str(NUMBERS[words[place]])
            subprocess.run(words, check=True)
        yield made


def as_account(user: int, group: int, more: list[int], work: Callable[[], object]) -> bool:
    """Whether an account can do the work. It runs in a process of its own, with the umask of the services."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(more)
            os.setgid(group)
            os.setuid(user)
            os.umask(0o027)
            work()
        except BaseException:  # whatever it is, the parent is told by the exit code
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def test_services_write_feedback_that_opd_and_upload_page_read(zone: Path) -> None:
    content = zone.parent / "isi"
    content.mkdir()
    (content / "ringkas.json").write_text("{}")

    def write() -> None:
        put_folder(zone, PLACE, content, "dinkes/kunjungan")
        add_text(zone, PLACE, "SELESAI.txt", "selesai", "dinkes/kunjungan")

    def read() -> None:
        for name in ("ringkas.json", "SELESAI.txt"):
            (zone / PLACE / name).read_text("utf-8")
        assert [path.name for path in (zone / "dinkes" / "_umpan_balik").iterdir()] == ["kunjungan"]

    def spoil() -> None:
        (zone / PLACE / "ringkas.json").write_text("[]")

    def send(name: str) -> Callable[[], object]:
        return lambda: (zone / "dinkes" / "kunjungan" / name).write_text("kode\n1\n")

    opd, loket = (OPD, OPD_GROUP, []), (LOKET, SERVICE, [OPD_GROUP])
    assert as_account(SERVICE, SERVICE, [], write)
    assert as_account(*opd, read) and as_account(*loket, read)
    assert not as_account(*opd, spoil) and not as_account(*loket, spoil)
    assert as_account(*opd, send("sftp.csv")) and as_account(*loket, send("loket.csv"))
    assert as_account(SERVICE, SERVICE, [], lambda: remove_folder(zone, PLACE, "dinkes/kunjungan"))
