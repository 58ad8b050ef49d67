{#-
    A missing source gives no rows and a missing column gives NULL. source_coverage lists both, so that missing data
    never counts as healthy. Only the columns of the business key and of the partition are required.
-#}
{% macro stage(source_name, table_name) %}
    {%- set facts = source_facts(source_name, table_name) -%}
    {%- if not execute -%}
select * from {{ facts.relation }}
    {%- else -%}
        {%- set needed = [facts.meta.partition_column] + facts.meta.get('grain', []) -%}
        {%- for column in needed if facts.is_present and column in facts.missing_columns -%}
            {{ exceptions.raise_compiler_error(
                "The source " ~ source_name ~ "." ~ table_name ~ " has no column " ~ column
                ~ ", which is part of its business key or partition. Correct the table, or its entry in models/staging/"
                ~ source_name ~ "/_sources.yml."
            ) }}
        {%- endfor -%}
select
        {%- for column, data_type in facts.columns.items() %}
            {%- if facts.is_present and column not in facts.missing_columns %}
    {{ adapter.quote(column) if column == 'timestamp' else column }},
            {%- else %}
    cast(null as {{ data_type }}) as {{ adapter.quote(column) if column == 'timestamp' else column }},
            {%- endif %}
        {%- endfor %}
        {%- if facts.is_present %}
from {{ facts.relation }}
where {{ staged_range(facts) }}
        {%- else %}
from unnest([1]) as missing_source
where false
        {%- endif %}
    {%- endif -%}
{% endmacro %}

{#- What follows FROM to read a staging model: it keeps the days of other runs, so a WHERE with the days of this one. #}
{% macro staged(source_name, table_name) -%}
    {%- set declared = declared_source(source_name, table_name) -%}
{{ ref('stg_' ~ source_name ~ '__' ~ table_name) }}
    {%- if declared.get('columns') %}
    where {{ staged_range(declared) }}
    {%- endif -%}
{%- endmacro %}

{#- The checked days and those around them that the rules need, on the partition column. dbt unit tests have no
declarations: there the given rows are the staged ones. -#}
{% macro staged_range(declared, alias='') -%}
    {%- set meta = declared.meta -%}
    {%- set column = adapter.quote('timestamp') if meta.partition_column == 'timestamp' else meta.partition_column -%}
    {{- partition_range(
        (alias ~ '.' if alias else '') ~ column, declared.columns[meta.partition_column],
        meta.get('days_before', 0) | int, meta.get('days_after', 0) | int
    ) -}}
{%- endmacro %}

{#- Replaces dbt's own macro: a generic test of a staging model looks at the days of this run, too. #}
{% macro bigquery__get_where_subquery(relation) -%}
    {%- set source_table = source_table_of(relation.identifier or '') -%}
    {%- if execute and source_table -%}
        {{ return('(select * from ' ~ staged(source_table[0], source_table[1]) ~ ') dbt_subquery') }}
    {%- endif -%}
    {{ return(default__get_where_subquery(relation)) }}
{%- endmacro %}

{#- Source and table of a staging model, from its name stg_<source>__<table>; [] for other models. -#}
{% macro source_table_of(name) -%}
    {%- set parts = name[4:].split('__') if name.startswith('stg_') else [] -%}
    {{ return(parts if parts | length == 2 else []) }}
{%- endmacro %}
