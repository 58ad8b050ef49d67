# shellcheck shell=bash
# shellcheck disable=SC2153,SC2154 # deploy/apply.sh and its settings set the variables
# Part of deploy/apply.sh: it asks Google, and shows each step before it does it.

# step WHAT COMMAND…: shows what is done, and does it.
step() {
    printf '%s\n   ' "$1"
    printf ' %q' "${@:2}"
    printf '\n'
    if ! $is_plan; then
        "${@:2}" >/dev/null || fail "Stopped at: $1" \
            "Nothing after it was done. Correct the cause and run the same command again: what is done stays."
    fi
}

# ask API COMMAND…: what Google answers, in $answer. While an API is off, as in a new project, nothing is there. It must
# not be called in $(…), which would go on after a question without an answer.
ask() {
    answer=""
    if is_enabled "$1"; then
        answer=$("${@:2}" --project="$PROJECT") || unanswered "${@:2}"
    fi
}

is_enabled() {
    [[ " $enabled " == *" $1 "* ]]
}

unanswered() {
    local state="Nothing was changed. deploy/apply.sh --offline shows the steps for an empty project, without Google."
    $is_plan || state="What was done stays. Correct the cause and run the same command again."
    fail "Stopped: this could not be asked: $*" "$state"
}

# has_log STREAM: whether the orchestrator's log has a table of stdout or stderr. Google makes it with the first entry.
has_log() {
    local question=(bq --project_id="$PROJECT" show "$PROJECT:$LOG_DATASET.run_googleapis_com_$1") said
    is_enabled bigquery || return 1
    said=$("${question[@]}" 2>&1) && return 0
    if ! [[ $said =~ "Not found: "(Table|Dataset) ]]; then
        printf '%s\n' "$said" >&2
        unanswered "${question[@]}"
    fi
    return 1
}

check_region() {
    ask run gcloud run regions list --format="value(locationId)"
    [ -z "$answer" ] || [[ " ${answer//$'\n'/ } " == *" $REGION "* ]] ||
        refuse "REGION is $REGION. The regions of Cloud Run are: ${answer//$'\n'/ }"
}

# warn_of_other_regions: of jobs that stay where REGION was before. Their schedules start them there, too.
warn_of_other_regions() {
    local job region
    ask run gcloud run jobs list --filter="metadata.name~\"^trueup-(check|pulse)\$\"" --format="value(name,region)"
    while read -r job region; do
        [ -z "$job" ] || [ "$region" = "$REGION" ] ||
            printf '%s\n' "Warning: $job is also in $region, and may run there. deploy/README.md: how to take it back."
    done <<<"$answer"
}

# verb LIST: create or update.
verb() {
    if [ -n "$1" ]; then echo update; else echo create; fi
}

sql() {
    step "$1" bq --project_id="$PROJECT" --location="$LOCATION" query --use_legacy_sql=false "$2"
}

grant_on_dataset() { # MEMBER ROLE PROJECT.DATASET
    sql "grant $2 on the dataset $3 to $1" "grant \`$2\` on schema \`$3\` to '$1'"
}

# grant ACCOUNT MEMBER: the roles that permissions.tsv lists for an account and what is deployed here.
grant() {
    local on role dataset job rows
    rows=$(awk -F'\t' -v account="$1" 'NR > 1 && $1 == account && (account != "trueup" || $2 ~ /`(check|pulse)`/) {
        gsub("`", "", $5); print $4 "\t" $5 }' deploy/permissions.tsv | sort -u) || rows=""
    [ -n "$rows" ] || fail "deploy/permissions.tsv has no roles of $1."
    local as=(--member="$2" --project="$PROJECT")
    while IFS=$'\t' read -r on role <&3; do
        as[2]=--role=$role
        case $on in
            "the project of the jobs")
                step "grant $role on $PROJECT to $2" gcloud projects add-iam-policy-binding "$PROJECT" \
                    --member="$2" --role="$role" --condition=None ;;
            "the project of the documents")
                step "grant $role on $FIRESTORE_PROJECT to $2" gcloud projects add-iam-policy-binding \
                    "$FIRESTORE_PROJECT" --member="$2" --role="$role" --condition=None ;;
            "the datasets of the sources")
                for dataset in $SOURCE_DATASETS; do
                    grant_on_dataset "$2" "$role" "$SOURCE_PROJECT.$dataset"
                done ;;
            "the datasets of the analytics tables") ;; # they are among the sources
            "trueup's dataset") grant_on_dataset "$2" "$role" "$PROJECT.$DATASET" ;;
            "the dataset of the log") grant_on_dataset "$2" "$role" "$PROJECT.$LOG_DATASET" ;;
            "the bucket")
                step "grant $role on gs://$BUCKET to $2" gcloud storage buckets add-iam-policy-binding \
                    "gs://$BUCKET" "${as[@]}" ;;
            "the secret")
                step "grant $role on the secret to $2" gcloud secrets add-iam-policy-binding \
                    "$SLACK_SECRET" "${as[@]}" ;;
            "the jobs")
                for job in trueup-check trueup-pulse; do
                    step "grant $role on the job $job to $2" gcloud run jobs add-iam-policy-binding \
                        "$job" --region="$REGION" "${as[@]}"
                done ;;
            "the service")
                step "grant $role on the service to $2" gcloud run services add-iam-policy-binding \
                    trueup --region="$REGION" "${as[@]}" ;;
            *) fail "deploy/permissions.tsv: no step grants roles on $on." ;;
        esac
    done 3<<<"$rows"
}
