{#-
    If no table that the selected tests read was built, each test would fail with "not found". Unit tests read the columns
    of tables.
-#}
{% macro refuse_unbuilt() %}
    {%- set tested = ref('rule_outcomes') -%}
    {%- if execute and flags.WHICH == 'test' -%}
        {%- set needed = {} -%}
        {%- for unique_id in selected_resources if unique_id.startswith(('test.', 'unit_test.')) -%}
            {%- set test = graph.nodes.get(unique_id) -%}
            {%- set read = test.depends_on.nodes if test else ['model.trueup.rule_outcomes'] -%}
            {%- for one in read if one in graph.nodes -%}
                {%- do needed.update({one: graph.nodes[one]}) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set found = [] -%}
        {%- for one in needed.values() if adapter.get_relation(one.database, one.schema, one.alias) is not none -%}
            {%- do found.append(one) -%}
        {%- endfor -%}
        {%- if needed and not found -%}
            {{ exceptions.raise_compiler_error("There are no tables to test in " ~ tested.schema ~ ". Run dbt build first.") }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
