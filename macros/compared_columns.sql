{#-
    dbt compares the columns of a model's SQL with those of its contract, and sends an empty query for each side: two jobs
    for each contract. The types of the contract are known without a job, apart from structs. For the other side, trueup's
    client (BoundedClient) makes a dry run of a query with the words "columns only", which is no job; dbt alone sends it.
-#}
{% macro bigquery__get_assert_columns_equivalent(sql) %}
    {%- set declared = model['columns'].values() | list -%}
    {%- if declared | selectattr('data_type') | list != declared or 'struct' in declared | map(attribute='data_type') | join(' ') | lower -%}
        {{ return(default__get_assert_columns_equivalent(sql)) }}
    {%- endif -%}
    {%- set wanted, found = [], [] -%}
    {%- for column in declared -%}
        {%- do wanted.append(compared_column(column.name, column.data_type)) -%}
    {%- endfor -%}
    {%- for column in get_column_schema_from_query(sql, '/* columns only */') -%}
        {%- do found.append(compared_column(column.name, column.data_type)) -%}
    {%- endfor -%}
    {%- if not wanted or wanted | map(attribute='formatted') | sort != found | map(attribute='formatted') | sort -%}
        {%- do exceptions.raise_contract_error(wanted, found) -%}
    {%- endif -%}
{% endmacro %}

{#- A type has several names (https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types), and one with
parameters is the same type in the result of a query. -#}
{% macro compared_column(name, data_type) %}
    {%- set same = {
        'BOOLEAN': 'BOOL', 'INTEGER': 'INT64', 'INT': 'INT64', 'BIGINT': 'INT64', 'SMALLINT': 'INT64', 'TINYINT': 'INT64',
        'BYTEINT': 'INT64', 'FLOAT': 'FLOAT64', 'DECIMAL': 'NUMERIC', 'BIGDECIMAL': 'BIGNUMERIC',
    } -%}
    {%- set parts = modules.re.findall('[A-Z0-9]+|[<>]', modules.re.sub('[(][^)]*[)]', '', data_type | upper)) -%}
    {%- set type = [] -%}
    {%- for part in parts -%}
        {%- do type.append(same.get(part, part)) -%}
    {%- endfor -%}
    {%- set type = type | join('') -%}
    {{ return({'name': name, 'data_type': type, 'formatted': name | lower ~ ' ' ~ type}) }}
{% endmacro %}
