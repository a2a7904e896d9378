"""The folder dbt_like_sql/ as values: its files, properties, selections and rendered SQL."""
