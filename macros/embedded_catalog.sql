{#- dbt docs generate: the embedded warehouse lacks the views of metadata that dbt's own query of the catalog reads. -#}
{% macro bigquery__get_catalog_relations(information_schema, relations) %}
    {%- if target.project != 'trueup-local' -%}
        {{ return(dbt_bigquery.bigquery__get_catalog_relations(information_schema, relations)) }}
    {%- endif -%}
    {%- set rows = [] -%}
    {%- for relation in relations -%}
        {%- set found = adapter.get_relation(relation.database, relation.schema, relation.identifier) -%}
        {%- for column in (adapter.get_columns_in_relation(found) if found is not none else []) -%}
            {%- set cells = [relation.database, relation.schema, relation.identifier, found.type, column.name, column.data_type] -%}
            {%- do rows.append("('" ~ cells | join("', '") ~ "', " ~ loop.index ~ ")") -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(run_query(embedded_catalog_query(rows))) }}
{% endmacro %}

{% macro embedded_catalog_query(rows) %}
    select
        *,
        cast(null as string) as table_comment,
        cast(null as string) as table_owner,
        cast(null as string) as column_comment
    from unnest(array<struct<
        table_database string, table_schema string, table_name string, table_type string, column_name string,
        column_type string, column_index int64
    >>[{{ rows | join(', ') }}])
{% endmacro %}
