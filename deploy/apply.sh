#!/usr/bin/env bash
# Deploys trueup to Google Cloud, as deploy/README.md describes. It shows each step; with --apply it carries it out.
# What is there already is updated, so it can be run again at any time.
# shellcheck disable=SC2034,SC2153 # render reads variables by their names; read_settings sets those of the settings
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# shellcheck source=deploy/settings.sh
. deploy/settings.sh

usage="Usage: deploy/apply.sh [--apply | --offline] [SETTINGS]"
is_plan=true is_offline=false
settings=deploy/settings.env
for argument; do
    case $argument in
        --apply) is_plan=false ;;
        --offline) is_offline=true ;;
        -h | --help)
            printf '%s\n' "$usage" "" "Shows the steps that deploy trueup to Google Cloud, and changes nothing." "" \
                "  --apply     carries the steps out" \
                "  --offline   shows the steps for an empty project; asks nothing of Google, and needs no gcloud" \
                "  -h, --help  shows this" \
                "  SETTINGS    the file of the settings; default: deploy/settings.env" "" \
                "Exit codes: 0: the steps are shown, or done; 1: something could not be asked or done;" \
                "2: an option or a setting is wrong."
            exit 0
            ;;
        -*) refuse "Unknown option $argument." "$usage" ;;
        *) settings=$argument ;;
    esac
done
$is_plan || ! $is_offline || refuse "--apply needs Google: leave --offline out." "$usage"

# ---- settings

read_settings "$settings"

ACCOUNT=trueup@$PROJECT.iam.gserviceaccount.com
SCHEDULER=trueup-scheduler@$PROJECT.iam.gserviceaccount.com
REPOSITORY=$REGION-docker.pkg.dev/$PROJECT/trueup
VERSION=$(git rev-parse --short=12 HEAD)
IMAGE=$REPOSITORY/trueup:$VERSION
COMMAND="" OPTIONS="" TIMEOUT="" CHANNEL="" LOG="" WINDOW="" FOR=""
APIS="artifactregistry bigquery cloudbuild cloudscheduler firestore iam logging monitoring run secretmanager storage"

rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT

# render FILE NAME: the file with the values of the settings in place of ${…}, as NAME in the folder $rendered.
render() {
    local text name
    text=$(<"$1")
    for name in "${SETTINGS[@]}" ACCOUNT IMAGE COMMAND OPTIONS TIMEOUT CHANNEL LOG WINDOW FOR; do
        text=${text//"\${$name}"/"${!name}"}
    done
    ! [[ $text =~ \$\{[A-Z_]+\} ]] || fail "$1 asks for the unknown setting ${BASH_REMATCH[0]}."
    printf '%s\n' "$text" >"$rendered/$2"
}

# shellcheck source=deploy/steps.sh
. deploy/steps.sh

service_account() { # NAME EMAIL
    ask iam gcloud iam service-accounts list --filter="email=$2" --format="value(email)"
    [ -n "$answer" ] ||
        step "create the service account $1" gcloud iam service-accounts create "$1" --project="$PROJECT"
}

job() { # COMMAND SECONDS OPTIONS: more of them, as in a list of YAML
    COMMAND=$1 TIMEOUT=$2 OPTIONS=$3
    render deploy/run/job.yml "$1.yml"
    step "deploy the job trueup-$1" \
        gcloud run jobs replace "$rendered/$1.yml" --region="$REGION" --project="$PROJECT"
}

schedule() { # COMMAND SCHEDULE
    ask cloudscheduler gcloud scheduler jobs list --location="$REGION" \
        --filter="name~/trueup-$1\$" --format="value(name)"
    step "start the job trueup-$1 at: $2 ($TIME_ZONE)" gcloud scheduler jobs "$(verb "$answer")" http "trueup-$1" \
        --location="$REGION" --schedule="$2" --time-zone="$TIME_ZONE" --http-method=post \
        --uri="https://run.googleapis.com/v2/projects/$PROJECT/locations/$REGION/jobs/trueup-$1:run" \
        --oauth-service-account-email="$SCHEDULER" --project="$PROJECT"
}

# did_not_run COMMAND: a window without an execution, and how long there must be none. The check ends within an hour of
# 08:00, so the end of one and that of the next are at most 26 hours apart: the day on which summer time ends has 25.
did_not_run() {
    COMMAND=$1
    case $1 in
        check) WINDOW=24h FOR=7800s ;;
        pulse) WINDOW=25m FOR=300s ;;
    esac
    policy did-not-run "trueup: $1 did not run"
}

policy() { # FILE NAME
    render "deploy/monitoring/$1.json" "$1-$COMMAND.json"
    ask monitoring gcloud alpha monitoring policies list --filter="displayName=\"$2\"" --format="value(name)"
    # shellcheck disable=SC2086 # one name, or none
    step "alert: $2" gcloud alpha monitoring policies "$(verb "$answer")" $answer \
        --policy-from-file="$rendered/$1-$COMMAND.json" --project="$PROJECT"
}

# ---- what is deployed

uncommitted=$(git status --porcelain)
$is_plan || [ -z "$uncommitted" ] || fail "Commit your changes first: the image has the name of the commit."

enabled="" # nothing is asked of an API that is off
if ! $is_offline; then
    question=(gcloud services list --enabled --format="value(config.name)" --project="$PROJECT")
    enabled=$("${question[@]}") || unanswered "${question[@]}"
fi
enabled=${enabled//.googleapis.com/}
enabled=${enabled//$'\n'/ }
check_region
missing=""
for api in $APIS; do
    is_enabled "$api" || missing="$missing $api.googleapis.com"
done
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # a list
    step "enable APIs" gcloud services enable $missing --project="$PROJECT"
    $is_plan || enabled=$APIS
    [[ $missing != *" run."* ]] || check_region
fi

service_account trueup "$ACCOUNT"
service_account trueup-scheduler "$SCHEDULER"

for dataset in "$DATASET" "$LOG_DATASET"; do
    sql "create the dataset $dataset, unless it exists" \
        "create schema if not exists \`$PROJECT.$dataset\` options (location = '$LOCATION')"
done

ask storage gcloud storage buckets list --filter="name=$BUCKET" --format="value(name)"
[ -n "$answer" ] || step "create the bucket of the reports" gcloud storage buckets create "gs://$BUCKET" \
    --location="$REGION" --uniform-bucket-level-access --public-access-prevention --project="$PROJECT"
step "keep old reports for 90 days" gcloud storage buckets update "gs://$BUCKET" --versioning \
    --lifecycle-file=deploy/lifecycle.json --project="$PROJECT"

ask secretmanager gcloud secrets list --filter="name~/$SLACK_SECRET\$" --format="value(name)"
known=$answer
if [ -z "$known" ]; then
    step "create the secret" gcloud secrets create "$SLACK_SECRET" --replication-policy=automatic --project="$PROJECT"
fi
if ! $is_plan || [ -n "$known" ]; then
    ask secretmanager gcloud secrets versions list "$SLACK_SECRET" --filter="state=ENABLED" --format="value(name)"
fi
if [ -z "$answer" ]; then
    how=("The secret $SLACK_SECRET has no value yet. Give it the URL of your webhook:"
        "    gcloud secrets versions add $SLACK_SECRET --data-file=- --project=$PROJECT")
    $is_plan || fail "${how[@]}" "Then run the same command again."
    printf '%s\n' "${how[@]}"
fi

grant trueup "serviceAccount:$ACCOUNT"

ask artifactregistry gcloud artifacts repositories list --location="$REGION" --filter="name~/trueup\$" \
    --format="value(name)"
if [ -n "$answer" ]; then
    ask artifactregistry gcloud artifacts docker images list "$REPOSITORY" --include-tags --filter="tags:$VERSION" \
        --format="value(version)"
else
    step "create the repository of the images" gcloud artifacts repositories create trueup \
        --location="$REGION" --repository-format=docker --project="$PROJECT"
fi
if [ -z "$answer" ]; then
    render deploy/build.yml build.yml
    step "build the image of this commit" gcloud builds submit . --config="$rendered/build.yml" --project="$PROJECT"
fi

# A check of the service ends within 30 minutes: the one of 08:00 waits for it, and has as long for itself.
job check 3600 ', --wait, "30"'
job pulse 240 "" # it ends before the next one begins
grant trueup-scheduler "serviceAccount:$SCHEDULER"
schedule check "0 8 * * *"
schedule pulse "*/5 * * * *"
render deploy/run/service.yml service.yml
step "deploy the service" gcloud run services replace "$rendered/service.yml" --region="$REGION" --project="$PROJECT"
for caller in $CALLERS; do
    grant callers "$caller"
done

ask logging gcloud logging sinks list --filter="name=trueup-orchestrator" --format="value(name)"
known=$answer
step "send the orchestrator's log to the dataset $LOG_DATASET" gcloud logging sinks "$(verb "$known")" \
    trueup-orchestrator "bigquery.googleapis.com/projects/$PROJECT/datasets/$LOG_DATASET" --use-partitioned-tables \
    --log-filter="resource.type=\"cloud_run_revision\" resource.labels.service_name=\"$ORCHESTRATOR\"" \
    --project="$PROJECT"
writer=serviceAccount:WRITER_OF_THE_SINK
if ! $is_plan || [ -n "$known" ]; then
    ask logging gcloud logging sinks describe trueup-orchestrator --format="value(writerIdentity)"
    writer=$answer
fi
grant "log sink" "$writer"
view=""
for stream in stderr stdout; do
    if has_log "$stream"; then
        LOG=run_googleapis_com_$stream
        render deploy/orchestrator_log.sql "$LOG.sql"
        view+=${view:+$'\n'union all$'\n'}$(<"$rendered/$LOG.sql")
    fi
done
if [ -n "$view" ]; then
    name=$ORCHESTRATION_DATASET.orchestrator_log
    sql "show the log as $name" "create or replace view \`$SOURCE_PROJECT.$name\` as"$'\n'"$view"
else
    echo "$LOG_DATASET has no logs of the orchestrator yet: run this again when it has, for SLO004."
fi

channels=(gcloud beta monitoring channels)
known_channel=("${channels[@]}" list --filter="displayName=\"trueup on call\"" --format="value(name)")
ask monitoring "${known_channel[@]}"
render deploy/monitoring/channel.json channel.json
# shellcheck disable=SC2086 # one name, or none
step "tell $EMAIL of alerts" "${channels[@]}" "$(verb "$answer")" $answer \
    --channel-content-from-file="$rendered/channel.json" --project="$PROJECT"
if $is_plan; then
    CHANNEL=${answer:-projects/$PROJECT/notificationChannels/NEW}
else
    ask monitoring "${known_channel[@]}"
    CHANNEL=$answer
fi
COMMAND=any
policy orchestrator-errors "trueup: errors of the orchestrator"
policy job-failed "trueup: a job failed"
did_not_run check
did_not_run pulse

warn_of_other_regions
if $is_offline; then
    printf '\n%s\n' "Nothing was asked of Google, and nothing was changed: these are the steps for an empty project."
elif $is_plan; then
    printf '\n%s\n' "Nothing was changed. deploy/apply.sh --apply carries out these steps."
else
    printf '\n%s\n' \
        "Done. Start the first check: gcloud run jobs execute trueup-check --region=$REGION --project=$PROJECT"
fi
