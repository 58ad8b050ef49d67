{#- dbt only says how many rows a failed test has; this logs which findings they are, each with its query. -#}
{% macro show_failed_findings(results) %}
    {%- set findings = ref('findings') -%}
    {%- if execute and flags.WHICH in ('test', 'build') -%}
        {%- set rules = [] -%}
        {%- for one in results if one.status in ('fail', 'warn') and one.node.test_metadata -%}
            {%- if one.node.test_metadata.name == 'no_findings' -%}
                {%- do rules.append(one.node.test_metadata.kwargs['rule']) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if rules -%}
            {%- set rows = run_query(failed_findings_query(findings, rules)) -%}
            {%- for row in rows -%}
                {%- do log(row['rule'] ~ ' ' ~ row['game_date'] ~ ' ' ~ row['subject'] ~ ': ' ~ row['summary'], info=true) -%}
                {%- if row['query'] -%}
                    {%- do log('    ' ~ row['query'], info=true) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro failed_findings_query(findings, rules) %}
    select
        rule,
        cast(game_date as string) as game_date,
        regexp_replace(subject, r'[[:cntrl:]]', ' ') as subject,
        regexp_replace(summary, r'[[:cntrl:]]', ' ') as summary,
        regexp_replace(query, r'[[:cntrl:]]', ' ') as query
    from {{ findings }}
    where
        rule in ('{{ rules | join("', '") }}')
        and severity = 'error'
        and {{ partition_range('game_date') }}
    order by game_date, rule, subject
    limit 100
{% endmacro %}
