"""What a contract may say of an API: how it parts its records into pages, how one logs in, what its answer is.

What belongs here: the words of `extract` for an API (docs/contracts.md) as one value that refuses what
contradicts. Not here: asking an API (extract/).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.errors import ContractError
from pipelines.settings import references

BPS_DATA = "bps_data"

_AUTH: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "bearer": (frozenset({"token"}), frozenset()),
    "api_key": (frozenset({"in", "name", "value"}), frozenset()),
    "basic": (frozenset({"username", "password"}), frozenset()),
    "oauth2": (frozenset({"token_url", "client_id", "client_secret"}), frozenset({"scope", "in"})),
}
_SECRETS = frozenset({"token", "value", "password", "client_secret"})
_PLACES = {"api_key": ("header", "query"), "oauth2": ("header", "body")}

_SIZED = frozenset({"size_param", "size", "total"})
_PAGINATION: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "page": (frozenset({"param"}), _SIZED | {"short_page_is_last"}),
    "offset": (frozenset({"param"}), _SIZED | {"short_page_is_last"}),
    "cursor": (frozenset({"param", "next"}), _SIZED),
    "link": (frozenset(), _SIZED),
    "next_url": (frozenset({"next"}), _SIZED),
}


@dataclass(frozen=True, slots=True)
class ApiExtract:
    """Which records to ask an API for. `path`, `params` and `auth` may hold ${ENV_NAME}.

    records: JSON pointer to the list of records, or to the whole answer of a `shape`.
    shape: None where the answer holds records; BPS_DATA for the matrix of a dynamic table of BPS.
    Raises ContractError with the faulty key as its subject ("extract.auth").
    """

    path: str
    records: str = ""
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    auth: Mapping[str, str] | None = None
    pagination: Mapping[str, Any] | None = None
    incremental_param: str | None = None
    shape: str | None = None

    def __post_init__(self) -> None:
        for name in ("path", "records", "incremental_param"):
            value: Any = getattr(self, name)
            if value is not None and not isinstance(value, str):
                _refuse(name, f"{name} {value!r} is no text", "put it in quotes")
        for name in ("params", "auth", "pagination"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Mapping):
                _refuse(name, f"{name} is no mapping", "{name: value, ...}")
        _check_pointer("records", self.records)
        if self.shape not in (None, BPS_DATA):
            _refuse("shape", f"shape {self.shape!r} is unknown", BPS_DATA)
        if self.auth:
            _check_auth(self.auth)
        if self.pagination:
            _check_pagination(self.pagination)


def _check_auth(auth: Mapping[str, str]) -> None:
    kind = _check_keys("auth", auth, _AUTH)
    places = _PLACES.get(kind, ())
    if "in" in auth and auth["in"] not in places:
        _refuse("auth", f"auth {kind} in {auth['in']!r} is unknown", " or ".join(places))
    for name in sorted(_SECRETS.intersection(auth)):
        if not references(str(auth[name])):
            _refuse(
                "auth",
                f"auth {kind}: {name} stands in the contract itself",
                "name it as ${GUDANG_SUMBER_...}",
            )


def _check_pagination(spec: Mapping[str, Any]) -> None:
    kind = _check_keys("pagination", spec, _PAGINATION)
    if "size" in spec and "size_param" not in spec:
        _refuse("pagination", "pagination has a size but no size_param", "name the parameter that takes it")
    size = spec.get("size", 1)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        _refuse("pagination", f"pagination {kind}: size {size!r} is no whole number above 0", "such as 500")
    for name in ("total", "next"):
        if name in spec:
            _check_pointer("pagination", spec[name])
    short = spec.get("short_page_is_last", False)
    if not isinstance(short, bool) or (short and "total" in spec):
        message = f"pagination {kind}: short_page_is_last {short!r}"
        _refuse(
            "pagination", message, "true where the API has no total, which says by itself when all has come"
        )


def _check_keys(
    name: str, spec: Mapping[str, Any], kinds: Mapping[str, tuple[frozenset[str], frozenset[str]]]
) -> str:
    """The type that `spec` names; its keys must be those of the type."""
    kind = str(spec.get("type"))
    if kind not in kinds:
        _refuse(name, f"{name} type {kind!r} is unknown", f"one of {', '.join(kinds)}")
    needed, allowed = kinds[kind]
    keys = set(spec) - {"type"}
    if not needed <= keys <= needed | allowed:
        more = f", may have {', '.join(sorted(allowed))}" if allowed else ""
        has = ", ".join(sorted(keys)) or "nothing"
        _refuse(name, f"{name} {kind} has {has}", f"it needs {', '.join(sorted(needed)) or 'nothing'}{more}")
    return kind


def _check_pointer(name: str, pointer: object) -> None:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        _refuse(name, f"{name}: {pointer!r} is no JSON pointer", "such as /data/0/total")


def _refuse(name: str, message: str, hint: str) -> None:
    raise ContractError(f"extract.{name}", message, hint=hint)
