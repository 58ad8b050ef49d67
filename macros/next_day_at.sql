{#- The moment of a clock time in the platform's zone on the day after a date: when its reports are due, for one. -#}
{% macro next_day_at(day, clock) -%}
timestamp(datetime(date_add({{ day }}, interval 1 day), parse_time('%H:%M', '{{ clock }}')), '{{ var('platform_time_zone') }}')
{%- endmacro %}
