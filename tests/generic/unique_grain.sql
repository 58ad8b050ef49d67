{#- Rows of the checked days that share a key. Rows with a NULL in the key are kept on purpose. -#}
{% test unique_grain(model, grain) %}
select
    {{ grain | join(', ') }},
    count(*) as row_count
from {{ model }}
where
    {{ partition_range('game_date') }}
    {%- for column in grain %}
    and {{ column }} is not null
    {%- endfor %}
group by {{ grain | join(', ') }}
having count(*) > 1
{% endtest %}
