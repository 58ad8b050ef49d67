{% macro local_clock(moment, zone) -%}
case {{ zone }}
    {%- for name in var('roster_time_zones') %}
    when '{{ name }}' then format_timestamp('%Y-%m-%d %H:%M', {{ moment }}, '{{ name }}')
    {%- endfor %}
end
{%- endmacro %}
