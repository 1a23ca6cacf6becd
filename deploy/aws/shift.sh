#!/bin/sh
# shift.sh STACK SHARE: gives green SHARE of 100 requests, and blue the rest; at once, and in the stack's parameters, so
# that a later update does not put the old weights back. Clients' connections stay: API Gateway holds them.
# Needs the AWS CLI.
set -eu
if ! { [ $# -eq 2 ] && [ "$2" -ge 0 ] && [ "$2" -le 100 ]; } 2>/dev/null; then
    echo "shift.sh STACK SHARE, of 0 to 100" >&2
    exit 2
fi
stack=$1 green=$2 blue=$((100 - $2))

described() { aws cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].$1" --output text; }
output() { described "Outputs[?OutputKey=='$1'].OutputValue"; }

listener=$(output WeightsListener) blues=$(output BlueTargetGroup) greens=$(output GreenTargetGroup)
names=$(described 'Parameters[].ParameterKey')
for found in "$listener" "$blues" "$greens"; do
    case $found in
    arn:*) ;;
    *) echo "shift.sh: $stack is not a stack of blue-green.json with Deployment=weights" >&2; exit 1 ;;
    esac
done
aws elbv2 modify-listener --listener-arn "$listener" --output text --query 'Listeners[0].ListenerArn' --default-actions \
    "[{\"Type\":\"forward\",\"ForwardConfig\":{\"TargetGroups\":[{\"TargetGroupArn\":\"$blues\",\"Weight\":$blue},{\"TargetGroupArn\":\"$greens\",\"Weight\":$green}]}}]" >/dev/null
echo "blue $blue, green $green"

set --
for name in $names; do
    case $name in
    BlueWeight) set -- "$@" "ParameterKey=$name,ParameterValue=$blue" ;;
    GreenWeight) set -- "$@" "ParameterKey=$name,ParameterValue=$green" ;;
    *) set -- "$@" "ParameterKey=$name,UsePreviousValue=true" ;;
    esac
done
if said=$(aws cloudformation update-stack --stack-name "$stack" --use-previous-template --capabilities CAPABILITY_IAM --parameters "$@" 2>&1); then
    aws cloudformation wait stack-update-complete --stack-name "$stack"
else
    case $said in
    *'No updates are to be performed'*) ;;
    *) echo "shift.sh: the weights are set, but the stack does not know of it: $said" >&2; exit 1 ;;
    esac
fi
