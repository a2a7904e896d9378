"""SQL models: the runner of dbt_like_sql/.

What belongs here: reading a dbt project into values (project/), building it with write-audit-publish (build/), and
where the columns of its models come from (lineage/). Not here: the models themselves (dbt_like_sql/), their Dagster
faces (assets/warehouse.py), the data dictionary (publication/dictionary/).
"""
