# Installs /tmp/polylog.zip (make lambda) as a service of systemd on port 8000 of an Ubuntu 24.04, with the settings of
# /etc/polylog.env; polylog.service and polylog.socket are there. Ends when the service is ready.
mkdir -p /opt/polylog /var/log/polylog /etc/systemd/system/polylog.service.d /etc/systemd/system/polylog.socket.d
python3 -m zipfile -e /tmp/polylog.zip /opt/polylog
chmod 755 /opt/polylog/polylog /opt/polylog/lib/*
chmod 750 /var/log/polylog

# The program with the libraries and the loader that its zip brings.
cat >/usr/local/bin/polylog <<'RUN'
#!/bin/sh
exec /opt/polylog/lib/ld-linux-* --library-path /opt/polylog/lib /opt/polylog/polylog "$@"
RUN
chmod 755 /usr/local/bin/polylog

cat >/etc/systemd/system/polylog.socket.d/aws.conf <<'SOCKET'
[Socket]
ListenStream=
ListenStream=0.0.0.0:8000
SOCKET
# A node drains for 90 s, and ends 22 s later at the latest.
cat >/etc/systemd/system/polylog.service.d/aws.conf <<'SERVICE'
[Service]
TimeoutStopSec=115
StandardError=append:/var/log/polylog/polylog.log
SERVICE
cat >/etc/logrotate.d/polylog <<'ROTATE'
/var/log/polylog/polylog.log {
    daily
    rotate 7
    compress
    copytruncate
    missingok
}
ROTATE

systemctl daemon-reload
systemctl enable --now polylog.socket polylog.service
curl -sSf -m 10 -o /dev/null --retry 30 --retry-delay 2 --retry-all-errors http://127.0.0.1:8000/ready
