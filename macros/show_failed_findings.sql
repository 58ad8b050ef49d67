{#- dbt only says how many rows a failed test has; this logs the findings and reasons in them, and their queries. -#}
{% macro show_failed_findings(results) %}
    {%- set rule_outcomes, findings = ref('rule_outcomes'), ref('findings') -%}
    {%- if execute and flags.WHICH in ('test', 'build') -%}
        {%- set rules = [] -%}
        {%- for one in results if one.status in ('fail', 'warn') and one.node.test_metadata -%}
            {%- if one.node.test_metadata.name == 'no_findings' -%}
                {%- do rules.append(one.node.test_metadata.kwargs['rule']) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if rules -%}
            {%- set rows = run_query(failed_findings_query(rule_outcomes, findings, rules)) -%}
            {%- for row in rows.rows[:shown_findings()] -%}
                {%- do log(row['line'], info=true) -%}
                {%- if row['query_line'] -%}
                    {%- do log('    ' ~ row['query_line'], info=true) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- if rows | length > shown_findings() -%}
                {%- do log('    Only the first ' ~ shown_findings() ~ ' are logged. All are in ' ~ findings ~ ' and ' ~ rule_outcomes ~ '.', info=true) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro shown_findings() %}{{ return(100) }}{% endmacro %}

{#- One line for the same reason on several days or of several rules. -#}
{% macro failed_findings_query(rule_outcomes, findings, rules) %}
    with problems as ({{ rule_problems(rule_outcomes, findings, rules) }}),

    by_rule as (
        select
            rule,
            subject,
            problem,
            query,
            min(game_date) as first_date,
            if(
                count(*) = 1, cast(min(game_date) as string),
                concat(min(game_date), ' to ', max(game_date), ' (', count(*), ' days)')
            ) as days,
        from problems
        group by rule, subject, problem, query
    )

    select
        concat(
            string_agg(rule, ', ' order by rule), ' ', days,
            if(subject is null, '', concat(' ', {{ one_line('subject') }})), ': ', {{ one_line('problem') }}
        ) as line,
        {{ one_line('query') }} as query_line
    from by_rule
    group by days, first_date, subject, problem, query
    order by first_date, min(rule), subject
    limit {{ shown_findings() + 1 }}
{% endmacro %}

{#- Text of the platform in a line of a log. Nothing ends the line or hides in it, and "##" is a command of some CI
services; in a string of SQL, "#\x23" is the same text. -#}
{% macro one_line(text) %}
    {{- return("replace(regexp_replace(" ~ text ~ ", r'[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]', ' '), '##', r'#\\x23')") -}}
{% endmacro %}
