{#- Every field has an alias, because some engines do not infer its name. -#}
{% macro lateness_detail() -%}
to_json_string(struct(
    state as state,
    {{ moment_text('due_at') }} as due_at,
    {{ moment_text('alert_at') }} as alert_at,
    {{ moment_text('first_run_at') }} as first_run_at,
    {{ moment_text('first_useful_run_at') }} as first_useful_run_at,
    run_count as run_count,
    scheduled_game_count as scheduled_game_count,
    time_zone as time_zone
))
{%- endmacro %}
