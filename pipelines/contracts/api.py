"""What a contract may say of an API: how it parts its records into pages, how one logs in, what its answer is.

What belongs here: the words of `extract` for an API (docs/contracts.md) as one value that refuses what
contradicts. Not here: asking an API (extract/).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from pipelines.contracts.upload import KEYED, LISTS
from pipelines.errors import ContractError
from pipelines.redaction.secrets import is_secret_name, secret_in
from pipelines.settings import references

BPS_DATA = "bps_data"
SHAPES = (BPS_DATA, KEYED, LISTS)

_AUTH: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "bearer": (frozenset({"token"}), frozenset()),
    "api_key": (frozenset({"in", "name", "value"}), frozenset()),
    "basic": (frozenset({"username", "password"}), frozenset()),
    "oauth2": (frozenset({"token_url", "client_id", "client_secret"}), frozenset({"scope", "in"})),
}
_SECRETS = frozenset({"token", "value", "password", "client_secret"})
_NAME_IT = "name it as ${GUDANG_SUMBER_...}"
_PLACES = {"api_key": ("header", "query"), "oauth2": ("header", "body")}

_OPTIONAL = frozenset({"size_param", "size", "total", "last_page"})
_PAGINATION: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "page": (frozenset({"param"}), _OPTIONAL),
    "offset": (frozenset({"param"}), _OPTIONAL),
    "cursor": (frozenset({"param", "next"}), _OPTIONAL),
    "link": (frozenset(), _OPTIONAL),
    "next_url": (frozenset({"next"}), _OPTIONAL),
}
_COUNTED = ("page", "offset")
"""Types whose next page we count out ourselves, so that nothing in an answer says which page is the last."""
EMPTY, SHORT, MISSING = "empty", "short", "missing"


@dataclass(frozen=True, slots=True)
class ApiExtract:
    """Which records to ask an API for. `path`, `params` and `auth` may hold ${ENV_NAME}.

    records: JSON pointer to the list of records, or to the whole answer of a `shape`.
    shape: None where the answer holds a list of records; BPS_DATA for the matrix of a dynamic table of BPS; KEYED for
    an object of records by their keys; LISTS for a list of lists whose first one is the header.
    error: where an answer of status 200 says that it is an error, see `ErrorField`.
    Raises ContractError with the faulty key as its subject ("extract.auth").
    """

    path: str
    records: str = ""
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    auth: Mapping[str, str] | None = None
    pagination: Mapping[str, Any] | None = None
    incremental_param: str | None = None
    shape: str | None = None
    error: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for name in ("path", "records", "incremental_param"):
            value: Any = getattr(self, name)
            if value is not None and not isinstance(value, str):
                _refuse(name, f"{name} {value!r} is no text", "put it in quotes")
        for name in ("params", "auth", "pagination", "error"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Mapping):
                _refuse(name, f"{name} is no mapping", "{name: value, ...}")
        _check_pointer("records", self.records)
        if self.shape not in (None, *SHAPES):
            _refuse("shape", f"shape {self.shape!r} is unknown", " or ".join(SHAPES))
        for name, value in (self.params or {}).items():
            if is_secret_name(str(name)) and not references(str(value)):
                _refuse("params", f"params: {name} stands in the contract itself", _NAME_IT)
        if secret := secret_in(self.path):
            _refuse("path", f"path holds its {secret} itself", _NAME_IT)
        if self.auth:
            _check_auth(self.auth)
        if self.pagination:
            _check_pagination(self.pagination)
        if self.error is not None:
            _ = self.error_field

    @property
    def error_field(self) -> ErrorField | None:
        """`error` as a value. Raises ContractError where it is misdeclared."""
        return _error_field(self.error) if self.error is not None else None


@dataclass(frozen=True, slots=True)
class ErrorField:
    """Where an answer says that it is an error, although its status is 200.

    field, message: JSON pointers; there is no message where the API gives none. ok: the values of `field` that mean
    that all is well; a field that is not there counts as null.
    """

    field: str
    ok: tuple[Any, ...]
    message: str | None


def _error_field(spec: Mapping[str, Any]) -> ErrorField:
    keys = set(spec)
    if not {"field", "ok"} <= keys <= {"field", "ok", "message"}:
        has = ", ".join(sorted(keys)) or "nothing"
        _refuse("error", f"error has {has}", "it needs field and ok, and may have message")
    ok: Any = spec["ok"]
    if not isinstance(ok, list) or any(isinstance(value, dict | list) for value in cast("list[Any]", ok)):
        _refuse("error", f"error: ok {ok!r} is no list of values", "such as [0, false, null]")
    pointers = [_as_pointer(spec[name]) if name in spec else None for name in ("field", "message")]
    return ErrorField(str(pointers[0]), tuple(cast("list[Any]", ok)), pointers[1])


def _as_pointer(name: object) -> str:
    """A key of the answer's object, or a JSON pointer, as a pointer."""
    if not isinstance(name, str) or not name:
        _refuse("error", f"error: {name!r} is no key", "such as error, or /status/code")
    return name if name.startswith("/") else f"/{name}"


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
                _NAME_IT,
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
    _check_last_page(kind, spec)


def _check_last_page(kind: str, spec: Mapping[str, Any]) -> None:
    """Something must say when all records have come, or an error that looks like an empty page would end a reading."""
    known = (EMPTY, SHORT, MISSING) if kind in _COUNTED else (EMPTY,)
    if "total" not in spec and "last_page" not in spec and kind in _COUNTED:
        message = f"pagination {kind}: nothing says which page is the last"
        hint = f"total (a JSON pointer), or where the API gives none last_page: {' or '.join(known)}"
        _refuse("pagination", message, hint)
    if "last_page" not in spec:
        return
    if spec["last_page"] not in known:
        message = f"pagination {kind}: last_page {spec['last_page']!r} is unknown"
        _refuse("pagination", message, " or ".join(known))
    if "total" in spec:
        message = f"pagination {kind}: total and last_page both say when all has come"
        _refuse("pagination", message, "keep total")


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


def _refuse(name: str, message: str, hint: str) -> NoReturn:
    raise ContractError(f"extract.{name}", message, hint=hint)
