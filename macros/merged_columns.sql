{#-
    An incremental model is one MERGE of its query. With on_schema_change, dbt would first write the rows to another table
    to learn their columns: three more statements for each model. Here the columns are declared, those of staging in
    _sources.yml and those of a public model in its contract.
-#}
{% macro incremental_validate_on_schema_change(on_schema_change, default='ignore') %}
    {{ return('ignore') }}
{% endmacro %}

{#- The declared columns of the model. Those that its table lacks are added first. -#}
{% macro merged_columns(target, existing) %}
    {%- set source_table = source_table_of(model.name) -%}
    {%- set declared = declared_source(source_table[0], source_table[1]).columns if source_table else {} -%}
    {%- for column in model.columns.values() if not source_table -%}
        {%- do declared.update({column.name: column.data_type}) -%}
    {%- endfor -%}
    {%- if config.get('contract').enforced -%}
        {%- do get_assert_columns_equivalent(compiled_code) -%}
    {%- endif -%}
    {%- set known = existing | map(attribute='name') | map('lower') | list -%}
    {%- set columns, missing = [], [] -%}
    {%- for name, data_type in declared.items() -%}
        {%- do columns.append(api.Column(name, data_type)) -%}
        {%- do missing.append('add column if not exists ' ~ adapter.quote(name) ~ ' ' ~ data_type) if name | lower not in known -%}
    {%- endfor -%}
    {%- if missing -%}
        {%- do run_query('alter table ' ~ target ~ ' ' ~ missing | join(', ')) -%}
    {%- endif -%}
    {{ return(columns) }}
{% endmacro %}
