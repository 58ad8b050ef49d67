{#-
    Whether a stored answer, with the columns run_id and a moment, belongs to this run: it is of the run that the var
    run_id names; or of the moment of the var as_of; or, without either, at most outcome_max_age_hours old.
-#}
{% macro is_current(row, moment) -%}
{%- if var('run_id', none) -%}
coalesce({{ row }}.run_id = '{{ var('run_id') }}', false)
{%- elif var('as_of', none) -%}
coalesce({{ row }}.{{ moment }} = {{ as_of() }}, false)
{%- else -%}
coalesce(
        {{ row }}.{{ moment }} between timestamp_sub({{ as_of() }}, interval {{ var('outcome_max_age_hours') }} hour) and {{ as_of() }},
        false
    )
{%- endif -%}
{%- endmacro %}
