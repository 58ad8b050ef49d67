{#-
    A date without any result is not_run, never passed. One blocked subject keeps the rule from passing, even if the
    other subjects passed.
-#}
{% macro outcomes_of(due, results) -%}
select
    due.rule,
    due.family,
    due.game_date,
    case
        when results.failed_count > 0 then 'failed'
        when results.blocking_count > 0 then 'not_run'
        when results.passed_count > 0 then 'passed'
        else 'not_run'
    end as outcome,
    coalesce(results.examined_count, 0) as examined_count,
    coalesce(results.failed_count, 0) as failed_subject_count,
    coalesce(results.not_run_count, 0) as not_run_subject_count,
    coalesce(results.reason, if(results.rule is null, 'the rule has no result', '')) as reason,
    results.rule is null or results.blocking_count > 0 as is_blocking,
    {{ run_stamp() }}
from {{ due }} as due
left join (
    select
        rule,
        game_date,
        countif(outcome = 'failed') as failed_count,
        countif(outcome = 'passed') as passed_count,
        countif(outcome = 'not_run') as not_run_count,
        countif(is_blocking) as blocking_count,
        sum(examined_count) as examined_count,
        string_agg(
            distinct if(outcome = 'not_run' and reason != '', reason, null), '; '
            order by if(outcome = 'not_run' and reason != '', reason, null)
        ) as reason,
    from {{ results }}
    group by rule, game_date
) as results
    on
        due.rule = results.rule
        and due.game_date = results.game_date
{%- endmacro %}
