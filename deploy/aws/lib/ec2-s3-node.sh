#!/bin/bash
# An instance's first start (Ubuntu 24.04): the program from a bucket, its service, and its log to CloudWatch.
set -eu
aws=/snap/bin/aws region=${AWS::Region}
snap wait system seed.loaded
snap install aws-cli --classic
# The stack waits for this: an instance that an update replaces goes once its successor is ready.
ended() {
    $aws cloudformation signal-resource --region $region --stack-name ${AWS::StackName} --logical-resource-id ${Name} \
        --unique-id "$(cat /var/lib/cloud/data/instance-id)" --status "$1"
}
trap 'ended FAILURE' ERR

$aws s3 cp --region $region --only-show-errors s3://${CodeBucket}/${CodeKey} /tmp/polylog.zip
cat >/etc/polylog.env <<'SETTINGS'
${Settings}
SETTINGS
chmod 600 /etc/polylog.env

${Service}
curl -sSf --retry 5 -o /tmp/agent.deb "https://amazoncloudwatch-agent-$region.s3.$region.${AWS::URLSuffix}/ubuntu/$(dpkg --print-architecture)/latest/amazon-cloudwatch-agent.deb"
dpkg -i -E /tmp/agent.deb
cat >/etc/polylog-agent.json <<'AGENT'
{
  "logs": {
    "logs_collected": {
      "files": {
        "collect_list": [{ "file_path": "/var/log/polylog/polylog.log", "log_group_name": "${Log}", "log_stream_name": "{instance_id}" }]
      }
    }
  }
}
AGENT
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:/etc/polylog-agent.json
ended SUCCESS
