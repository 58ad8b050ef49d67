#!/usr/bin/env bash
# Stands for gcloud and bq on PATH. It writes down each command with the files that it names, and remembers what was
# created, so that lists have it. The folder FAKE_CLOUD holds both. A command with the text FAKE_CLOUD_FAILS fails, and so
# does the one with the number FAKE_CLOUD_FAILS_AT. FAKE_CLOUD_LOGS: the streams of the orchestrator with a log.
# It starts no other process: deploy/apply.sh runs it fifty times.
set -u
words="${0##*/}" files="" filter="" names=""
for one; do
    words+=$'\x1f'$one
    case $one in
        --filter=*) filter=${one#--filter=} ;;
    esac
    path=$one
    case $one in
        --policy-from-file=* | --channel-content-from-file=* | --config=* | --lifecycle-file=*) path=${one#*=} ;;
    esac
    case $path in
        *.yml | *.json)
            text=$(<"$path")
            files+=$'\x1f'$text
            [[ $text =~ \"displayName\":\ (\"[^\"]+\") ]] && names+=" ${BASH_REMATCH[1]}"
            ;;
    esac
done
printf '%s\x1d%s\x1e' "$words" "$files" >>"$FAKE_CLOUD/commands"

line="${0##*/} $*"
mapfile -d $'\x1e' -t commands <"$FAKE_CLOUD/commands"
if [ "${#commands[@]}" = "${FAKE_CLOUD_FAILS_AT:-}" ] ||
    { [ -n "${FAKE_CLOUD_FAILS:-}" ] && [[ $line == *"$FAKE_CLOUD_FAILS"* ]]; }; then
    echo "PERMISSION_DENIED: The caller does not have permission" >&2
    exit 1
fi
[ ! -f "$FAKE_CLOUD/made" ] || mapfile -t made <"$FAKE_CLOUD/made"

# has PREFIX NAME: whether something of a group was made.
has() {
    local one
    for one in ${made[@]+"${made[@]}"}; do
        [[ $one != "$1"*"$2"* ]] || return 0
    done
    return 1
}

case $line in
    "bq "*" show "*)
        [[ " ${FAKE_CLOUD_LOGS:-} " == *" ${line##*_} "* ]] || {
            echo "BigQuery error in show operation: Not found: Table ${line##* }"
            exit 2
        }
        ;;
    "bq "*) ;;
    "gcloud services list "*)
        echo bigquery.googleapis.com
        [ ! -f "$FAKE_CLOUD/enabled" ] || echo "$(<"$FAKE_CLOUD/enabled")"
        ;;
    "gcloud services enable "*) printf '%s\n' "${@:3}" >"$FAKE_CLOUD/enabled" ;;
    *" regions list "*) printf '%s\n' europe-west1 us-east1 us-east11 ;;
    *" versions list "*) [ -n "${FAKE_CLOUD_NO_SECRET:-}" ] || echo 1 ;;
    *" images list "*) ! has "gcloud builds submit" "" || echo sha256:1 ;;
    *" list "*)
        name=${filter#*[=~]}
        name=${name%@*}
        name=${name//[\/\"\$]/}
        ! has "${line%% list *}" "$name" || echo name/1
        ;;
    *" describe "*) echo serviceAccount:writer@logging.test ;;
    *" create "* | *" submit "*) echo "$line$names" >>"$FAKE_CLOUD/made" ;;
esac
exit 0
