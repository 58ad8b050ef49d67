{#-
    The moment of a local clock time on a day, in the zone that a column names.

    One literal zone per branch: the embedded warehouse mistakes a zone that comes from a column. A zone
    outside the var roster_time_zones gives NULL, and the state unknown.
-#}
{% macro local_moment(day, clock, zone) -%}
case {{ zone }}
    {%- for name in var('roster_time_zones') %}
    when '{{ name }}' then timestamp(datetime({{ day }}, parse_time('%H:%M', {{ clock }})), '{{ name }}')
    {%- endfor %}
end
{%- endmacro %}
