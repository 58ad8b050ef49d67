{#- Rewriting a table changes the time of its last write, not of its first write. -#}
{% macro first_written(facts) -%}
{%- set newest_by = facts.meta.get('newest_by', 'processed_at') -%}
{%- if facts.meta.get('first_written_by') -%}
coalesce({{ facts.meta.first_written_by }}, {{ newest_by }})
{%- else -%}
{{ newest_by }}
{%- endif -%}
{%- endmacro %}
