{#-
    Defaults: as of now; the seven days that end yesterday, or all days from first_date to yesterday. The command line of
    trueup has the same rules (make_window). The values are literals, not current_timestamp(), so
    that BigQuery prunes partitions and a past day can be checked again.
-#}
{% macro check_window() %}
    {%- set timestamps = modules.datetime.datetime -%}
    {%- for name in ('first_date', 'last_date') if var(name, none) -%}
        {%- if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', var(name) | string) -%}
            {{ exceptions.raise_compiler_error(
                "The var " ~ name ~ " must be a day such as 2026-02-03; it is: " ~ var(name)
            ) }}
        {%- endif -%}
    {%- endfor -%}
    {%- if var('platform_time_zone') not in modules.pytz.all_timezones -%}
        {{ exceptions.raise_compiler_error(
            "The var platform_time_zone must be a time zone such as America/New_York; it is: " ~ var('platform_time_zone')
        ) }}
    {%- endif -%}
    {%- if var('as_of', none) -%}
        {%- set clock = '[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?([+-][0-9]{2}:[0-9]{2}|Z)?' -%}
        {%- if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}' ~ clock, var('as_of') | string) -%}
            {{ exceptions.raise_compiler_error(
                "The var as_of must be a timestamp such as 2026-02-04T16:00:00-05:00; it is: " ~ var('as_of')
            ) }}
        {%- endif -%}
        {%- set as_of = timestamps.fromisoformat((var('as_of') | string).replace('Z', '+00:00')) -%}
        {%- if as_of.tzinfo is none -%}
            {{ exceptions.raise_compiler_error(
                "The var as_of needs an offset, as in 2026-02-04T16:00:00-05:00; it is: " ~ var('as_of')
            ) }}
        {%- endif -%}
    {%- else -%}
        {%- set as_of = run_started_at -%}
    {%- endif -%}
    {%- set local_day = as_of.astimezone(modules.pytz.timezone(var('platform_time_zone'))).date() -%}
    {%- set yesterday = local_day - modules.datetime.timedelta(days=1) -%}
    {%- set from_first = [timestamps.fromisoformat(var('first_date', none) | string).date(), yesterday] | max
        if var('first_date', none) else yesterday -%}
    {%- set last_date = var('last_date', none) or from_first -%}
    {%- set last_date = timestamps.fromisoformat(last_date | string).date() -%}
    {%- set first_date = var('first_date', none) or last_date - modules.datetime.timedelta(days=6) -%}
    {%- set first_date = timestamps.fromisoformat(first_date | string).date() -%}
    {%- if first_date > last_date -%}
        {{ exceptions.raise_compiler_error(
            "first_date " ~ first_date ~ " is after last_date " ~ last_date ~ "; swap the two vars."
        ) }}
    {%- endif -%}
    {%- if (last_date - first_date).days >= 3660 -%}
        {{ exceptions.raise_compiler_error(
            first_date ~ " to " ~ last_date ~ " are more than 3660 days. Check fewer days at once."
        ) }}
    {%- endif -%}
    {{ return({'as_of': as_of, 'first_date': first_date, 'last_date': last_date}) }}
{% endmacro %}
