{#-
    Each branch has a literal zone, because the embedded warehouse converts wrongly with a zone from a column. A zone
    that the var roster_time_zones lacks gives NULL, and then the state unknown.
-#}
{% macro local_moment(day, clock, zone) -%}
case {{ zone }}
    {%- for name in var('roster_time_zones') %}
    when '{{ name }}' then timestamp(datetime({{ day }}, parse_time('%H:%M', {{ clock }})), '{{ name }}')
    {%- endfor %}
end
{%- endmacro %}
