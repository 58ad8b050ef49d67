{#-
    Stops a model that would be built without the one it reads.

    That one holds the days of its own last build. A model that rewrites whole days from one that was built for other
    days would empty those which it lacks, and nothing would say so.
-#}
{% macro require_selected(needed_name) %}
    {%- set is_built = execute and flags.WHICH in ('run', 'build') and model.unique_id in selected_resources -%}
    {%- if is_built and 'model.trueup.' ~ needed_name not in selected_resources -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ " is not built without " ~ needed_name ~ ", which may hold other days than those that are"
            ~ " rewritten. Select them together: --select +" ~ model.name
        ) }}
    {%- endif -%}
{% endmacro %}
