-- Every row of a _latest table is identical to a row of its source.
with survivors as (
    {%- for table_name in analytics_tables() %}
    select
        '{{ table_name }}' as table_name,
        latest.game_date,
        {{ row_hash('latest', declared_source('nba_analytics', table_name).columns) }} as row_hash,
    from {{ ref(table_name ~ '_latest') }} as latest
    where {{ partition_range('latest.game_date') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    survivors.table_name,
    survivors.game_date,
    survivors.row_hash
from survivors
left join {{ ref('row_fingerprints') }} as arrived
    on
        survivors.table_name = arrived.table_name
        and survivors.game_date = arrived.game_date
        and survivors.row_hash = arrived.row_hash
where arrived.row_hash is null
