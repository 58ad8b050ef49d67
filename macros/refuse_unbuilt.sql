{#- Tests of tables that were never built would each fail with "not found". Unit tests read the columns of tables. -#}
{% macro refuse_unbuilt() %}
    {%- set tested = ref('rule_outcomes') -%}
    {%- if execute and flags.WHICH == 'test' -%}
        {%- set tests = [] -%}
        {%- for unique_id in selected_resources if unique_id.startswith(('test.', 'unit_test.')) -%}
            {%- do tests.append(unique_id) -%}
        {%- endfor -%}
        {%- if tests and adapter.get_relation(tested.database, tested.schema, tested.identifier) is none -%}
            {{ exceptions.raise_compiler_error("There are no tables to test in " ~ tested.schema ~ ". Run dbt build first.") }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
