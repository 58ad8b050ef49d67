-- The five tables with the same columns, so that each rule on duplicates is written once. No CTE of all columns is used
-- twice, because the embedded engine would store it.

with
{%- for table_name in analytics_tables() %}
{%- set grain = declared_source('nba_analytics', table_name).meta.get('grain', ['game_date']) | join(', ') %}
repeated_{{ table_name }} as (
    select
        {{ grain }},
        count(*) as row_count,
    from {{ staged('nba_analytics', table_name) }}
    group by {{ grain }}
    having count(*) > 1
),
{% endfor %}
fingerprints as (
{% for table_name in analytics_tables() -%}
{%- set facts = declared_source('nba_analytics', table_name) %}
{%- set grain = facts.meta.get('grain', ['game_date']) %}
{%- set payload = {} %}
{%- for column, data_type in facts.columns.items() if column not in facts.meta.get('bookkeeping', []) %}
    {%- do payload.update({column: data_type}) %}
{%- endfor %}
select
    '{{ table_name }}' as table_name,
    staged.game_date,
    staged.game_id,
    staged.{{ facts.meta.get('entity', 'game_id') }} as entity,
    staged.{{ facts.meta.get('newest_by', 'processed_at') }} as written_at,
    {{ first_written(facts) }} as first_written_at,
    to_json_string(struct({% for column in grain %}staged.{{ column }} as {{ column }}{{ ', ' if not loop.last }}{% endfor %})) as grain_key,
    {% for column in grain %}{{ 'or ' if not loop.first }}staged.{{ column }} is null {% endfor %}as has_null_key,
    coalesce(repeated.row_count, 1) as key_row_count,
    if(repeated.row_count is null, null, {{ row_hash('staged', payload) }}) as payload_hash,
    {{ row_hash('staged', facts.columns) }} as row_hash,
    -- One letter for each NULL. A sum of 24 terms would be nested 24 levels deep, and an array is many times slower.
    length(concat(
        {%- for measure in facts.meta.get('measures', ['game_id']) %}
        if(staged.{{ measure }} is null, '-', ''){{ ',' if not loop.last }}
        {%- endfor %}
    )) as null_measure_count
from (select * from {{ staged('nba_analytics', table_name) }}) as staged
left join repeated_{{ table_name }} as repeated
    on {{ equal_keys('staged', 'repeated', grain) }}
{%- if not loop.last %}
union all
{%- endif %}
{% endfor %}
)

select
    fingerprints.*,
    uncounted_games.game_id is null as is_counted,
from fingerprints
left join {{ ref('uncounted_games') }} as uncounted_games
    on
        fingerprints.game_date = uncounted_games.game_date
        and fingerprints.game_id = uncounted_games.game_id
