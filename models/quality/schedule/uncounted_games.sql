-- Every name of a game that does not count: its rows are no fault, and are left out of what looks at rows.

select
    game_date,
    game_id,
from {{ ref('game_names') }}
where not is_counted
