"""SQL models: the runner of dbt_like_sql/.

What belongs here: reading a dbt project into values (project), rendering (render), column lineage (lineage),
building with write-audit-publish (runner, swap), and the sources file that the contracts give (sources).
Not here: the models themselves (dbt_like_sql/) and their Dagster faces (assets/warehouse.py).
"""
