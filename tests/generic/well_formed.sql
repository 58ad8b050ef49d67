{#-
    All that one table must hold, in one statement: each job of BigQuery takes a second or more. One row for each wrong
    value: which table and columns, the rule that is broken, the value, and how many rows have it.

    grain: a key of the checked days; rows with a NULL in it are kept on purpose. key: a key of the whole table, in which
    NULL is a value like others. NULL is neither a wrong value of accepted nor of references.
-#}
{% test well_formed(model, grain=[], key=[], not_null=[], accepted={}, references={}) %}
{%- set checks = [] -%}
{%- if grain -%}
    {%- set present = partition_range('game_date') ~ ' and ' ~ grain | join(' is not null and ') ~ ' is not null' -%}
    {%- do checks.append(wrong_values(model, grain, 'unique', present, 'count(*) > 1')) -%}
{%- endif -%}
{%- if key -%}
    {%- do checks.append(wrong_values(model, key, 'unique', 'true', 'count(*) > 1')) -%}
{%- endif -%}
{%- for column in not_null -%}
    {%- do checks.append(wrong_values(model, [column], 'not_null', column ~ ' is null', 'count(*) > 0')) -%}
{%- endfor -%}
{%- for column, values in accepted.items() -%}
    {%- if values | select('boolean') | list -%}
        {{ exceptions.raise_compiler_error("YAML reads off, on, no and yes as booleans: quote them in accepted of " ~ column) }}
    {%- endif -%}
    {%- set quote = '' if values[0] is number else "'" -%}
    {%- set others = column ~ ' not in (' ~ quote ~ values | join(quote ~ ', ' ~ quote) ~ quote ~ ')' -%}
    {%- do checks.append(wrong_values(model, [column], 'accepted_values', others, 'count(*) > 0')) -%}
{%- endfor -%}
{%- for column, there in references.items() -%}
    {%- set known = 'select ' ~ there.field ~ ' from ' ~ there.to ~ ' where ' ~ there.field ~ ' is not null' -%}
    {%- set others = column ~ ' is not null and ' ~ column ~ ' not in (' ~ known ~ ')' -%}
    {%- do checks.append(wrong_values(model, [column], 'relationships', others, 'count(*) > 0')) -%}
{%- endfor -%}
{{ checks | join('\nunion all\n') }}
{% endtest %}
