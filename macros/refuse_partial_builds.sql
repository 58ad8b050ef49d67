{#-
    The models that a model reads hold the days, and the moment, of their own last build. A model built from them would
    empty the days that they lack, or give an old answer for one of now. A run of trueup, which has a run_id, builds in
    several steps and reads back only what it built itself.
-#}
{% macro refuse_partial_builds() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not var('run_id', none) -%}
        {%- for unique_id in selected_resources if unique_id.startswith('model.') -%}
            {%- set node = graph.nodes[unique_id] -%}
            {%- for needed in node.depends_on.nodes if needed.startswith('model.') and needed not in selected_resources -%}
                {{ exceptions.raise_compiler_error(
                    node.name ~ " is not built without " ~ graph.nodes[needed].name ~ ", which may hold other days or an"
                    ~ " earlier moment. Select them together: --select +" ~ node.name
                ) }}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
