"""Serves the upload page: the application, and uvicorn around it.

What belongs here: joining the parts. Not here: the command (cli/server/loket.py), the demo's child process.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipelines.errors import GudangError
from pipelines.extract.upload.zone import upload_zone
from pipelines.loket.login import DemoLogin, Login, ProxyLogin
from pipelines.loket.pages import Pages, Site
from pipelines.loket.parts import PagesByParts
from pipelines.loket.protection import Protection
from pipelines.loket.users import USERS_FILE, KnownDatasets, MadeUpUsers, UsersFile
from pipelines.settings import Settings

MOST_MB = "GUDANG_LOKET_MAX_MB"
"""The variable with the size of the largest file, in MB."""
_LOOPBACK = ["127.0.0.1", "localhost"]
_MOST_REQUESTS = 64
_CONNECT_S = "5"


def application(site: Site) -> Protection:
    """The application of a site."""
    pages = PagesByParts(site)
    dataset, load = "/dataset/{opd}/{dataset}", "/muatan/{batch:int}"
    routes = [
        Route("/", pages.start),
        Route(dataset, pages.dataset),
        Route(dataset, pages.send, methods=["POST"]),
        Route(f"{dataset}/bagian", pages.begin, methods=["POST"]),
        Route("/bagian/{token}", pages.tell, methods=["HEAD"]),
        Route("/bagian/{token}", pages.add, methods=["PATCH"]),
        Route("/bagian/{token}", pages.finish, methods=["POST"]),
        Route(f"{dataset}/temuan", pages.findings),
        Route(f"{dataset}/temuan", pages.confirm, methods=["POST"]),
        Route(f"{dataset}/templat.{{kind}}", pages.form),
        Route(load, pages.load),
        Route(f"{load}/putusan", pages.decide, methods=["POST"]),
        Route(f"{load}/umpan-balik/{{name}}", pages.returned),
        Route("/bantuan", pages.help),
        Route("/masuk", pages.choose),
        Route("/masuk", pages.enter, methods=["POST"]),
        Route("/keluar", pages.leave, methods=["POST"]),
        Route("/aset/{name}", pages.asset),
        Route("/sehat", _alive),
    ]
    middleware: list[Middleware] = []
    if isinstance(site.login, DemoLogin):
        # Without a proxy no other name leads here: a page elsewhere could have one that leads to 127.0.0.1.
        middleware.append(Middleware(TrustedHostMiddleware, allowed_hosts=_LOOPBACK, www_redirect=False))
    refuse = partial(_refuse, pages)
    handlers = dict.fromkeys((HTTPException, GudangError, psycopg.Error, Exception), refuse)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        with closing(pages):
            yield

    served = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers, lifespan=lifespan)
    return Protection(served)


def make_site(
    settings: Settings, url: str, env: Mapping[str, str] = os.environ, *, demo: bool = False
) -> Site:
    """The site of this installation. demo: people choose a made-up log-in; else the proxy names them.

    url: of the warehouse, as a user who is a member of the role gudang_loket.
    Raises GudangError if the file of users is not named or has a fault, or a setting is not usable.
    """
    datasets = KnownDatasets(settings.contracts_dir)
    if demo:
        login: Login = DemoLogin(MadeUpUsers(contract.opd for contract in datasets.all()))
    elif not (path := env.get(USERS_FILE)):
        hint = "isi dengan berkas YAML `nama: [opd, ...]`; lihat docs/configuration.md"
        raise GudangError(USERS_FILE, "belum diisi, jadi tidak ada yang boleh masuk ke loket", hint=hint)
    else:
        login = ProxyLogin(UsersFile(Path(path)))
    most = env.get(MOST_MB) or "200"
    if not most.isdecimal() or not 0 < int(most) <= 4096:
        raise GudangError(MOST_MB, "nilainya bukan bilangan bulat dari 1 sampai 4096")
    return Site(datasets, upload_zone(settings), url, login, int(most) << 20)


def serve(site: Site, host: str, port: int) -> None:
    """Answers at `host` and `port` until the process gets SIGINT or SIGTERM."""
    # A warehouse that is gone must not hold the threads that answer.
    os.environ.setdefault("PGCONNECT_TIMEOUT", _CONNECT_S)
    uvicorn.run(
        application(site), host=host, port=port, log_config=None, access_log=False, server_header=False,
        proxy_headers=False, limit_concurrency=_MOST_REQUESTS, timeout_keep_alive=30, timeout_graceful_shutdown=20,
    )  # fmt: skip


def _alive(request: Request) -> Response:  # noqa: ARG001
    return PlainTextResponse("hidup\n")


async def _refuse(pages: Pages, request: Request, error: Exception) -> Response:
    return pages.refuse(request, error)
