-- Every name of a game that does not count. The rules on rows ignore rows of these games.

select
    game_date,
    game_id,
from {{ ref('game_names') }}
where not is_counted
