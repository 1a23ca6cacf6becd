#!/bin/sh
# release.sh STACK STEP TAG: one step by which the image TAG comes to a stack of blue-green.json with Deployment=weights:
#   new     green gets the image, by a change set of templates/blue-green.json; no requests yet
#   10      or another share: green gets as many of 100 requests (shift.sh), and its alarms are looked at each minute, for
#           $MINUTES (10); if one rises, blue gets all requests again (rollback.sh), and the step fails
#   done    green gets every request while blue gets the image too, and then blue
# $ROLE is the role by which CloudFormation changes the stack, if it is not the caller. Needs the AWS CLI.
set -eu
[ $# -eq 3 ] || { echo "release.sh STACK new|SHARE|done TAG" >&2; exit 2; }
stack=$1 step=$2 tag=$3
dir=$(dirname "$0")

described() { aws cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].$1" --output text; }

# change NAME OPTIONS...: the stack with the parameter NAME=$tag, and its other parameters as they are; waits for it.
change() {
    changed=$1
    shift
    set -- "$@" --parameters
    for name in $(described 'Parameters[].ParameterKey'); do
        case $name in
        "$changed") set -- "$@" "ParameterKey=$name,ParameterValue=$tag" ;;
        *) set -- "$@" "ParameterKey=$name,UsePreviousValue=true" ;;
        esac
    done
    set -- "$@" --capabilities CAPABILITY_IAM ${ROLE:+--role-arn "$ROLE"}
    set_name=release-$step-$tag
    aws cloudformation create-change-set --stack-name "$stack" --change-set-name "$set_name" "$@" >/dev/null
    aws cloudformation wait change-set-create-complete --stack-name "$stack" --change-set-name "$set_name"
    aws cloudformation execute-change-set --stack-name "$stack" --change-set-name "$set_name"
    aws cloudformation wait stack-update-complete --stack-name "$stack"
}

# The names of those of the release's alarms that have risen.
risen() {
    # shellcheck disable=SC2086
    aws cloudwatch describe-alarms --alarm-names $alarms --state-value ALARM --query 'MetricAlarms[].AlarmName' --output text
}

watch() {
    alarms=$(described "Outputs[?OutputKey=='ReleaseAlarms'].OutputValue")
    case $alarms in
    '' | None) echo "release.sh: $stack names no alarms of a release" >&2; exit 1 ;;
    esac
    minute=0
    while :; do
        up=$(risen) || up='its alarms, which nobody could ask for'
        if [ -n "$up" ]; then
            "$dir/rollback.sh" "$stack"
            echo "release.sh: taken back because of $up" >&2
            exit 1
        fi
        [ "$minute" -lt "${MINUTES:-10}" ] || return 0
        sleep 60
        minute=$((minute + 1))
    done
}

case $step in
new) change GreenTag --template-body "file://$dir/templates/blue-green.json" ;;
done)
    "$dir/shift.sh" "$stack" 100
    change BlueTag --use-previous-template
    "$dir/shift.sh" "$stack" 0
    ;;
*)
    "$dir/shift.sh" "$stack" "$step"
    watch
    ;;
esac
