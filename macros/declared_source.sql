{#- The result has no columns while dbt parses and in dbt unit tests: only a compilation has declarations. -#}
{% macro declared_source(source_name, table_name) %}
    {%- set declared = {'relation_name': table_name, 'columns': {}, 'meta': {}} -%}
    {%- if execute -%}
        {%- for node in graph.get('sources', {}).values() if node.source_name == source_name and node.name == table_name -%}
            {%- for column in node.columns.values() -%}
                {%- do declared.columns.update({column.name: column.data_type}) -%}
            {%- endfor -%}
            {%- do declared.update({'meta': node.config.meta, 'relation_name': node.relation_name}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(declared) }}
{% endmacro %}
