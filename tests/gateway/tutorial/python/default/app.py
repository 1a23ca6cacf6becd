import boto3


def handler(event, context):
    request = event["requestContext"]
    endpoint = "https://" + request["domainName"] + "/" + request["stage"]
    api = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)
    text = "Use the sendmessage route to send a message. Your connection is " + request["connectionId"]
    api.post_to_connection(ConnectionId=request["connectionId"], Data=text.encode("utf-8"))
    return {"statusCode": 200}
