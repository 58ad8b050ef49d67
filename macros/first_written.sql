{#- A rewrite of a table changes the last write time of its rows, not the first. -#}
{% macro first_written(facts) -%}
{%- set newest_by = facts.meta.get('newest_by', 'processed_at') -%}
{%- if facts.meta.get('first_written_by') -%}
coalesce({{ facts.meta.first_written_by }}, {{ newest_by }})
{%- else -%}
{{ newest_by }}
{%- endif -%}
{%- endmacro %}
