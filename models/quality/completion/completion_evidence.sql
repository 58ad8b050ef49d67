-- What the tables prove about each processor. The completion documents are not read here.

with game_days as (
    select * from {{ ref('game_days') }}
),

processors as (
    select distinct
        processor_name,
        table_name,
    from {{ ref('processor_roster') }}
),

coverage as (
    select * from {{ ref('source_coverage') }}
),

table_facts as (
    select
        facts.table_name,
        facts.expects_games,
    from unnest([
        {%- for table_name in analytics_tables() %}
        struct(
            '{{ table_name }}' as table_name,
            '{{ declared_source('nba_analytics', table_name).meta.get('expects_games', 'final') }}' as expects_games
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ]) as facts
),

written_games as (
    select * from {{ ref('written_games') }}
),

written as (
    select
        table_name,
        game_date,
        sum(row_count) as row_count,
        sum(grain_count) as grain_count,
        min(first_written_at) as first_written_at,
        max(last_written_at) as last_written_at,
    from written_games
    group by table_name, game_date
),

games as (
    select * from {{ ref('games') }}
),

-- Once reports are due, a game that is not final is expected like a final one. Before that, only the upcoming tables
-- can have rows of it.
expected_games as (
    select
        table_facts.table_name,
        games.game_date,
        games.pair_key,
        count(*) as game_count,
    from table_facts
    inner join games
        on games.is_due or (table_facts.expects_games = 'scheduled' and games.is_expected)
    group by table_facts.table_name, games.game_date, games.pair_key
),

-- A table may use any of the names of a game. Each game id proves one game, so two games of the same teams
-- need two ids.
proven_games as (
    select
        written_games.table_name,
        written_games.game_date,
        game_names.pair_key,
        count(distinct written_games.game_id) as name_count,
    from written_games
    inner join {{ ref('game_names') }} as game_names
        on
            written_games.game_date = game_names.game_date
            and written_games.game_id = game_names.game_id
    where game_names.is_expected
    group by written_games.table_name, written_games.game_date, game_names.pair_key
),

found_games as (
    select
        expected_games.table_name,
        expected_games.game_date,
        sum(expected_games.game_count) as games_expected_count,
        sum(least(expected_games.game_count, coalesce(proven_games.name_count, 0))) as games_found_count,
    from expected_games
    left join proven_games
        on
            expected_games.table_name = proven_games.table_name
            and expected_games.game_date = proven_games.game_date
            and expected_games.pair_key = proven_games.pair_key
    group by expected_games.table_name, expected_games.game_date
),

runs as (
    select
        regexp_replace(
            lower(regexp_replace(regexp_replace(processor_name, 'Processor$', ''), r'([a-z0-9])([A-Z])', r'\1_\2')),
            r'\s+', '_'
        ) as processor_name,
        data_date,
        run_id,
        max(started_at) as started_at,
        logical_or(lower(status) = 'success') as is_success,
        logical_or(coalesce(backfill_mode, false)) as is_backfill,
    from {{ staged('nba_reference', 'processor_run_history') }}
    group by processor_name, data_date, run_id
),

last_runs as (
    select
        processor_name,
        data_date,
        is_backfill,
    from runs
    where is_success
    qualify row_number() over (partition by processor_name, data_date order by started_at desc nulls last, run_id asc) = 1
)

select
    game_days.game_date,
    processors.processor_name,
    processors.table_name,
    coalesce(coverage.is_present, false) as is_source_present,
    coalesce(written.row_count, 0) as row_count,
    coalesce(written.grain_count, 0) as grain_count,
    coalesce(found_games.games_found_count, 0) as games_found_count,
    coalesce(found_games.games_expected_count, 0) as games_expected_count,
    written.first_written_at,
    written.last_written_at,
    last_runs.is_backfill,
    {{ run_stamp() }}
from game_days
cross join processors
left join coverage
    on
        processors.table_name = coverage.table_name
        and coverage.source_name = 'nba_analytics'
left join written
    on
        game_days.game_date = written.game_date
        and processors.table_name = written.table_name
left join found_games
    on
        game_days.game_date = found_games.game_date
        and processors.table_name = found_games.table_name
left join last_runs
    on
        game_days.game_date = last_runs.data_date
        and processors.processor_name = last_runs.processor_name
