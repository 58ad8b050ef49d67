#!/usr/bin/env bash
# Deploys trueup to Google Cloud, as deploy/README.md describes. It shows each step; with --apply it carries it out.
# What is there already is updated, so it can be run again at any time.
# shellcheck disable=SC2034 # render reads variables by their names
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

is_plan=true
settings=deploy/settings.env
for argument; do
    case $argument in
        --apply) is_plan=false ;;
        -*) fail "Unknown option $argument." "Usage: deploy/apply.sh [--apply] [SETTINGS] (default: $settings)" ;;
        *) settings=$argument ;;
    esac
done

# ---- settings

PROJECT="" REGION="" LOCATION="" DATASET="" LOG_DATASET="" SOURCE_PROJECT="" SOURCE_DATASETS=""
ORCHESTRATION_DATASET="" FIRESTORE_PROJECT="" FIRESTORE_DATABASE="" ORCHESTRATOR="" TIME_ZONE="" BUCKET=""
SLACK_SECRET="" EMAIL="" CALLERS=""
[ -f "$settings" ] || fail "There are no settings in $settings."
# shellcheck source=deploy/settings.env
. "$settings"
NEEDED="PROJECT REGION LOCATION DATASET LOG_DATASET SOURCE_PROJECT SOURCE_DATASETS ORCHESTRATION_DATASET
    FIRESTORE_PROJECT FIRESTORE_DATABASE ORCHESTRATOR TIME_ZONE BUCKET SLACK_SECRET EMAIL"
for name in $NEEDED; do
    [ -n "${!name}" ] || fail "$name is not set in $settings."
done
[ "$PROJECT" != my-project ] || fail "Set PROJECT, and what else differs, in $settings."
[[ $EMAIL != *@example.com ]] || fail "Set EMAIL in $settings to an address that somebody reads."

ACCOUNT=trueup@$PROJECT.iam.gserviceaccount.com
SCHEDULER=trueup-scheduler@$PROJECT.iam.gserviceaccount.com
REPOSITORY=$REGION-docker.pkg.dev/$PROJECT/trueup
VERSION=$(git rev-parse --short=12 HEAD)
IMAGE=$REPOSITORY/trueup:$VERSION
COMMAND="" TIMEOUT="" CHANNEL="" ABSENT_WINDOW="" ABSENT_FOR="" NONE_WINDOW="" NONE_FOR=""
APIS="artifactregistry bigquery cloudbuild cloudscheduler firestore iam logging monitoring run secretmanager storage"

rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT

# render FILE NAME: the file with the values of the settings in place of ${…}, as NAME in the folder $rendered.
render() {
    local text name
    text=$(<"$1")
    for name in $NEEDED ACCOUNT IMAGE COMMAND TIMEOUT CHANNEL ABSENT_WINDOW ABSENT_FOR NONE_WINDOW NONE_FOR; do
        text=${text//"\${$name}"/"${!name}"}
    done
    ! [[ $text =~ \$\{[A-Z_]+\} ]] || fail "$1 asks for the unknown setting ${BASH_REMATCH[0]}."
    printf '%s\n' "$text" >"$rendered/$2"
}

# ---- steps

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

# listed API COMMAND…: what a list of Google's answers. While an API is off, as in a new project, its lists are empty.
listed() {
    [[ " $enabled " == *" $1 "* ]] || return 0
    "${@:2}" --project="$PROJECT" || fail "Stopped: this could not be asked: ${*:2}"
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
    local on role dataset job
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
    done 3< <(awk -F'\t' -v account="$1" 'NR > 1 && $1 == account && (account != "trueup" || $2 ~ /`(check|pulse)`/) {
        gsub("`", "", $5); print $4 "\t" $5 }' deploy/permissions.tsv | sort -u)
}

service_account() { # NAME EMAIL
    [ -n "$(listed iam gcloud iam service-accounts list --filter="email=$2" --format="value(email)")" ] ||
        step "create the service account $1" gcloud iam service-accounts create "$1" --project="$PROJECT"
}

job() { # COMMAND SECONDS
    COMMAND=$1 TIMEOUT=$2
    render deploy/run/job.yml "$1.yml"
    step "deploy the job trueup-$1" \
        gcloud run jobs replace "$rendered/$1.yml" --region="$REGION" --project="$PROJECT"
}

schedule() { # COMMAND SCHEDULE
    local known
    known=$(listed cloudscheduler gcloud scheduler jobs list --location="$REGION" \
        --filter="name~/trueup-$1\$" --format="value(name)")
    step "start the job trueup-$1 at: $2 ($TIME_ZONE)" gcloud scheduler jobs "$(verb "$known")" http "trueup-$1" \
        --location="$REGION" --schedule="$2" --time-zone="$TIME_ZONE" --http-method=post \
        --uri="https://run.googleapis.com/v2/projects/$PROJECT/locations/$REGION/jobs/trueup-$1:run" \
        --oauth-service-account-email="$SCHEDULER" --project="$PROJECT"
}

# did_not_run COMMAND: how long without an execution is too long. Google allows 23.5 hours without data and a window of
# 25 hours. 25.5 hours in all: the day on which summer time ends has 25.
did_not_run() {
    COMMAND=$1
    case $1 in
        check) ABSENT_WINDOW=7200s ABSENT_FOR=84600s NONE_WINDOW=90000s NONE_FOR=1800s ;;
        pulse) ABSENT_WINDOW=300s ABSENT_FOR=1500s NONE_WINDOW=1500s NONE_FOR=300s ;;
    esac
    policy did-not-run "trueup: $1 did not run"
}

policy() { # FILE NAME
    local known
    render "deploy/monitoring/$1.json" "$1-$COMMAND.json"
    known=$(listed monitoring gcloud alpha monitoring policies list --filter="displayName=\"$2\"" \
        --format="value(name)")
    # shellcheck disable=SC2086 # one name, or none
    step "alert: $2" gcloud alpha monitoring policies "$(verb "$known")" $known \
        --policy-from-file="$rendered/$1-$COMMAND.json" --project="$PROJECT"
}

# ---- what is deployed

if ! $is_plan && [ -n "$(git status --porcelain)" ]; then
    fail "Commit your changes first: the image has the name of the commit."
fi

enabled=$(gcloud services list --enabled --format="value(config.name)" --project="$PROJECT" |
    sed 's/\.googleapis\.com$//' | tr '\n' ' ') || fail "Stopped: the APIs of $PROJECT could not be asked."
missing=""
for api in $APIS; do
    [[ " $enabled " == *" $api "* ]] || missing="$missing $api.googleapis.com"
done
# shellcheck disable=SC2086 # a list
[ -z "$missing" ] || step "enable APIs" gcloud services enable $missing --project="$PROJECT"
$is_plan || enabled=$APIS

service_account trueup "$ACCOUNT"
service_account trueup-scheduler "$SCHEDULER"

for dataset in "$DATASET" "$LOG_DATASET"; do
    sql "create the dataset $dataset, unless it exists" \
        "create schema if not exists \`$PROJECT.$dataset\` options (location = '$LOCATION')"
done

known=$(listed storage gcloud storage buckets list --filter="name=$BUCKET" --format="value(name)")
[ -n "$known" ] || step "create the bucket of the reports" gcloud storage buckets create "gs://$BUCKET" \
    --location="$REGION" --uniform-bucket-level-access --public-access-prevention --project="$PROJECT"
step "keep old reports for 90 days" gcloud storage buckets update "gs://$BUCKET" --versioning \
    --lifecycle-file=deploy/lifecycle.json --project="$PROJECT"

known=$(listed secretmanager gcloud secrets list --filter="name~/$SLACK_SECRET\$" --format="value(name)")
if [ -z "$known" ]; then
    step "create the secret" gcloud secrets create "$SLACK_SECRET" --replication-policy=automatic --project="$PROJECT"
fi
if $is_plan && [ -z "$known" ]; then
    value=""
else
    value=$(listed secretmanager gcloud secrets versions list "$SLACK_SECRET" --filter="state=ENABLED" \
        --format="value(name)")
fi
if [ -z "$value" ]; then
    how=("The secret $SLACK_SECRET has no value yet. Give it the URL of your webhook:"
        "    gcloud secrets versions add $SLACK_SECRET --data-file=- --project=$PROJECT")
    $is_plan || fail "${how[@]}" "Then run the same command again."
    printf '%s\n' "${how[@]}"
fi

grant trueup "serviceAccount:$ACCOUNT"

known=$(listed artifactregistry gcloud artifacts repositories list --location="$REGION" \
    --filter="name~/trueup\$" --format="value(name)")
[ -n "$known" ] || step "create the repository of the images" gcloud artifacts repositories create trueup \
    --location="$REGION" --repository-format=docker --project="$PROJECT"
if [ -n "$known" ]; then
    known=$(listed artifactregistry gcloud artifacts docker images list "$REPOSITORY" --include-tags \
        --filter="tags:$VERSION" --format="value(version)")
fi
if [ -z "$known" ]; then
    render deploy/build.yml build.yml
    step "build the image of this commit" gcloud builds submit . --config="$rendered/build.yml" --project="$PROJECT"
fi

job check 3600
job pulse 240 # it ends before the next one begins
grant trueup-scheduler "serviceAccount:$SCHEDULER"
schedule check "0 8 * * *"
schedule pulse "*/5 * * * *"
render deploy/run/service.yml service.yml
step "deploy the service" gcloud run services replace "$rendered/service.yml" --region="$REGION" --project="$PROJECT"
for caller in $CALLERS; do
    grant callers "$caller"
done

known=$(listed logging gcloud logging sinks list --filter="name=trueup-orchestrator" --format="value(name)")
step "send the orchestrator's log to the dataset $LOG_DATASET" gcloud logging sinks "$(verb "$known")" \
    trueup-orchestrator "bigquery.googleapis.com/projects/$PROJECT/datasets/$LOG_DATASET" --use-partitioned-tables \
    --log-filter="resource.type=\"cloud_run_revision\" resource.labels.service_name=\"$ORCHESTRATOR\"" \
    --project="$PROJECT"
writer=serviceAccount:WRITER_OF_THE_SINK
if ! $is_plan || [ -n "$known" ]; then
    writer=$(listed logging gcloud logging sinks describe trueup-orchestrator --format="value(writerIdentity)")
fi
grant "log sink" "$writer"
if bq --project_id="$PROJECT" show "$PROJECT:$LOG_DATASET.run_googleapis_com_stderr" >/dev/null 2>&1 &&
    bq --project_id="$PROJECT" show "$PROJECT:$LOG_DATASET.run_googleapis_com_stdout" >/dev/null 2>&1; then
    render deploy/orchestrator_log.sql orchestrator_log.sql
    sql "show the log as $ORCHESTRATION_DATASET.orchestrator_log" "$(<"$rendered/orchestrator_log.sql")"
else
    echo "$LOG_DATASET has no logs of the orchestrator yet: run this again when it has, for SLO004."
fi

channels=(gcloud beta monitoring channels)
CHANNEL=$(listed monitoring "${channels[@]}" list --filter="displayName=\"trueup on call\"" --format="value(name)")
render deploy/monitoring/channel.json channel.json
# shellcheck disable=SC2086 # one name, or none
step "tell $EMAIL of alerts" "${channels[@]}" "$(verb "$CHANNEL")" $CHANNEL \
    --channel-content-from-file="$rendered/channel.json" --project="$PROJECT"
if $is_plan; then
    CHANNEL=${CHANNEL:-projects/$PROJECT/notificationChannels/NEW}
else
    CHANNEL=$(listed monitoring "${channels[@]}" list --filter="displayName=\"trueup on call\"" \
        --format="value(name)")
fi
COMMAND=any
policy orchestrator-errors "trueup: errors of the orchestrator"
policy job-failed "trueup: a job failed"
did_not_run check
did_not_run pulse

if $is_plan; then
    printf '\n%s\n' "Nothing was changed. deploy/apply.sh --apply carries out these steps."
else
    printf '\n%s\n' "Done. Start the first check: gcloud run jobs execute trueup-check --region=$REGION --project=$PROJECT"
fi
