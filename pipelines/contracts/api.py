"""Defines what a contract may declare about an API: its pages, its log-in, the shape of its answers.

What belongs here: the keys of `extract` for an API (docs/contracts/apis.md) as one value, which refuses
contradictions. Not here: sending requests (extract/api/).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from pipelines.contracts.upload import KEYED, LISTS
from pipelines.errors import ContractError
from pipelines.redaction.secrets import is_secret_name, secret_in
from pipelines.settings import references
from pipelines.suggest import did_you_mean, hint_of_known

BPS_DATA = "bps_data"
SHAPES = (BPS_DATA, KEYED, LISTS)

_AUTH: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "bearer": (frozenset({"token"}), frozenset()),
    "api_key": (frozenset({"in", "name", "value"}), frozenset()),
    "basic": (frozenset({"username", "password"}), frozenset()),
    "oauth2": (frozenset({"token_url", "client_id", "client_secret"}), frozenset({"scope", "in"})),
}
_SECRETS = frozenset({"token", "value", "password", "client_secret"})
_NAME_IT = "tulis sebagai ${GUDANG_SUMBER_...}"
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
"""Types whose next page we compute ourselves, because no answer says which page is the last."""
EMPTY, SHORT, MISSING = "empty", "short", "missing"


@dataclass(frozen=True, slots=True)
class ApiExtract:
    """Says which records to request from an API. `path`, `params` and `auth` may contain ${ENV_NAME}.

    records: JSON pointer to the list of records, or to the whole answer of a `shape`.
    shape: None if the answer has a list of records; BPS_DATA for the matrix of a dynamic table of BPS; KEYED for an
    object of records by their keys; LISTS for a list of lists whose first one is the header.
    error: the field by which an answer of status 200 says that it is an error (`ErrorField`).
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
        _check_pointer("records", self.records)
        if self.shape not in (None, *SHAPES):
            _refuse("shape", f"shape {self.shape!r} tidak dikenal", hint_of_known(self.shape, SHAPES))
        for name, value in (self.params or {}).items():
            if is_secret_name(str(name)) and not references(str(value)):
                _refuse("params", f"params: {name} tertulis terbuka di kontrak", _NAME_IT, code="GDK-K020")
        if secret := secret_in(self.path):
            _refuse("path", f"path memuat {secret} secara terbuka", _NAME_IT, code="GDK-K020")
        if self.auth is not None:
            _check_auth(self.auth)
        if self.pagination is not None:
            _check_pagination(self.pagination)
        if self.error is not None:
            _ = self.error_field

    @property
    def error_field(self) -> ErrorField | None:
        """Returns `error` as a value. Raises ContractError if a part of it is missing or unknown."""
        return _error_field(self.error) if self.error is not None else None


@dataclass(frozen=True, slots=True)
class ErrorField:
    """The field by which an answer says that it is an error, although its status is 200.

    field, message: JSON pointers; message is None if the API gives no message.
    ok: the values of `field` that mean success; a missing field counts as null.
    """

    field: str
    ok: tuple[Any, ...]
    message: str | None


def _error_field(spec: Mapping[str, Any]) -> ErrorField:
    keys = set(spec)
    if not {"field", "ok"} <= keys <= {"field", "ok", "message"}:
        message = f"error berisi {', '.join(sorted(keys)) or 'kosong'}"
        _refuse("error", message, "wajib: field, ok; boleh: message")
    ok: Any = spec["ok"]
    pointers = [_as_pointer(spec[name]) if name in spec else None for name in ("field", "message")]
    return ErrorField(str(pointers[0]), tuple(cast("list[Any]", ok)), pointers[1])


def _as_pointer(name: str) -> str:
    """Returns the JSON pointer for a key of the answer's object; a pointer stays as it is."""
    return name if name.startswith("/") else f"/{name}"


def _check_auth(auth: Mapping[str, str]) -> None:
    kind = _check_keys("auth", auth, _AUTH)
    places = _PLACES.get(kind, ())
    if "in" in auth and auth["in"] not in places:
        _refuse("auth", f"auth {kind}: in {auth['in']!r} tidak dikenal", hint_of_known(auth["in"], places))
    for name in sorted(_SECRETS.intersection(auth)):
        if not references(str(auth[name])):
            _refuse("auth", f"auth {kind}: {name} tertulis terbuka di kontrak", _NAME_IT, code="GDK-K020")


def _check_pagination(spec: Mapping[str, Any]) -> None:
    kind = _check_keys("pagination", spec, _PAGINATION)
    if "size" in spec and "size_param" not in spec:
        _refuse(
            "pagination",
            "pagination: size tanpa size_param",
            "tulis size_param, parameter yang menerima size",
        )
    size = spec.get("size", 1)
    if size < 1:
        message = f"pagination {kind}: size {size!r} bukan bilangan bulat di atas 0"
        _refuse("pagination", message, "misalnya 500")
    for name in ("total", "next"):
        if name in spec:
            _check_pointer("pagination", spec[name])
    _check_last_page(kind, spec)


def _check_last_page(kind: str, spec: Mapping[str, Any]) -> None:
    """Requires a sign of the last page: without one an error that looks like an empty page would end the reading."""
    known = (EMPTY, SHORT, MISSING) if kind in _COUNTED else (EMPTY,)
    if "total" not in spec and "last_page" not in spec and kind in _COUNTED:
        message = f"pagination {kind}: tidak ada tanda halaman terakhir"
        hint = f"tulis total (JSON pointer); jika API tidak memberinya, last_page: {' atau '.join(known)}"
        _refuse("pagination", message, hint)
    if "last_page" not in spec:
        return
    if spec["last_page"] not in known:
        message = f"pagination {kind}: last_page {spec['last_page']!r} tidak dikenal"
        _refuse("pagination", message, hint_of_known(spec["last_page"], known))
    if "total" in spec:
        message = f"pagination {kind}: total dan last_page sama-sama menandai akhir"
        _refuse("pagination", message, "sisakan total")


def _check_keys(
    name: str, spec: Mapping[str, Any], kinds: Mapping[str, tuple[frozenset[str], frozenset[str]]]
) -> str:
    """Returns the type that `spec` names. Raises ContractError if its keys are not those of the type.

    kinds: the required and the optional keys of each type.
    """
    kind = str(spec.get("type"))
    if kind not in kinds:
        _refuse(name, f"{name}: type {kind!r} tidak dikenal", hint_of_known(kind, kinds))
    needed, allowed = kinds[kind]
    keys = set(spec) - {"type"}
    if not needed <= keys <= needed | allowed:
        unknown = sorted(keys - needed - allowed)
        parts = [
            did_you_mean(unknown[0], (needed | allowed) - keys) if unknown else "",
            f"wajib: {', '.join(sorted(needed)) or 'tidak ada'};",
            f"boleh: {', '.join(sorted(allowed)) or 'tidak ada'}",
        ]
        message = f"{name} {kind} berisi {', '.join(sorted(keys)) or 'kosong'}"
        _refuse(name, message, " ".join(part for part in parts if part))
    return kind


def _check_pointer(name: str, pointer: str) -> None:
    if pointer and not pointer.startswith("/"):
        _refuse(name, f"{name}: {pointer!r} bukan JSON pointer", "misalnya /data/0/total")


def _refuse(name: str, message: str, hint: str, *, code: str = "GDK-K016") -> NoReturn:
    raise ContractError(f"extract.{name}", message, hint=hint, code=code)
