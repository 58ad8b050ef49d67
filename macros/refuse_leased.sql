{#-
    The table is that of the Python class Lease. Both runs would read what the other has built, and report that they could
    not check.
-#}
{% macro refuse_leased() %}
    {%- set built = ref('rule_outcomes') -%}
    {%- if execute and flags.WHICH in ('run', 'build', 'seed') and not var('run_id', none) -%}
        {%- set lease = adapter.get_relation(built.database, built.schema, 'run_lease') -%}
        {%- if lease is not none -%}
            {%- set held = run_query(
                "select holder, format_timestamp('%H:%M:%S', expires_at) as ends from " ~ lease
                ~ " where expires_at > current_timestamp()"
            ) -%}
            {%- for row in held.rows -%}
                {{ exceptions.raise_compiler_error(
                    "The run of " ~ modules.re.sub('[^A-Za-z0-9@._-]', '?', row['holder'] | string) ~ " is building the tables of " ~ built.schema
                    ~ ". Run dbt again when it has ended. If it was killed, its lease ends at " ~ row['ends'] ~ " UTC."
                ) }}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
