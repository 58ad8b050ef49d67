{% macro next_day_at(day, clock) -%}
timestamp(datetime(date_add({{ day }}, interval 1 day), parse_time('%H:%M', '{{ clock }}')), '{{ var('platform_time_zone') }}')
{%- endmacro %}
