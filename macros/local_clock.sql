{% macro local_clock(timestamp, zone) -%}
case {{ zone }}
    {%- for name in var('roster_time_zones') %}
    when '{{ name }}' then format_timestamp('%Y-%m-%d %H:%M', {{ timestamp }}, '{{ name }}')
    {%- endfor %}
end
{%- endmacro %}
