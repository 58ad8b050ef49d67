{#-
    One literal zone per branch, because the embedded warehouse gets a zone from a column wrong. A zone outside the var
    gives NULL, and so the state unknown.
-#}
{% macro local_moment(day, clock, zone) -%}
case {{ zone }}
    {%- for name in var('roster_time_zones') %}
    when '{{ name }}' then timestamp(datetime({{ day }}, parse_time('%H:%M', {{ clock }})), '{{ name }}')
    {%- endfor %}
end
{%- endmacro %}
