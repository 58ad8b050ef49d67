{#-
    What models/staging/*/_sources.yml says of one source table, plus what the warehouse says of it:

    relation, columns {name: data_type}, meta (grain, newest_by, partition_column …),
    is_present, missing_columns (declared, not there), undeclared_columns (there, not declared).

    Without a warehouse (dbt compile --no-introspect) the table is taken to be as declared.
-#}
{% macro source_facts(source_name, table_name) %}
    {%- set relation = source(source_name, table_name) -%}
    {%- set facts = {
        'relation': relation, 'source_name': source_name, 'table_name': table_name, 'columns': {}, 'meta': {},
        'is_present': true, 'missing_columns': [], 'undeclared_columns': [],
    } -%}
    {%- if execute -%}
        {%- for node in graph.sources.values() if node.source_name == source_name and node.name == table_name -%}
            {%- for column in node.columns.values() -%}
                {%- do facts.columns.update({column.name: column.data_type}) -%}
            {%- endfor -%}
            {%- do facts.update({'meta': node.config.meta}) -%}
        {%- endfor -%}
        {%- if flags.INTROSPECT -%}
            {%- set found = load_relation(relation) -%}
            {%- set actual = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list if found else [] -%}
            {%- do facts.update({
                'is_present': found is not none,
                'missing_columns': facts.columns.keys() | reject('in', actual) | list,
                'undeclared_columns': actual | reject('in', facts.columns.keys() | list) | list,
            }) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(facts) }}
{% endmacro %}
