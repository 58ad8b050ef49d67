{#-
    Engines that speak BigQuery's SQL write timestamps, and numbers with a fraction, differently. The embedded warehouse
    still writes -0.0, integers beyond 2^53 and control characters differently.
-#}
{% macro portable(column, data_type) -%}
{%- if data_type == 'timestamp' -%}
unix_micros({{ column }})
{%- elif data_type == 'numeric' -%}
regexp_replace(cast({{ column }} as string), r'\.0*$|(\.[0-9]*[1-9])0*$', r'\1')
{%- elif data_type == 'float64' -%}
format('%.17g', {{ column }})
{%- elif data_type.startswith('array') -%}
{#- BigQuery stores no NULL array: it comes back empty. -#}
if(array_length({{ column }}) > 0, to_json_string({{ column }}), null)
{%- else -%}
{{ column }}
{%- endif -%}
{%- endmacro %}
