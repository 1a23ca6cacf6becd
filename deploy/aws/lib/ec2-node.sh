#!/bin/bash
# An instance's first start: Docker, the image, and what drains it before the instance ends.
set -eu
dnf install -y -q docker
systemctl enable --now docker

install -m 600 /dev/null /etc/polylog.env
cat >/etc/polylog.env <<'SETTINGS'
${Settings}
SETTINGS
printf 'POLYLOG_TOKEN_SECRET=%s\n' "$(aws secretsmanager get-secret-value --region ${AWS::Region} \
    --secret-id ${Secret} --query SecretString --output text)" >>/etc/polylog.env

aws ecr get-login-password --region ${AWS::Region} | docker login --username AWS --password-stdin ${Registry}
docker run --detach --name polylog --restart unless-stopped --publish ${Port}:8080 --env-file /etc/polylog.env \
    --read-only --cap-drop ALL --security-opt no-new-privileges --ulimit nofile=1048576 --stop-timeout ${StopS} \
    --log-driver awslogs --log-opt awslogs-region=${AWS::Region} --log-opt awslogs-group=${Log} ${Image}

# When it says Terminated, the group takes the instance from the balancer: clients move elsewhere while Docker waits.
cat >/usr/local/bin/polylog-drain <<'DRAIN'
#!/bin/bash
metadata=http://169.254.169.254/latest
ask() {
    token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $metadata/api/token) &&
        curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/$1"
}
until [ "$(ask autoscaling/target-lifecycle-state)" = Terminated ]; do sleep 5; done
docker stop --time ${StopS} polylog
aws autoscaling complete-lifecycle-action --region ${AWS::Region} --auto-scaling-group-name ${AWS::StackName} \
    --lifecycle-hook-name ${Hook} --lifecycle-action-result CONTINUE --instance-id "$(ask instance-id)"
DRAIN
chmod 755 /usr/local/bin/polylog-drain
cat >/etc/systemd/system/polylog-drain.service <<'UNIT'
[Unit]
Description=Drains Polylog before the instance ends
After=docker.service network-online.target
[Service]
ExecStart=/usr/local/bin/polylog-drain
Restart=on-failure
RestartSec=5
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now polylog-drain
