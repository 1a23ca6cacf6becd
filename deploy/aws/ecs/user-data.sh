#!/bin/bash
# The first start of an instance of ECS (Amazon Linux 2023 for ECS): which cluster it is of, and that tasks write their
# logs by their own role.
cat >>/etc/ecs/ecs.config <<'CONFIG'
ECS_CLUSTER=polylog
ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true
CONFIG
