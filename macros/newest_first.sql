{#-
    The total order of the rows of one grain, the true row first: newest write, NULL last, then the hash
    of the row. Two rows that are equal in all of it are equal altogether.
-#}
{% macro newest_first(written_at, hash) -%}
{{ written_at }} desc nulls last, {{ hash }}
{%- endmacro %}
