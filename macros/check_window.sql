{#-
    Defaults: as of now; the seven days that end yesterday, or all days from first_date to yesterday. The command line of
    trueup has the same rules (make_window). The values are literals, not current_timestamp(), so
    that BigQuery prunes partitions and a past day can be checked again.
-#}
{% macro check_window() %}
    {%- set timestamps = modules.datetime.datetime -%}
    {%- if var('platform_time_zone') not in modules.pytz.all_timezones -%}
        {{ wrong_var('platform_time_zone', 'a time zone such as America/New_York') }}
    {%- endif -%}
    {%- set given = {'first_date': none, 'last_date': none} -%}
    {%- for name in given if var(name, none) -%}
        {%- do given.update({name: read_day(name, var(name) | string)}) -%}
    {%- endfor -%}
    {%- if var('as_of', none) -%}
        {%- set text = var('as_of') | string -%}
        {%- set clock = '[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?' -%}
        {%- set offset = '([+-](0[0-9]|1[0-4]):[0-5][0-9]|Z)' -%}
        {%- if not modules.re.fullmatch('.{10}' ~ clock ~ offset, text) -%}
            {{ wrong_var('as_of', 'a timestamp with an offset, such as 2026-02-04T16:00:00-05:00') }}
        {%- endif -%}
        {%- do read_day('as_of', text[:10]) -%}
        {%- set as_of = timestamps.fromisoformat(text.replace('Z', '+00:00')) -%}
    {%- else -%}
        {%- set as_of = run_started_at -%}
    {%- endif -%}
    {%- set local_day = as_of.astimezone(modules.pytz.timezone(var('platform_time_zone'))).date() -%}
    {%- set yesterday = local_day - modules.datetime.timedelta(days=1) -%}
    {%- set last_date = given.last_date or ([given.first_date, yesterday] | max if given.first_date else yesterday) -%}
    {%- set first_date = given.first_date or last_date - modules.datetime.timedelta(days=6) -%}
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

{#- A day of the years 1900 to 2199. The last day of a month is the day before the next month. -#}
{% macro read_day(name, text) %}
    {%- if not modules.re.fullmatch('(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])', text) -%}
        {{ wrong_var(name, 'a day of the years 1900 to 2199, such as 2026-02-03') }}
    {%- endif -%}
    {%- set first = modules.datetime.date(text[:4] | int, text[5:7] | int, 1) -%}
    {%- set day = first + modules.datetime.timedelta(days=(text[8:] | int) - 1) -%}
    {%- if day.month != first.month -%}
        {{ wrong_var(name, 'a day that its month has') }}
    {%- endif -%}
    {{ return(day) }}
{% endmacro %}

{% macro wrong_var(name, expected) %}
    {{ exceptions.raise_compiler_error("The var " ~ name ~ " must be " ~ expected ~ "; it is: " ~ var(name)) }}
{% endmacro %}
