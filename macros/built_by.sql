{#-
    Replaces dbt's own macro. A table that a run of trueup builds as a whole says in its description which run that was.
    The description is replaced with the rows, in one statement: at its end, a run sees whether another process has
    replaced a table that it read. Tables that keep days have no such description: several runs write them.
-#}
{% macro bigquery_table_options(config, node, temporary) %}
    {%- set options = adapter.get_table_options(config, node, temporary) -%}
    {%- if var('run_id', none) and config.get('materialized') == 'table' -%}
        {%- do options.update({'description': '"""Built by the run ' ~ var('run_id') ~ '."""'}) -%}
    {%- endif -%}
    {{ return(bigquery_options(options)) }}
{% endmacro %}
