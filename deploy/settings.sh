# shellcheck shell=bash
# Part of deploy/apply.sh: reads its settings, and checks them all before anything is asked of Google.
# deploy/settings.tsv says what each looks like.

# read_settings FILE: sets a variable for each setting, and SETTINGS to their names. Exits with 2 if any is wrong.
read_settings() {
    local LC_ALL=C # a range of letters has no others
    local name form meaning example faults=()
    local -A forms meanings examples given=()
    [ -f "$1" ] || refuse "There are no settings in $1."
    SETTINGS=()
    while IFS=$'\t' read -r name form meaning example; do
        SETTINGS+=("$name")
        forms[$name]=$form meanings[$name]=$meaning examples[$name]=$example
    done < <(tail -n +2 deploy/settings.tsv)
    [ "${#SETTINGS[@]}" -gt 0 ] || refuse "deploy/settings.tsv cannot be read."
    read_lines "$1"
    for name in "${SETTINGS[@]}"; do
        printf -v "$name" %s "${given[$name]-}"
        if [ -z "${given[$name]+x}" ]; then
            faults+=("$name is not set.")
        elif ! [[ ${given[$name]} =~ ^(${forms[$name]})$ ]]; then
            faults+=("$name is $(shown "$name").")
        elif ! is_known "$name"; then
            faults+=("$name is $(shown "$name"), which does not exist.")
        else
            continue
        fi
        faults+=("    It must be ${meanings[$name]}. Example: ${examples[$name]}")
    done
    [ "${given[PROJECT]-}" != my-project ] || faults+=("PROJECT is the example's. Set it, and what else differs.")
    [[ ${given[EMAIL]-} != *@example.com ]] || faults+=("EMAIL is the example's. Set it to an address that somebody reads.")
    [ "${#faults[@]}" -eq 0 ] || refuse "$1 is wrong. Nothing was asked of Google, and nothing was changed." "${faults[@]}"
}

# read_lines FILE: each line NAME=VALUE, into given. They are not run: only $NAME of a line above has a meaning.
read_lines() {
    local line name value number=0
    local end='([[:space:]]+#.*|[[:space:]]*)$'
    local plain='^([A-Za-z_][A-Za-z0-9_]*)=([^[:space:]"'"'"']*)'$end quoted='^([A-Za-z_][A-Za-z0-9_]*)="([^"]*)"'$end
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        if [[ $line =~ ^[[:space:]]*(#.*)?$ ]]; then
            continue
        elif ! [[ $line =~ $plain || $line =~ $quoted ]]; then
            faults+=("Line $number cannot be read. It must be NAME=VALUE, or NAME=\"VALUE\" for a value with spaces.")
            continue
        fi
        name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
        if [ -z "${forms[$name]+x}" ]; then
            faults+=("$name is no setting. The settings are: ${SETTINGS[*]}")
        elif [ -n "${given[$name]+x}" ]; then
            faults+=("$name is set twice.")
        else
            given[$name]=$(filled "$value")
        fi
    done <"$1"
}

# filled VALUE: with the values of lines above in place of $NAME and ${NAME}. Others stay; no setting may have a $.
filled() {
    local rest=$1 name
    while [[ $rest =~ ^([^$]*)(\$(\{([A-Z_]+)\}|([A-Z_]+)))(.*)$ ]]; do
        name=${BASH_REMATCH[4]}${BASH_REMATCH[5]} rest=${BASH_REMATCH[6]}
        printf %s "${BASH_REMATCH[1]}${given[$name]-${BASH_REMATCH[2]}}"
    done
    printf %s "$rest"
}

# is_known NAME: false for a time zone that this machine's tz database has not. A machine may have none.
is_known() {
    local zones=${TZDIR:-/usr/share/zoneinfo}
    [ "$1" != TIME_ZONE ] || ! [ -d "$zones" ] || [ -f "$zones/${given[TIME_ZONE]}" ]
}

# shown NAME: its value, unless it may be a secret.
shown() {
    if [ -z "${given[$1]}" ]; then
        printf empty
    elif [ "$1" = SLACK_SECRET ] || [[ ${given[$1]} == *://* ]]; then
        printf 'not of the right form; it is not shown here, as it may be a secret'
    else
        printf %q "${given[$1]}"
    fi
}

refuse() {
    printf '%s\n' "$@" >&2
    exit 2
}
