{#- '424,634 minutes' says little. -#}
{% macro duration(minutes) -%}
case
            when {{ minutes }} < 120 then concat(cast({{ minutes }} as string), if({{ minutes }} = 1, ' minute', ' minutes'))
            when {{ minutes }} < 2880 then concat(cast(div({{ minutes }}, 60) as string), ' hours')
            else concat(cast(div({{ minutes }}, 1440) as string), ' days')
        end
{%- endmacro %}
