#!/bin/sh
# down.sh NAME: takes away what up.sh NAME made, with all messages.
# Needs the AWS CLI with the same region.
set -eu
[ $# -eq 1 ] || { echo "down.sh NAME" >&2; exit 2; }
name=$1
bucket=$name-$(aws sts get-caller-identity --query Account --output text)

instances=$(aws ec2 describe-instances --filters "Name=tag:polylog,Values=$name" Name=instance-state-name,Values=pending,running,stopping,stopped \
    --query 'Reservations[].Instances[].InstanceId' --output text)
for instance in $instances; do
    aws ec2 terminate-instances --instance-ids "$instance" >/dev/null
    aws ec2 wait instance-terminated --instance-ids "$instance"
done
for address in $(aws ec2 describe-addresses --filters "Name=tag:polylog,Values=$name" --query 'Addresses[].AllocationId' --output text); do
    aws ec2 release-address --allocation-id "$address"
done
for group in $(aws ec2 describe-security-groups --filters "Name=tag:polylog,Values=$name" --query 'SecurityGroups[].GroupId' --output text); do
    aws ec2 delete-security-group --group-id "$group" >/dev/null
done
aws s3 rb --force "s3://$bucket" >/dev/null
echo "$name is gone"
