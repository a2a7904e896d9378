"""What users of Dagster see of a code location, as one sorted text: names, places and switches, without descriptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg


def definitions_text(defs: dg.Definitions) -> str:
    """Every asset with its checks, every job, schedule, sensor and resource, a paragraph each."""
    paragraphs = [*_assets(defs), *_jobs(defs), *_schedules(defs), *_sensors(defs), *_resources(defs)]
    return "\n\n".join("\n  ".join(_with_content(lines)) for lines in paragraphs) + "\n"


def _with_content(lines: list[str]) -> Iterator[str]:
    return (line for line in lines if not line.endswith(": "))


def _assets(defs: dg.Definitions) -> Iterator[list[str]]:
    graph = defs.resolve_asset_graph()
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        checks = [graph.get_check_spec(check) for check in sorted(node.check_keys)]
        yield [
            f"asset {key.to_user_string()}",
            f"group: {node.group_name}",
            f"kinds: {_joined(sorted(node.kinds))}",
            f"owners: {_joined(node.owners)}",
            f"tags: {_pairs(node.tags)}",
            f"partitions: {_partitions(node.partitions_def)}",
            f"pools: {_joined(sorted(node.pools or ()))}",
            f"reads: {_joined(sorted(parent.to_user_string() for parent in node.parent_keys))}",
            *(f"check: {spec.name}{' (blocking)' if spec.blocking else ''}" for spec in checks),
        ]


def _jobs(defs: dg.Definitions) -> Iterator[list[str]]:
    for job in sorted(defs.resolve_all_job_defs(), key=lambda job: job.name):
        if job.name.startswith("__"):
            continue
        steps = sorted(node.name for node in job.nodes)
        partitions = _partitions(job.partitions_def)
        yield [f"job {job.name}", f"partitions: {partitions}", *(f"step: {step}" for step in steps)]


def _schedules(defs: dg.Definitions) -> Iterator[list[str]]:
    for name in sorted(schedule.name for schedule in defs.schedules or ()):
        schedule = defs.resolve_schedule_def(name)
        yield [
            f"schedule {name}",
            f"job: {schedule.job_name}",
            f"cron: {schedule.cron_schedule} {schedule.execution_timezone}",
            f"default: {schedule.default_status.value}",
        ]


def _sensors(defs: dg.Definitions) -> Iterator[list[str]]:
    for name in sorted(sensor.name for sensor in defs.sensors or ()):
        sensor = defs.resolve_sensor_def(name)
        yield [
            f"sensor {name}",
            f"jobs: {_joined(target.job_name for target in sensor.targets)}",
            f"interval: {sensor.minimum_interval_seconds} s",
            f"default: {sensor.default_status.value}",
        ]


def _resources(defs: dg.Definitions) -> Iterator[list[str]]:
    for name, resource in sorted((defs.resources or {}).items()):
        yield [f"resource {name}", f"class: {type(resource).__name__}"]


def _partitions(found: dg.PartitionsDefinition | None) -> str:
    if found is None:
        return ""
    assert isinstance(found, dg.TimeWindowPartitionsDefinition)
    return f"{found.cron_schedule} {found.timezone}, {found.fmt}, from {found.start:%Y-%m-%d}"


def _pairs(tags: Mapping[str, str]) -> str:
    kinds = "dagster/kind/"  # the line `kinds` shows these
    return _joined(f"{name}={value}" for name, value in sorted(tags.items()) if not name.startswith(kinds))


def _joined(texts: Sequence[str] | Iterator[str]) -> str:
    return ", ".join(texts)
