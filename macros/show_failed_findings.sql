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
            {%- for row in rows if loop.index <= shown_findings() -%}
                {%- do log(row['rule'] ~ ' ' ~ row['game_date'] ~ ' ' ~ row['subject'] ~ ': ' ~ row['summary'], info=true) -%}
                {%- if row['query'] -%}
                    {%- do log('    ' ~ row['query'], info=true) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- if rows | length > shown_findings() -%}
                {%- do log('    and more: only ' ~ shown_findings() ~ ' findings are logged. The others are in ' ~ findings ~ '.', info=true) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro shown_findings() %}{{ return(100) }}{% endmacro %}

{% macro failed_findings_query(findings, rules) %}
    select
        rule,
        cast(game_date as string) as game_date,
        {{ one_line('subject') }} as subject,
        {{ one_line('summary') }} as summary,
        {{ one_line('query') }} as query
    from {{ findings }}
    where
        rule in ('{{ rules | join("', '") }}')
        and severity = 'error'
        and {{ partition_range('game_date') }}
    order by game_date, rule, subject
    limit {{ shown_findings() + 1 }}
{% endmacro %}

{#- Text of the platform in a line of a log. Nothing ends the line or hides in it, and "##" is a command of some CI
services; in a string of SQL, "#\x23" is the same text. -#}
{% macro one_line(text) %}
    {{- return("replace(regexp_replace(" ~ text ~ ", r'[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]', ' '), '##', r'#\\x23')") -}}
{% endmacro %}
