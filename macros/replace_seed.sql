{#-
    Seeds are replaced in one load job. dbt-bigquery drops the table first: readers would meet a missing table, grants on
    it would be lost, two runs at once could double its rows, and a seed with only a header would have no table.
    A seed with other columns or types than its table is made again: the load would keep those of the table.
-#}
{% macro bigquery__create_csv_table(model, agate_table) %}
    {%- set columns = [] -%}
    {%- for name, data_type in seed_types(model, agate_table).items() -%}
        {%- do columns.append(adapter.quote(name) ~ ' ' ~ data_type) -%}
    {%- endfor -%}
    {%- call statement('create_seed') -%}
        create table if not exists {{ this.render() }} ({{ columns | join(', ') }})
    {%- endcall -%}
    {%- do replace_seed_rows(model, agate_table) -%}
{% endmacro %}

{% macro bigquery__reset_csv_table(model, full_refresh, old_relation, agate_table) %}
    {#- The names of types in BigQuery's API, where they differ from SQL. -#}
    {%- set in_sql = {'integer': 'int64', 'float': 'float64', 'boolean': 'bool'} -%}
    {%- set found, wanted = [], [] -%}
    {%- for column in adapter.get_columns_in_relation(old_relation) -%}
        {%- do found.append([column.name, in_sql.get(column.dtype | lower, column.dtype | lower)]) -%}
    {%- endfor -%}
    {%- for name, data_type in seed_types(model, agate_table).items() -%}
        {%- do wanted.append([name, in_sql.get(data_type | lower, data_type | lower)]) -%}
    {%- endfor -%}
    {%- if full_refresh or found != wanted -%}
        {{ adapter.drop_relation(old_relation) }}
        {%- do bigquery__create_csv_table(model, agate_table) -%}
    {%- else -%}
        {%- do replace_seed_rows(model, agate_table) -%}
    {%- endif -%}
{% endmacro %}

{% macro bigquery__load_csv_rows(model, agate_table) %}
    -- the rows are loaded where the table is created or reset, also if there are none
{% endmacro %}

{#- The columns of a seed in the order of its file, each with its type. #}
{% macro seed_types(model, agate_table) %}
    {%- set types = {} -%}
    {%- for name in agate_table.column_names -%}
        {%- set declared = model['config']['column_types'].get(name) -%}
        {%- do types.update({name: declared or adapter.convert_type(agate_table, loop.index0)}) -%}
    {%- endfor -%}
    {{ return(types) }}
{% endmacro %}

{% macro replace_seed_rows(model, agate_table) %}
    {%- do adapter.upload_file(
        agate_table.original_abspath,
        model['database'],
        model['schema'],
        model['alias'],
        kwargs={
            'source_format': 'CSV',
            'skip_leading_rows': 1,
            'field_delimiter': model['config']['delimiter'],
            'write_disposition': 'WRITE_TRUNCATE',
        },
    ) -%}
{% endmacro %}
