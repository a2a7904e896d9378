"""SQL models: the runner of dbt_like_sql/.

What belongs here: reading a dbt project into values (project, properties, materialization), rendering (render), column
lineage (lineage), which nodes a selector names (selection), whose a suite is (suites), building with
write-audit-publish (runner, building), and the sources file that the contracts give (sources). Not here: the models
themselves (dbt_like_sql/), their Dagster faces (assets/warehouse.py), the data dictionary (publish/site/).
"""
