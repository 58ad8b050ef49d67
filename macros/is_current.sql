{#-
    A stored row is current if its run_id is the var run_id; without that var, if it was evaluated as of the var as_of;
    without either, if it is at most outcome_max_age_hours old.
-#}
{% macro is_current(row, as_of_column) -%}
{%- if var('run_id', none) -%}
coalesce({{ row }}.run_id = '{{ var('run_id') }}', false)
{%- elif var('as_of', none) -%}
coalesce({{ row }}.{{ as_of_column }} = {{ as_of() }}, false)
{%- else -%}
    {%- set hours = var('outcome_max_age_hours') -%}
    {%- if hours is not integer or hours < 0 -%}
        {{ wrong_var('outcome_max_age_hours', 'a whole number of hours') }}
    {%- endif -%}
coalesce(
        {{ row }}.{{ as_of_column }} between timestamp_sub({{ as_of() }}, interval {{ hours }} hour) and {{ as_of() }},
        false
    )
{%- endif -%}
{%- endmacro %}
