{#-
    Models hold the days and the as_of of their last build. If a model is built without its inputs, it loses the days
    that the old inputs lack, or mixes results of different times. A run of trueup (it has a run_id) may do this: it
    builds in several steps and reads only its own rows.
-#}
{% macro refuse_partial_builds() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not var('run_id', none) -%}
        {%- for unique_id in selected_resources if unique_id.startswith('model.') -%}
            {%- set node = graph.nodes[unique_id] -%}
            {%- for needed in node.depends_on.nodes if needed.startswith('model.') and needed not in selected_resources -%}
                {{ exceptions.raise_compiler_error(
                    node.name ~ " cannot be built without " ~ graph.nodes[needed].name ~ ", which may hold other days or"
                    ~ " an older as_of. Select them together: --select +" ~ node.name
                ) }}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
