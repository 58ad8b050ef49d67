-- One row per source table, from the warehouse's metadata at the time of the run.

{% for source_name, table_name in platform_sources() -%}
{%- set facts = source_facts(source_name, table_name) %}
{%- set optional_columns = facts.meta.get('optional_columns', []) %}
select
    '{{ source_name }}' as source_name,
    '{{ table_name }}' as table_name,
    '{{ facts.relation | replace('`', '') }}' as relation_name,
    {{ facts.meta.get('is_optional', false) | lower }} as is_optional,
    {{ facts.is_present | lower }} as is_present,
    '{{ (facts.missing_columns | reject('in', optional_columns) | join(', ')) if facts.is_present else '' }}' as missing_columns,
    '{{ facts.undeclared_columns | join(', ') }}' as undeclared_columns
{%- if not loop.last %}
union all
{%- endif %}
{% endfor %}
