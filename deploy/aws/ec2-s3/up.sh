#!/bin/sh
# up.sh NAME CIDR: Polylog on one instance of EC2 (Ubuntu 24.04, the account's default network), messages on its own disk,
# and the web app in the bucket NAME-ACCOUNT, which is a public website. Port 8000 is open to all, and SSH to CIDR. Anybody
# reads along who is on the way, since both speak plain HTTP: for a try. down.sh NAME takes all of it away.
# Needs the AWS CLI with a region, build/polylog-lambda.zip (make lambda) and web/dist (make web).
#   TYPE=t3.micro
set -eu
if [ $# -ne 2 ] || [ "$2" = 0.0.0.0/0 ]; then
    echo "up.sh NAME CIDR, such as chat 203.0.113.7/32" >&2
    exit 2
fi
name=$1 from=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
zip=$root/build/polylog-lambda.zip
[ -e "$zip" ] || { echo "up.sh: the program is not there: make lambda" >&2; exit 1; }
region=$(aws configure get region || echo "${AWS_REGION-}")
[ -n "$region" ] || { echo "up.sh: which region? AWS_REGION says it" >&2; exit 1; }
export AWS_REGION="$region"
bucket=$name-$(aws sts get-caller-identity --query Account --output text)
case $region in # older regions name their websites with a dash
us-east-1 | us-west-[12] | us-gov-west-1 | eu-west-1 | sa-east-1 | ap-southeast-[12] | ap-northeast-1) site=http://$bucket.s3-website-$region.amazonaws.com ;;
*) site=http://$bucket.s3-website.$region.amazonaws.com ;;
esac
tag() { echo "ResourceType=$1,Tags=[{Key=Name,Value=$name},{Key=polylog,Value=$name}]"; }

# The bucket: its objects are everybody's to read, and nothing else of it.
aws s3 mb "s3://$bucket" --region "$region" >/dev/null
aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
    BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=false,RestrictPublicBuckets=false
sed "s/BUCKET/$bucket/" "$here/public-read.json" | aws s3api put-bucket-policy --bucket "$bucket" --policy file:///dev/stdin
aws s3 website "s3://$bucket" --index-document index.html
aws s3 cp --only-show-errors "$zip" "s3://$bucket/polylog.zip"

# What the instance does at its first start.
user_data() {
    cat <<DATA
#!/bin/bash
set -eu
curl -sSf --retry 5 -o /tmp/polylog.zip https://$bucket.s3.$region.amazonaws.com/polylog.zip
install -m 600 /dev/null /etc/polylog.env
echo POLYLOG_ORIGINS=$site >/etc/polylog.env
DATA
    for kind in service socket; do
        echo "cat >/etc/systemd/system/polylog.$kind <<'UNIT'"
        grep -v '^#' "$root/deploy/systemd/polylog.$kind"
        echo UNIT
    done
    cat "$here/service.sh"
}
data=$(mktemp)
trap 'rm -f "$data"' EXIT
user_data >"$data"

group=$(aws ec2 create-security-group --group-name "$name" --description "Polylog" \
    --tag-specifications "$(tag security-group)" --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 8000 --cidr 0.0.0.0/0 >/dev/null
aws ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 22 --cidr "$from" >/dev/null
instance=$(aws ec2 run-instances --instance-type "${TYPE:-t3.micro}" --security-group-ids "$group" \
    --image-id resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id \
    --metadata-options HttpTokens=required,HttpPutResponseHopLimit=1 \
    --block-device-mappings 'DeviceName=/dev/sda1,Ebs={VolumeSize=10,VolumeType=gp3,Encrypted=true}' \
    --tag-specifications "$(tag instance)" --user-data "file://$data" --query 'Instances[0].InstanceId' --output text)
aws ec2 wait instance-running --instance-ids "$instance"
# shellcheck disable=SC2046 # two words
set -- $(aws ec2 allocate-address --tag-specifications "$(tag elastic-ip)" --query '[PublicIp,AllocationId]' --output text)
aws ec2 associate-address --instance-id "$instance" --allocation-id "$2" >/dev/null

"$here/../site.sh" "$bucket" "http://$1:8000"
echo "the page:          $site"
echo "the owner's link:  aws ec2-instance-connect ssh --instance-id $instance --os-user ubuntu, and there"
echo "                   sudo cat /var/log/polylog/polylog.log"
