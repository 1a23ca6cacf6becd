#!/bin/sh
# site.sh STACK: puts the web app (make web) into the stack's bucket, and the address of its server into config.js beside it.
# site.sh BUCKET SERVER: into that bucket, with that address.
# Needs the AWS CLI.
set -eu
case $# in
1 | 2) ;;
*) echo "site.sh STACK, or site.sh BUCKET SERVER" >&2; exit 2 ;;
esac
dist=$(dirname "$0")/../../web/dist
[ -e "$dist/index.html" ] || { echo "site.sh: the web app is not there: make web" >&2; exit 1; }

output() { aws cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Outputs[?$1].OutputValue" --output text; }

if [ $# -eq 1 ]; then
    stack=$1
    bucket=$(output "OutputKey=='SiteBucketName' || OutputKey=='WebsiteBucketName'")
    server=$(output "OutputKey=='Url' || OutputKey=='PlainUrl'")
else
    bucket=$1 server=$2
fi
case $server in
http://* | https://* | ws://* | wss://*) ;;
*) echo "site.sh: $server is no address of a server" >&2; exit 1 ;;
esac
case $server in
*[\"\\\<]*) echo "site.sh: $server is no address of a server" >&2; exit 1 ;;
esac
case $bucket in
'' | None) echo "site.sh: $1 has no bucket for the web app" >&2; exit 1 ;;
esac

# Files that are named after what is in them are kept by browsers; the page, which names these, comes last.
put() { aws s3 cp "$dist" "s3://$bucket" --recursive --only-show-errors "$@"; }
put --exclude '*' --include 'app.*' --include 'theme.*' --exclude '*.br' --exclude '*.gz' --cache-control 'public, max-age=31536000, immutable'
printf 'window.POLYLOG_SERVER = "%s";\n' "$server" |
    aws s3 cp - "s3://$bucket/config.js" --only-show-errors --content-type text/javascript --cache-control no-cache
put --exclude 'app.*' --exclude 'theme.*' --exclude config.js --exclude '*.br' --exclude '*.gz' --cache-control no-cache
echo "config.js: $server"
