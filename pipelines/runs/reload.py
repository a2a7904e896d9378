"""Lets a running code server read the definitions anew: `python -m pipelines.runs.reload SOCKET`.

The code server starts a new process with the new definitions, and then ends the old one, which first finishes its runs
and the ticks at which it works. Webservers and daemon ask the code server each second, and take the new definitions
over. Only the user of the code server may open its socket, so nothing else asks who may do this.

What belongs here: that call. Not here: when it is made, and the check of the files (cli/server/definitions.py).
"""

from __future__ import annotations

import sys

# The client of a code server has no public name in Dagster.
from dagster._grpc.client import DagsterGrpcClient

from pipelines.runs.readiness import make_ready
from pipelines.settings import load_settings

_MOST_SECONDS = 600


def main(socket: str) -> None:
    """Makes the tables of the new definitions, and reloads. Raises where the code server does not answer."""
    make_ready(load_settings())
    DagsterGrpcClient(socket=socket).reload_code(timeout=_MOST_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
