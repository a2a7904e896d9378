"""Makes red assets that describe a fault. If an asset's files have a fault, a red asset takes its place.

All other assets still run. The fault is in a dataset's contract or suite, or in dbt_like_sql/.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from pipelines.assets.catalogue import PageLinks
from pipelines.assets.check_events import Result, to_dagster
from pipelines.assets.naming import definition_name
from pipelines.datasets import SetAside
from pipelines.quality.suites import LOAD_CHECK
from pipelines.runs.causes import StepError

_KEY_PART = re.compile(r"[a-z][a-z0-9_]{0,39}")


def set_aside_key(dataset: SetAside) -> dg.AssetKey:
    """The key that the dataset has without the fault. Folder and file names that cannot be in a key are changed."""
    parts = (dataset.opd, dataset.dataset)
    return dg.AssetKey(["raw", *(p if _KEY_PART.fullmatch(p) else definition_name(p) for p in parts)])


def set_aside_assets(set_aside: Sequence[SetAside], links: PageLinks) -> list[dg.AssetsDefinition]:
    """Makes a red asset in the place of each dataset that is set aside."""
    return [
        _refusing(
            set_aside_key(dataset),
            set_aside_key(dataset).path[1],
            "**Disisihkan: kontrak atau suite-nya salah.** Dataset ini tidak dimuat sampai diperbaiki; data yang"
            " sudah ada di gudang tetap. Periksa dengan `gudang validate`.\n\n"
            + "\n".join(f"- {line}" for line in dataset.describe()),
            describe(dataset),
            {"dagster/code_references": links.code({"Kesalahan": fault.path}, fault.line)}
            if (fault := next(iter(dataset.faults), None))
            else {},
        )
        for dataset in set_aside
    ]


def unreadable_models(groups: Sequence[str], error: Exception) -> list[dg.AssetsDefinition]:
    """Makes a red asset in each group, in the place of models or publications that cannot be read.

    Datasets are still loaded.
    """
    description = (
        "**Tidak dapat dibangun: ada yang salah di dbt_like_sql/.** Periksa dengan `gudang validate`.\n\n"
        f"- {error}"
    )
    return [
        _refusing(dg.AssetKey([group, "tidak_terbaca"]), group, description, str(error)) for group in groups
    ]


def describe(dataset: SetAside) -> str:
    """The faults of a dataset's contract or suite, for a log or a summary."""
    return f"{dataset.key}: disisihkan, kontrak atau suite-nya salah: {'; '.join(dataset.describe())}"


def _refusing(
    key: dg.AssetKey, group: str, description: str, failure: str, metadata: Mapping[str, Any] | None = None
) -> dg.AssetsDefinition:
    layer = key.path[0]

    @dg.multi_asset(
        name=f"disisihkan_{'__'.join(key.path)}",
        specs=[
            dg.AssetSpec(
                key=key,
                group_name=group,
                description=description,
                owners=[f"team:{group if layer == 'raw' else 'diskominfo'}"],
                tags={"keadaan": "disisihkan", "lapisan": layer},
                metadata=metadata,
                skippable=True,
            )
        ],
        check_specs=[dg.AssetCheckSpec(LOAD_CHECK, asset=key, description="Kontrak dan berkasnya benar.")],
        can_subset=True,
        description="Disisihkan sampai diperbaiki.",
    )
    def refuse(context: dg.AssetExecutionContext) -> Iterator[Result]:
        failed = dg.AssetCheckResult(
            asset_key=key, check_name=LOAD_CHECK, passed=False, description=description
        )
        yield from to_dagster(context, [failed])
        if context.selected_asset_keys:
            raise StepError(failure)

    return refuse
