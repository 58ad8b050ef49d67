{#-
    Two runs at once may mix their tables, and write a line of a state that never was. Its day would fail the
    conservation test for ever. If the rows still contradict each other, this run writes the line again.
-#}
{% macro forget_contradictions(ledger) -%}
delete from {{ ledger }} where {{ partition_range('game_date') }} and rows_in - rows_removed != rows_out
{%- endmacro %}
