{% macro as_of() %}
    {%- set as_of_utc = check_window().as_of.astimezone(modules.pytz.utc) -%}
timestamp '{{ as_of_utc.strftime('%Y-%m-%d %H:%M:%S.%f') }}+00:00'
{%- endmacro %}
