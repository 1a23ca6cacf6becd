# A REQUEST authorizer: the token says what becomes of it.
def handler(event, context):
    token = event["queryStringParameters"]["token"]
    if token == "unauthorized":
        raise Exception("Unauthorized")
    if token == "break":
        return {"principalId": "nobody"}["principalId"]
    return {
        "principalId": token,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Deny" if token == "deny" else "Allow",
                    "Resource": event["methodArn"],
                }
            ],
        },
        "context": {"level": 3, "admin": True, "name": "Ana"},
    }
