{#-
    A missing source gives no rows and a missing column gives NULL. source_coverage lists both, so that missing data
    never counts as healthy. Only the columns of the business key and of the partition are required.
-#}
{% macro stage(source_name, table_name, days_before=0, days_after=0) %}
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
where {{ partition_range(facts.meta.partition_column, facts.columns[facts.meta.partition_column], days_before, days_after) }}
        {%- else %}
from unnest([1]) as missing_source
where false
        {%- endif %}
    {%- endif -%}
{% endmacro %}
