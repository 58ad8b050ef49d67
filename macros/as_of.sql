{% macro as_of() %}
    {%- set moment = check_window().as_of.astimezone(modules.pytz.utc) -%}
timestamp '{{ moment.strftime('%Y-%m-%d %H:%M:%S.%f') }}+00:00'
{%- endmacro %}
