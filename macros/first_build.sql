{#-
    Replaces dbt's own macro. dbt builds an incremental table that does not exist yet with `create or replace`: of two
    first runs at once, the later one would take away the days of the earlier one. Here the table is created empty,
    unless another run has just done it, and its days are then merged as in every later run.
-#}
{% macro bq_create_table_as(partition_by, temporary, relation, compiled_code, language='sql') %}
    {%- if temporary or should_full_refresh() -%}
        {{ return(create_table_as(temporary, relation, compiled_code, language)) }}
    {%- endif -%}
    {%- set empty = 'select * from (\n' ~ compiled_code ~ '\n) where false' -%}
    {%- call statement('create_empty') -%}
        {{ create_table_as(false, relation, empty) | replace('create or replace table', 'create table if not exists', 1) }}
    {%- endcall -%}
    {{ return(bq_generate_incremental_build_sql(
        dbt_bigquery_validate_get_incremental_strategy(config), none, relation, compiled_code, config.get('unique_key'),
        partition_by, config.get('partitions', none), adapter.get_columns_in_relation(relation), false, false, none
    )) }}
{% endmacro %}
