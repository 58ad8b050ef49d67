{#-
    Seeds are replaced in one load job. dbt-bigquery drops the table first: readers would meet a missing table, grants on
    it would be lost, two runs at once could double its rows, and a seed with only a header would have no table.
    A seed with other columns than its table is made again.
-#}
{% macro bigquery__create_csv_table(model, agate_table) %}
    {%- set columns = [] -%}
    {%- for name in agate_table.column_names -%}
        {%- set type = model['config']['column_types'].get(name, adapter.convert_type(agate_table, loop.index0)) -%}
        {%- do columns.append(adapter.quote(name) ~ ' ' ~ type) -%}
    {%- endfor -%}
    {%- call statement('create_seed') -%}
        create table if not exists {{ this.render() }} ({{ columns | join(', ') }})
    {%- endcall -%}
    {%- do replace_seed_rows(model, agate_table) -%}
{% endmacro %}

{% macro bigquery__reset_csv_table(model, full_refresh, old_relation, agate_table) %}
    {%- set names = adapter.get_columns_in_relation(old_relation) | map(attribute='name') | list -%}
    {%- if full_refresh or names != agate_table.column_names | list -%}
        {{ adapter.drop_relation(old_relation) }}
        {%- do bigquery__create_csv_table(model, agate_table) -%}
    {%- else -%}
        {%- do replace_seed_rows(model, agate_table) -%}
    {%- endif -%}
{% endmacro %}

{% macro bigquery__load_csv_rows(model, agate_table) %}
    -- the rows are loaded where the table is created or reset, also if there are none
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
