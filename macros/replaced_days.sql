{#-
    dbt renders configs when it parses, and keeps the parsed project until a file or a var changes: a list of partitions
    there would name the days of the first run for ever. The days that an incremental model replaces are rendered here,
    when it runs. Its config `partitions` is only there because dbt needs one to send one statement.
-#}
{% macro replaced_days() -%}
    {%- set source_table = source_table_of(model.name) -%}
    {%- if source_table -%}
        {{- staged_range(declared_source(source_table[0], source_table[1]), 'DBT_INTERNAL_DEST') -}}
    {%- elif is_without_source(model.name) -%}
        false
    {%- else -%}
        {{- partition_range('DBT_INTERNAL_DEST.' ~ config.get('partition_by').field) -}}
    {%- endif -%}
{%- endmacro %}

{#- Whether this is the deduplicated table of a source that is missing: its days must stay, not become empty. -#}
{% macro is_without_source(name) -%}
    {%- set table_name = name[:-7] if name.endswith('_latest') else '' -%}
    {%- set declared = declared_source('nba_analytics', table_name) -%}
    {{ return(declared.columns | length > 0 and not source_facts('nba_analytics', table_name).is_present) }}
{%- endmacro %}

{% macro bigquery__get_insert_overwrite_merge_sql(target, source, dest_columns, predicates, include_sql_header) -%}
    {{ default__get_insert_overwrite_merge_sql(target, source, merged_columns(target, dest_columns), [replaced_days()], include_sql_header) }}
{%- endmacro %}

{% macro bigquery__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
    {{ default__get_merge_sql(target, source, unique_key, merged_columns(target, dest_columns), [replaced_days()]) }}
{%- endmacro %}
