"""The one place where botocore's errors become ours: a sentence that says what was tried and what to do."""

from __future__ import annotations

import re

from botocore import exceptions as boto

from core.errors import AccessDeniedError, AwsError, CredentialsError, EndpointError, NotFoundError

_IAM_PREFIX = {"resourcegroupstaggingapi": "tag", "xray": "xray"}
"""Where the IAM prefix differs from boto3's name of the service."""

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_REJECTED = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "AuthFailure",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "InvalidAccessKeyId",
}
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "NotAuthorized",
}
_MISSING = {
    "ResourceNotFoundException",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "NotFound",
}
_THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
}
_NAMED_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:\w+)")

_CREDENTIAL_ERRORS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
    boto.NoAuthTokenError,
    boto.ProfileNotFound,
    boto.RefreshWithMFAUnsupportedError,
    boto.UnknownCredentialError,
    boto.ConfigParseError,
    boto.ConfigNotFound,
)


def iam_action(service: str, operation: str) -> str:
    """The IAM action of an operation, such as `cloudwatch:GetMetricData`."""
    return f"{_IAM_PREFIX.get(service, service)}:{operation}"


def translate(error: Exception, *, service: str, operation: str, where: str) -> AwsError:
    """Turn what botocore raised for one call into ours. `where` is the target as a person knows it."""
    action = iam_action(service, operation)
    if isinstance(error, AwsError):
        return error
    if isinstance(error, boto.ClientError):
        return _answered(error, action, where)
    if isinstance(error, _CREDENTIAL_ERRORS):
        return _credentials(error, where)
    if isinstance(error, boto.HTTPClientError | boto.ConnectionError):
        return _unreachable(error, action, where)
    return AwsError(f"cannot call {action} in {where}: {_one_line(error)}")


def _answered(error: boto.ClientError, action: str, where: str) -> AwsError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    text = _message(error) or code
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if error.operation_name == "AssumeRole" and code in _DENIED:
        return CredentialsError(
            f"cannot assume the role of {where}: AWS says {text!r}; check role_arn, external_id and the"
            " role's trust policy",
            code=code,
            permission="sts:AssumeRole",
        )
    if code in _EXPIRED:
        return CredentialsError(
            f"the AWS credentials for {where} have expired; log in again (aws sso login, or new keys)",
            code=code,
        )
    if code in _REJECTED:
        return CredentialsError(
            f"AWS rejects the credentials for {where} ({code}); check the key, its secret and the clock",
            code=code,
        )
    if code in _DENIED:
        named = _NAMED_ACTION.search(text)
        action = named[1] if named else action
        return AccessDeniedError(
            f"cannot call {action} in {where}: the role lacks this permission (see docs/iam.md)",
            code=code,
            permission=action,
        )
    if code in _MISSING or code.endswith(".NonExistentQueue"):
        return NotFoundError(f"{action} in {where}: {text}", code=code)
    retryable = code in _THROTTLED or status >= 500
    return AwsError(f"{action} failed in {where} with {code}: {text}", code=code, retryable=retryable)


def _message(error: boto.ClientError) -> str:
    """AWS's own words; nothing if a proxy or an emulator answered with a web page."""
    text = _one_line(error.response.get("Error", {}).get("Message", ""))
    return "" if text.startswith("<") else text


def _credentials(error: Exception, where: str) -> CredentialsError:
    if isinstance(error, boto.NoCredentialsError):
        return CredentialsError(
            f"no AWS credentials for {where}; set AWS_PROFILE or AWS_ACCESS_KEY_ID, or use aws sso login"
        )
    if isinstance(error, boto.ProfileNotFound):
        return CredentialsError(f"cannot read {where}: {_one_line(error)}; see `aws configure list-profiles`")
    return CredentialsError(f"cannot get AWS credentials for {where}: {_one_line(error)}")


def _unreachable(error: Exception, action: str, where: str) -> EndpointError:
    return EndpointError(
        f"cannot reach AWS for {action} in {where}: {_one_line(error)}; check the network, the region's name"
        " and AWS_ENDPOINT_URL",
        retryable=True,
    )


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:300].rstrip(".")
