{#-
    One literal zone per branch: the embedded warehouse mistakes a zone that comes from a column. A zone outside the var
    gives NULL, and the state unknown.
-#}
{% macro local_moment(day, clock, zone) -%}
case {{ zone }}
    {%- for name in var('roster_time_zones') %}
    when '{{ name }}' then timestamp(datetime({{ day }}, parse_time('%H:%M', {{ clock }})), '{{ name }}')
    {%- endfor %}
end
{%- endmacro %}
