"""Loads the rows by dlt, set up as its documents advise for speed.

That is: connectorx in a stream, Parquet through ADBC, no compression, two workers. It runs in an environment of its own
(`.venv-bench`) and imports nothing of ours: python benchmarks/peers.py SOURCE_URL TARGET_URL.
"""

import json
import os
import resource
import sys
import tempfile
import time

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
    "DATA_WRITER__FILE_MAX_ITEMS": "250000",
    "EXTRACT__WORKERS": "2",
    "NORMALIZE__WORKERS": "2",
    "LOAD__WORKERS": "2",
}


def main() -> None:
    """Loads the source's table and prints seconds and peak memory as JSON."""
    import dlt
    from dlt.sources.sql_database import sql_table

    source, target = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        table = sql_table(
            source,
            "sumber_dlt",
            backend="connectorx",
            backend_kwargs={"return_type": "arrow_stream"},
            chunk_size=100_000,
            reflection_level="full",
        )
        pipeline = dlt.pipeline(
            "bench",
            destination=dlt.destinations.postgres(target),
            dataset_name="sasaran_dlt",
            pipelines_dir=folder,
        )
        pipeline.run(table, table_name="sasaran", write_disposition="replace", loader_file_format="parquet")
        seconds = time.perf_counter() - start
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": seconds, "megabytes": peak / 1024}))


if __name__ == "__main__":
    main()
