{#- A waived finding is shown with severity info; it is not hidden. -#}
{% macro findings_of(failed) -%}
select
    to_hex(sha256(concat(failed.rule, '|', failed.subject, '|', cast(failed.game_date as string)))) as fingerprint,
    failed.rule,
    rules.family,
    failed.game_date,
    failed.subject,
    if(waivers.rule is null, failed.severity, 'info') as severity,
    failed.summary,
    failed.observed,
    failed.expected,
    failed.detail,
    -- Readers paste commands of a remedy into a shell, so a subject must not become a part of the command.
    replace(
        replace(rules.remedy, '{game_date}', cast(failed.game_date as string)),
        '{subject}',
        {{ shell_word('failed.subject') }}
    ) as remedy,
    failed.query,
    waivers.reason as waived_because,
    waivers.until as waived_until,
    {{ run_stamp() }}
from {{ failed }} as failed
left join {{ ref('rules') }} as rules on failed.rule = rules.rule
left join {{ ref('active_waivers') }} as waivers
    on
        failed.rule = waivers.rule
        and failed.subject = waivers.subject
        and failed.game_date = waivers.game_date
{%- endmacro %}
