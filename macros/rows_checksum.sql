{#-
    An aggregate of constant size that sees each row as often as it is there: the number of rows and four sums, each of
    another 32 bits of the hashes. An INT64 holds the sum of two billion such words; beyond, BigQuery raises an error.
-#}
{% macro rows_checksum(hash) -%}
to_hex(sha256(concat(
            cast(count(*) as string)
            {%- for start in (1, 9, 17, 25) %},
            '|', cast(sum(cast(concat('0x', substr({{ hash }}, {{ start }}, 8)) as int64)) as string)
            {%- endfor %}
        )))
{%- endmacro %}
