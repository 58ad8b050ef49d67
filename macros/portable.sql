{#-
    Engines format timestamps and fractional numbers differently; this makes them equal. Differences remain for -0.0,
    integers beyond 2^53 and control characters.
-#}
{% macro portable(column, data_type) -%}
{%- if data_type == 'timestamp' -%}
unix_micros({{ column }})
{%- elif data_type == 'numeric' -%}
regexp_replace(cast({{ column }} as string), r'\.0*$|(\.[0-9]*[1-9])0*$', r'\1')
{%- elif data_type == 'float64' -%}
format('%.17g', {{ column }})
{%- elif data_type.startswith('array') -%}
{#- BigQuery stores a NULL array as an empty one. -#}
if(array_length({{ column }}) > 0, to_json_string({{ column }}), null)
{%- else -%}
{{ column }}
{%- endif -%}
{%- endmacro %}
