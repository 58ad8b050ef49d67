{#-
    Returns the result of declared_source, and: is_present, missing_columns (declared, but not in the table) and
    undeclared_columns (in the table, but not declared). Without a warehouse (dbt compile --no-introspect) the table is
    assumed to be as declared.
-#}
{% macro source_facts(source_name, table_name) %}
    {%- set facts = declared_source(source_name, table_name) -%}
    {%- set relation = source(source_name, table_name) -%}
    {%- do facts.update({
        'relation': relation, 'is_present': true, 'missing_columns': [], 'undeclared_columns': [],
    }) -%}
    {%- if execute and flags.INTROSPECT -%}
        {%- set is_unreadable = source_name ~ '.' ~ table_name in var('unreadable_sources') -%}
        {%- set found = none if is_unreadable else load_relation(relation) -%}
        {%- set actual = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list if found else [] -%}
        {%- do facts.update({
            'is_present': found is not none,
            'missing_columns': facts.columns.keys() | reject('in', actual) | list,
            'undeclared_columns': actual | reject('in', facts.columns.keys() | list) | list,
        }) -%}
    {%- endif -%}
    {{ return(facts) }}
{% endmacro %}
