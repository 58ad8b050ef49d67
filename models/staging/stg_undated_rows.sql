-- BigQuery keeps rows with a NULL partition column in a separate partition that no date range reads.

{% for source_name, table_name in platform_sources() -%}
{%- set facts = source_facts(source_name, table_name) %}
{%- set column = facts.meta.get('partition_column', 'game_date') %}
{%- set can_have = facts.is_present and column not in facts.missing_columns %}
select
    '{{ table_name }}' as table_name,
    '{{ facts.relation | replace('`', '') }}' as relation_name,
    '{{ column }}' as partition_column,
    count(*) as row_count,
{%- if can_have %}
from {{ facts.relation }}
where {{ adapter.quote(column) if column == 'timestamp' else column }} is null
{%- else %}
from unnest([1]) as missing_source
where false
{%- endif %}
{%- if not loop.last %}
union all
{%- endif %}
{% endfor %}
