"""Renders dbt's Jinja templates: config(), ref(), source(), var(), this, target, is_incremental(), macros and tests.

What belongs here: turning templates into SQL text, and errors that name the template's file and line.
Not here: which files there are (project.py) and what ref() resolves to (the caller gives it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from types import CodeType, TracebackType
from typing import Any

from jinja2 import Environment, StrictUndefined, Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from pipelines.errors import ModelError
from pipelines.models.project.properties import TestDeclaration
from pipelines.suggest import did_you_mean
from pipelines.warehouse.relation import Relation

RefResolver = Callable[[str], Relation]
SourceResolver = Callable[[str, str], Relation]

_ABSENT = object()
_BUILTIN_TESTS = "generic_tests.sql"
SUPPRESSING_MACRO = "sel_tersamar"
"""The macro that hides small cells (adr/018). A model whose rows are those of the macro is a suppressed table."""
_UNDEFINED = re.compile(r"'(\w+)' is undefined")
"""Jinja's message about a name that nothing defines."""
_REFERENCE = re.compile(r"^\s*(ref|source)\s*\(.*\)\s*$", re.DOTALL)


class _TestTag(Extension):
    """`{% test name(model, ...) %} ... {% endtest %}` defines the macro `test_name`, as in dbt."""

    tags = {"test"}  # noqa: RUF012 (Jinja's own interface)

    def parse(self, parser: Parser) -> nodes.Node:
        macro = nodes.Macro(lineno=next(parser.stream).lineno)
        macro.name = "test_" + parser.parse_assign_target(name_only=True).name
        parser.parse_signature(macro)
        macro.body = parser.parse_statements(("name:endtest",), drop_needle=True)
        return macro


@dataclass(frozen=True, slots=True)
class Target:
    """The part of dbt's `target` that a model can read."""

    schema: str
    name: str = "gudang"
    type: str = "postgres"


@dataclass
class Rendered:
    """One template's SQL, and its calls of config(), ref() and source().

    suppression: the query that SUPPRESSING_MACRO gave, "" if it was not called.
    """

    sql: str = ""
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    refs: list[str] = field(default_factory=list[str])
    sources: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    suppression: str = ""


class _Config:
    """`config(materialized=...)` in a model; renders as nothing."""

    def __init__(self, collected: dict[str, Any]) -> None:
        self._collected = collected

    def __call__(self, **settings: Any) -> str:
        self._collected.update(settings)
        return ""

    def get(self, name: str, default: Any = None) -> Any:
        """The value of one setting."""
        return self._collected.get(name, default)


class Renderer:
    """Renders the templates of one project, one at a time: they share a scope.

    macros: text of each macro file by its path in the project. variables: dbt's vars. days: vars with the days to
    build.
    """

    def __init__(
        self,
        macros: Mapping[str, str],
        variables: Mapping[str, Any],
        target_schema: str = "public",
        days: Mapping[str, str] | None = None,
    ) -> None:
        self._environment = _environment()
        self._variables = variables
        self._days = days or {}
        self._timeless = False
        self._target = Target(target_schema)
        self._templates: dict[str, Template] = {}
        self._compiled: dict[tuple[str, str], Template] = {}
        self._names: set[str] = set()
        self._scope_of_all: dict[str, Any] | None = None
        self._suppress: Any = None
        builtin = (
            resources.files("pipelines.models.project").joinpath(_BUILTIN_TESTS).read_text(encoding="utf-8")
        )
        self._macros = [self._compile(_BUILTIN_TESTS, builtin)]
        self._macros += [self._compile(path, text) for path, text in sorted(macros.items())]

    def model(
        self,
        path: str,
        text: str,
        *,
        ref: RefResolver,
        source: SourceResolver,
        this: Relation | None = None,
        incremental: bool = False,
        timeless: bool = False,
    ) -> Rendered:
        """Renders the model or singular test in the file `path`. Raises ModelError naming file and line.

        incremental: what is_incremental() gives. timeless: without the vars with the days to build.
        """
        template = self._compile(path, text)
        rendered = Rendered()
        with _ErrorsWithPlace(path, self._templates, self._names):
            scope = self._scope(rendered, ref, source, this, incremental=incremental, timeless=timeless)
            rendered.sql = _text(template, scope)
        return rendered

    def generic_test(
        self,
        declared: TestDeclaration,
        relation: Relation,
        arguments: Mapping[str, Any],
        *,
        ref: RefResolver,
        source: SourceResolver,
    ) -> Rendered:
        """Renders the SQL of a test that a properties file declares on `relation`. Raises ModelError."""
        rendered = Rendered()
        with _ErrorsWithPlace(declared.place, self._templates, self._names):
            scope = self._scope(rendered, ref, source, None)
            macro = scope.get("test_" + declared.test)
            if macro is None:
                raise ModelError(
                    declared.place,
                    f"uji data {declared.test!r} tidak dikenal",
                    hint=did_you_mean(declared.test, _tests_in(scope))
                    or f"tulis {{% test {declared.test}(model, ...) %}} di macros/",
                )
            resolved = {key: self._argument(value, scope) for key, value in arguments.items()}
            tested = scope["tested_rows"](relation, declared.where) if declared.where else str(relation)
            rendered.sql = str(macro(model=tested, **resolved)).strip()
        return rendered

    def schema_name(self, where: str, custom: str | None) -> str:
        """The schema of a node: by the project's macro generate_schema_name, else by dbt's own rule."""

        def nothing(*_: str) -> Relation:
            raise ModelError(where, "generate_schema_name tidak boleh membaca model atau sumber")

        with _ErrorsWithPlace(where, self._templates, self._names):
            scope = self._scope(Rendered(), nothing, nothing, None)
            macro = scope.get("generate_schema_name")
            if macro is not None:
                return str(macro(custom, None)).strip()
        return self._target.schema if custom is None else f"{self._target.schema}_{custom}"

    def _argument(self, value: Any, scope: dict[str, Any]) -> Any:
        if isinstance(value, str) and _REFERENCE.match(value):
            return self._environment.compile_expression(value)(**scope)
        return value

    def _compile(self, path: str, text: str) -> Template:
        if (path, text) in self._compiled:
            return self._compiled[path, text]
        try:
            code = _compiled(text, path)
        except TemplateSyntaxError as error:
            raise ModelError(
                f"{path}:{error.lineno}", f'template tidak terurai; menurut Jinja: "{error.message}"'
            ) from error
        template = Template.from_code(self._environment, code, self._environment.globals)
        self._templates[path] = self._compiled[path, text] = template
        return template

    def _scope(
        self,
        rendered: Rendered,
        ref: RefResolver,
        source: SourceResolver,
        this: Relation | None,
        *,
        incremental: bool = False,
        timeless: bool = False,
    ) -> dict[str, Any]:
        self._timeless = timeless

        def seen_ref(*names: str) -> Relation:
            rendered.refs.append(names[-1])
            return ref(names[-1])

        def seen_source(name: str, table: str) -> Relation:
            rendered.sources.append((name, table))
            return source(name, table)

        scope = self._shared_scope()
        scope.update(
            config=_Config(rendered.config),
            ref=seen_ref,
            source=seen_source,
            this=this,
            is_incremental=lambda: incremental,
        )
        if suppress := self._suppress:

            def suppressing(*args: Any, **kwargs: Any) -> str:
                rendered.suppression = str(suppress(*args, **kwargs))
                return rendered.suppression

            scope[SUPPRESSING_MACRO] = suppressing
        self._names.update(scope)
        return scope

    def _shared_scope(self) -> dict[str, Any]:
        """The scope of all templates and macros, which is made once: macros look a name up when they are called."""
        if self._scope_of_all is None:
            scope: dict[str, Any] = dict(self._environment.globals)
            scope.update(var=self._var, target=self._target, execute=False)
            for template in self._macros:
                module = template.make_module(scope, shared=True)
                scope.update(
                    {name: value for name, value in vars(module).items() if not name.startswith("_")}
                )
            self._suppress = scope.get(SUPPRESSING_MACRO)
            self._scope_of_all = scope
        return self._scope_of_all

    def _var(self, name: str, default: Any = _ABSENT) -> Any:
        if name in self._days and not self._timeless:
            return self._days[name]
        if name in self._variables:
            return self._variables[name]
        if default is _ABSENT:
            raise ModelError(
                name,
                "bukan variabel proyek",
                hint=did_you_mean(name, self._variables) or "tulis di bawah vars: di dbt_project.yml",
            )
        return default


def _environment() -> Environment:
    # What is rendered is SQL, not HTML.
    return Environment(undefined=StrictUndefined, extensions=[_TestTag, "jinja2.ext.do"])  # noqa: S701


@lru_cache(maxsize=2000)
def _compiled(text: str, path: str) -> CodeType:
    """The code of a template. A process reads the same files for several ranges of days."""
    return _environment().compile(text, path, path)


def _tests_in(scope: Mapping[str, Any]) -> list[str]:
    return [name.removeprefix("test_") for name in scope if name.startswith("test_")]


def _text(template: Template, scope: dict[str, Any]) -> str:
    return str(template.make_module(scope, shared=True)).strip()


class _ErrorsWithPlace:
    """Turns an error inside the `with` block into a ModelError that names the line of the innermost template.

    names: the macros and functions that a template may call, for a suggestion.
    """

    def __init__(self, subject: str, templates: Mapping[str, Template], names: Set[str]) -> None:
        self._subject = subject
        self._templates = templates
        self._names = names

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None or not isinstance(error, Exception):
            return
        place = self._subject
        while traceback is not None:
            template = self._templates.get(traceback.tb_frame.f_code.co_filename)
            if template is not None:
                place = f"{template.name}:{template.get_corresponding_lineno(traceback.tb_lineno)}"
            traceback = traceback.tb_next
        if isinstance(error, ModelError):
            message = error.message if error.subject in place else f"{error.subject} {error.message}"
            raise ModelError(place, message, hint=error.hint) from error
        hint = None
        if isinstance(error, UndefinedError) and (unknown := _UNDEFINED.match(str(error))):
            hint = did_you_mean(unknown[1], self._names) or None
        raise ModelError(
            place, f'template tidak dapat dirender; menurut Jinja: "{error}"', hint=hint
        ) from error
