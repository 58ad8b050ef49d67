{#- Whether a game counts, by its id in the schedule. One without an id counts: nobody has said that it does not. -#}
{% macro counts(game_id) -%}
{%- set prefixes = var('counted_game_ids') -%}
{%- if prefixes -%}
coalesce({% for prefix in prefixes %}starts_with({{ game_id }}, '{{ prefix }}'){{ ' or ' if not loop.last }}{% endfor %}, true)
{%- else -%}
true
{%- endif -%}
{%- endmacro %}
