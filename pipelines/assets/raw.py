"""Makes the assets raw/<opd>/<dataset>: one per contract, in a multi-asset per source server and partitioning."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

import dagster as dg
import psycopg
from psycopg import Connection

from pipelines.assets.catalogue import PageLinks, quarantine_query, source_kind
from pipelines.assets.check_events import Result, to_dagster
from pipelines.assets.checks import Checks
from pipelines.assets.naming import definition_name, numbered, raw_key, tag_value
from pipelines.assets.run_partitions import (
    WAITING,
    count_partitions,
    missing_periods,
    partitions,
    range_of_run,
    report_periods,
    window_of_run,
)
from pipelines.contracts import windows
from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Cadence
from pipelines.errors import GudangError
from pipelines.extract.upload.inbox import LeftFile
from pipelines.ingest import Ingested, describe_batch, ingest
from pipelines.load.apply import periods
from pipelines.load.apply.empty_windows import TAG as EMPTY_WINDOW
from pipelines.load.approval.waiting import select_staged
from pipelines.load.failures import describe_failure
from pipelines.load.ledger import Batch, raw_versions
from pipelines.quality.suites import Expectation, suite, suite_path, tables_read
from pipelines.redaction.secrets import as_markdown
from pipelines.resources.warehouse import Warehouse
from pipelines.runs.causes import StepError, says_its_cause
from pipelines.runs.threads import SOURCE_TAG
from pipelines.settings import Settings
from pipelines.warehouse.relation import Relation

FULL_REFRESH = "gudang/full_refresh"
"""A run with this tag set to "true" loads by a full refresh: reads all rows, which replace all rows in raw."""
MOST_LEFT = 20
"""Of so many files that are not taken an event shows place and reason. Dagster keeps the events of assets for ever."""

_STEPS = {
    "extract": "membaca",
    "stage": "memilah",
    "check": "memeriksa",
    "publish": "menerapkan",
    "reconcile": "mencocokkan",
}
"""The words for the steps of a load that was timed (load/loader.py)."""


def raw_assets(contracts: Sequence[Contract], settings: Settings) -> list[dg.AssetsDefinition]:
    """Makes the multi-assets of all contracts, in the order of the contracts."""

    def source(contract: Contract) -> tuple[str, str]:
        # An upload has no server whose load must be limited, so each is a separate step.
        is_upload = contract.server.kind == "upload"
        name = contract.key.replace("/", "__") if is_upload else definition_name(contract.server.name)
        return name, contract.partition.every if contract.partition else ""

    known = {
        every: partitions(every, start)
        for every, start in windows.starts(c.partition for c in contracts).items()
    }
    ordered = sorted(contracts, key=source)
    checks = {c.key: Checks(c, raw_key(c), suite(c, settings.expectations_dir)) for c in contracts}
    groups = [
        (name, every, step)
        for (name, every), group in groupby(ordered, source)
        for step in _apart([*group], checks)
    ]
    # The server `bpkad` with monthly windows and a server called `bpkad_monthly` would get the same name.
    ops = numbered([f"raw_{name}" + (f"_{every}" if every else "") for name, every, _ in groups])
    return [
        _multi_asset(op, f"sumber_{name}", [checks[c.key] for c in step], settings, known)
        for op, (name, _, step) in zip(ops, groups, strict=True)
    ]


def _apart(contracts: Sequence[Contract], checks: Mapping[str, Checks]) -> list[list[Contract]]:
    """Splits the contracts into as few groups as possible, so that Dagster's names of outputs are unique in each.

    Dagster gives the check `karantina` of the dataset `hewan` and the dataset `hewan_karantina` the same name.
    """
    groups: list[tuple[set[str], list[Contract]]] = []
    for contract in contracts:
        names = {raw_key(contract).to_python_identifier()}
        names |= {spec.get_python_identifier() for spec in checks[contract.key].specs()}
        free = next((group for group in groups if not names & group[0]), None)
        if free is None:
            free = (set[str](), list[Contract]())
            groups.append(free)
        free[0].update(names)
        free[1].append(contract)
    return [group for _, group in groups]


def _multi_asset(
    name: str,
    pool: str,
    checks_of: Sequence[Checks],
    settings: Settings,
    known: Mapping[Cadence, dg.TimeWindowPartitionsDefinition],
) -> dg.AssetsDefinition:
    contracts = [c.contract for c in checks_of]
    checks = {c.contract.key: c for c in checks_of}
    every = contracts[0].partition.every if contracts[0].partition else None
    partitions_def = known[every] if every else None

    @dg.multi_asset(
        name=name,
        specs=[_spec(c, checks[c.key].expectations, partitions_def, settings) for c in contracts],
        check_specs=[spec for c in contracts for spec in checks[c.key].specs()],
        can_subset=True,
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run() if partitions_def else None,
        pool=pool,
        op_tags={SOURCE_TAG: pool},
        description=f"Memuat {', '.join(c.key for c in contracts)} dari {contracts[0].server.name}.",
    )
    @says_its_cause
    def load_source(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Result]:
        failures: list[str] = []
        for contract in contracts:
            selected_checks = {
                k.name for k in context.selected_asset_check_keys if k.asset_key == raw_key(contract)
            }
            if raw_key(contract) in context.selected_asset_keys:
                results = _ingest(context, warehouse, contract, settings, checks[contract.key], failures)
                yield from to_dagster(context, results)
            elif selected_checks:
                with warehouse.connect() as connection:
                    results = checks[contract.key].by_hand(connection, selected_checks, context.run.run_id)
                    yield from to_dagster(context, results)
        if failures:
            raise StepError("\n".join(failures))

    return load_source


def _ingest(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    contract: Contract,
    settings: Settings,
    checks: Checks,
    failures: list[str],
) -> Iterator[Result]:
    """Loads one dataset. Adds a fault to `failures` instead of raising it, so that the other datasets are loaded."""
    try:
        with warehouse.connect() as connection:
            done = _loaded(context, warehouse, connection, contract, settings)
            results = [*checks.of_load(connection, done, planned=_plans_checks(context, contract))]
            version = _data_version(connection, contract)
            standing = _standing(connection, contract)
            if done.batch and done.checks and done.batch.state not in ("rejected", "waiting"):
                count_partitions(context, connection, contract)
            loaded = periods.loaded_by(connection, contract, context.run.run_id)
    except Exception as fault:  # of any kind: the other datasets of the step must still be loaded
        error = describe_failure(contract.key, fault)
        failures.append(str(error))
        context.log.error(str(error))
        yield from _of_failure(warehouse, checks, error, planned=_plans_checks(context, contract))
        _report_files_that_went_well(context, warehouse, contract)
        return
    yield from results
    report_periods(context, contract, loaded)
    left = {"berkas_tidak_diambil": left_files(done.left)} if done.left else {}
    for one in done.waiting:
        context.log_event(_waiting(contract, one, left))
    # A file that waits or was rejected may have the periods that the run is for.
    undone = done.batch is not None and done.batch.state in ("rejected", "waiting")
    if not undone and (missing := missing_periods(context, contract, loaded)):
        failures.append(f"{contract.key}: {missing}")
        context.log.error(failures[-1])
    if done.batch and done.batch.state == "rejected":
        failures.append(f"{contract.key}: {describe_batch(done.batch)}")
    if undone:
        return
    if done.batch and done.checks:
        metadata = _metadata(done, range_of_run(context, contract)) | standing | left
        if contract.replaces_periods:
            # Dagster knows the partitions of an output before the step begins, so the step gives none.
            context.log_event(dg.AssetMaterialization(raw_key(contract), metadata=metadata))
        else:
            yield dg.MaterializeResult(asset_key=raw_key(contract), metadata=metadata, data_version=version)
        return
    summary = describe_batch(done.batch) if done.batch else "belum ada berkas di zona unggah"
    context.log.info(f"{contract.key}: {summary}")
    if left:
        context.log_event(dg.AssetObservation(raw_key(contract), metadata=left, description=summary))


def _waiting(contract: Contract, batch: Batch, left: Mapping[str, Any]) -> dg.AssetObservation:
    """Says on the asset's page what waits for approval, and how to look at it. The asset itself did not change."""
    return dg.AssetObservation(
        raw_key(contract),
        description=describe_batch(batch),
        metadata={
            "menunggu_persetujuan": batch.batch_id,
            **_counts(batch),
            "lihat_baris": dg.MetadataValue.md(f"```sql\n{select_staged(contract, batch.batch_id)}\n```"),
            **left,
        },
    )


def _report_files_that_went_well(
    context: dg.AssetExecutionContext, warehouse: Warehouse, contract: Contract
) -> None:
    """Reports the periods of the files that were loaded although others failed."""
    if not contract.replaces_periods:
        return
    with suppress(GudangError, psycopg.Error), warehouse.connect() as connection:
        report_periods(context, contract, periods.loaded_by(connection, contract, context.run.run_id))


def _plans_checks(context: dg.AssetExecutionContext, contract: Contract) -> bool:
    return any(key.asset_key == raw_key(contract) for key in context.selected_asset_check_keys)


def _of_failure(
    warehouse: Warehouse, checks: Checks, error: GudangError, *, planned: bool
) -> list[dg.AssetCheckResult]:
    try:
        with warehouse.connect() as connection:
            return [*checks.of_failure(connection, error, planned=planned)]
    except (GudangError, psycopg.Error):
        return [*checks.of_failure(None, error, planned=planned)]


def _loaded(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    connection: Connection[Any],
    contract: Contract,
    settings: Settings,
) -> Ingested:
    full_refresh = context.run.tags.get(FULL_REFRESH, "") == "true"
    return ingest(
        connection,
        contract,
        settings,
        warehouse.url,
        run_id=context.run.run_id,
        window=None if full_refresh else window_of_run(context, contract),
        full_refresh=full_refresh,
        allow_empty=context.run.tags.get(EMPTY_WINDOW, "") == "true",
    )


def _data_version(connection: Connection[Any], contract: Contract) -> dg.DataVersion | None:
    """The version of the table's rows, which a load that changed nothing leaves as it is; None if it is not known."""
    found = raw_versions(connection, {contract.key: str(Relation("raw", contract.table))})[contract.key]
    return dg.DataVersion(found.version) if found.version else None


def _standing(connection: Connection[Any], contract: Contract) -> dict[str, Any]:
    """What is known of the whole table after a load: its rows in force, and the rows that wait in quarantine.

    Of a dataset with partitions these rows are shown by partition (`count_partitions`).
    """
    row = connection.execute(
        "select rows_in_raw, rows_quarantined from ops.dataset_state where dataset = %s", [contract.key]
    ).fetchone()
    found = dict(zip(("dagster/row_count", WAITING), row or (), strict=False))
    if contract.windows:
        found.pop(WAITING, None)
    return {name: number for name, number in found.items() if number is not None}


def left_files(left: Sequence[LeftFile]) -> dg.TableMetadataValue:
    """Shows files that were not taken as a table for an asset's page, at most MOST_LEFT of them."""
    shown = [*left[:MOST_LEFT]]
    if len(left) > len(shown):
        shown.append(LeftFile(f"dan {len(left) - len(shown)} lagi", "`gudang status` menyebut semuanya"))
    return dg.MetadataValue.table(
        [dg.TableRecord({"berkas": file.place, "alasan": file.reason}) for file in shown],
        schema=dg.TableSchema([dg.TableColumn("berkas", "string"), dg.TableColumn("alasan", "string")]),
    )


def _spec(
    contract: Contract,
    expectations: Sequence[Expectation],
    partitions_def: dg.PartitionsDefinition | None,
    settings: Settings,
) -> dg.AssetSpec:
    references = sorted(
        {c.reference.table for c in contract.stored if c.reference} | tables_read(expectations)
    )
    links = PageLinks.of(settings)
    files = {"Kontrak": contract.path, "Suite": suite_path(settings.expectations_dir, contract)}
    return dg.AssetSpec(
        key=raw_key(contract),
        deps=[dg.AssetKey(["core", name]) for name in references],
        group_name=contract.opd,
        description=f"{contract.title}. {contract.purpose}\n\nProdusen data: {contract.producer}.",
        kinds={"postgres", source_kind(contract)},
        owners=[f"team:{contract.opd}"],
        tags={
            "domain": tag_value(contract.domain),
            "klasifikasi": contract.classification,
            "lapisan": "raw",
            "sumber": contract.server.kind,
        },
        skippable=True,
        partitions_def=partitions_def,
        metadata={
            "dagster/table_name": f"raw.{contract.table}",
            "dagster/column_schema": column_schema(contract, links),
            "dagster/code_references": links.code({n: p for n, p in files.items() if p.is_file()}),
            "kamus_data": links.page(f"raw.{contract.table}"),
            "pemeriksaan": links.checks(f"raw.{contract.table}"),
            "kontrak": dg.MetadataValue.path(f"contracts/{contract.key}.odcs.yaml"),
            "karantina": quarantine_query(contract),
        },
    )


def column_schema(contract: Contract, links: PageLinks) -> dg.TableSchema:
    """The stored columns with their types, definitions and classes."""
    columns = [
        dg.TableColumn(
            name=c.name,
            type=c.stored_type,
            description=links.column(f"raw.{contract.table}", c.name, c.description),
            constraints=dg.TableColumnConstraints(nullable=not c.required, unique=c.unique),
            tags={"klasifikasi": c.classification},
        )
        for c in contract.stored
    ]
    return dg.TableSchema(columns=columns)


def _counts(batch: Batch) -> dict[str, int]:
    """What a load did, or would do if it waits, in the numbers of a preview (feedback/preview.py)."""
    changes = batch.changes
    return {
        "baris_baru": changes.new,
        "baris_berubah": changes.changed,
        "baris_sama": changes.unchanged,
        "baris_dihapus": changes.deleted,
        "baris_dikarantina": batch.quarantined,
    }


def _metadata(done: Ingested, of_range: str) -> dict[str, Any]:
    """What a materialisation shows of its load.

    of_range: the partitions, if the load was of several. Its counts are then a text, because Dagster would plot
    numbers on each of these partitions as if they were its own.
    """
    batch = done.batch
    assert batch is not None
    # A load that succeeded may also have an error, from its reconciliation.
    warnings = [*batch.warnings, *([batch.error] if batch.error else [])]
    of_load: dict[str, Any] = {
        "ringkasan": describe_batch(batch),
        "baris_dibaca": batch.read,
        "baris_dimuat": batch.loaded,
        **_counts(batch),
        **({"baris_diterima_atas_konfirmasi": batch.confirmed} if batch.confirmed else {}),
    }
    if of_range:
        of_load = {"rentang": of_range, "ringkasan_rentang": f"{batch.read} dibaca, {describe_batch(batch)}"}
    return {
        **of_load,
        "detik": {_STEPS.get(step, step): round(seconds, 3) for step, seconds in batch.seconds.items()},
        "sumber": batch.source_name or "",
        "batch_id": str(batch.batch_id),
        **({"ditemukan": batch.found} if batch.found else {}),
        **(
            {"peringatan": dg.MetadataValue.md("\n".join(f"- {as_markdown(w)}" for w in warnings))}
            if warnings
            else {}
        ),
    }
