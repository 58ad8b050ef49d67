{#- A game without an id counts: only a known prefix excludes a game. -#}
{% macro counts(game_id) -%}
{{ begins_with_any(game_id, var('counted_game_ids')) if var('counted_game_ids') else 'true' }}
{%- endmacro %}

{% macro is_of_known_kind(game_id) -%}
{%- set counted = var('counted_game_ids') -%}
{{ begins_with_any(game_id, counted + var('uncounted_game_ids')) if counted else 'true' }}
{%- endmacro %}

{% macro begins_with_any(text, prefixes) -%}
coalesce({% for prefix in prefixes %}starts_with({{ text }}, '{{ prefix }}'){{ ' or ' if not loop.last }}{% endfor %}, true)
{%- endmacro %}
