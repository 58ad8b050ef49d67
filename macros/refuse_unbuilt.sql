{#- Tests of tables that were never built would each fail with "not found". -#}
{% macro refuse_unbuilt() %}
    {%- set tested = ref('rule_outcomes') -%}
    {%- if execute and flags.WHICH == 'test' -%}
        {%- set data_tests = [] -%}
        {%- for unique_id in selected_resources if unique_id.startswith('test.') -%}
            {%- do data_tests.append(unique_id) -%}
        {%- endfor -%}
        {%- if data_tests and adapter.get_relation(tested.database, tested.schema, tested.identifier) is none -%}
            {{ exceptions.raise_compiler_error("There are no tables to test in " ~ tested.schema ~ ". Run dbt build first.") }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
