"""The one place where botocore's errors become ours: a sentence that says what was tried and what to do."""

from __future__ import annotations

import re

from botocore import exceptions as boto

from core.errors import AccessDeniedError, AwsError, CredentialsError, EndpointError, NotFoundError

_IAM_PREFIX = {"resourcegroupstaggingapi": "tag", "service-quotas": "servicequotas"}
"""Where the IAM prefix differs from boto3's name of the service."""

_IAM_NAME = {
    "Invoke": "InvokeFunction",
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
"""Where the IAM action differs from the operation's name."""

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
    "Client.UnauthorizedOperation",
}
_REGION_OFF = {"RegionDisabledException", "RegionDisabled"}
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
_ENCODED = re.compile(r"\s*Encoded authorization failure message: \S+")
_DENIER = re.compile(
    r"with an explicit deny in (?:a|an|the) ([A-Za-z -]+?) ?(?:policy|boundary)?(?:$|[.:;,]| \()"
    r"|because no ([A-Za-z -]+?) ?(?:policy|boundary)? allows"
)
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""

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
    return f"{_IAM_PREFIX.get(service, service)}:{_IAM_NAME.get(operation, operation)}"


def translate(error: Exception, *, service: str, operation: str, where: str) -> AwsError:
    """Turn what botocore raised for one call into ours. `where` is the target as a person knows it."""
    action = iam_action(service, operation)
    if isinstance(error, AwsError):
        return error
    if isinstance(error, boto.ClientError):
        return _answered(error, action, where)
    if isinstance(error, _CREDENTIAL_ERRORS):
        return _credentials(error, where)
    if isinstance(error, RuntimeError):  # botocore's way to say that new credentials are past their end
        return CredentialsError(
            f"cannot use the credentials for {where}: {_one_line(error)}; check this machine's clock"
        )
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
    if code in _REGION_OFF:
        return CredentialsError(
            f"STS is switched off in the region of {where}: activate it in the account's IAM settings"
            " (Account settings, Endpoints), or take the region out of `regions`",
            code=code,
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
        whole = str(error.response.get("Error", {}).get("Message", ""))
        named = _NAMED_ACTION.search(whole)
        if named and named[1].lower() != action.lower():  # SQS writes its own actions in small letters
            action = named[1]
        return AccessDeniedError(
            f"cannot call {action} in {where}: {_why_denied(whole)} (see docs/iam.md)",
            code=code,
            permission=action,
        )
    if code in _MISSING or code.endswith(".NonExistentQueue"):
        return NotFoundError(f"{action} in {where}: {text}", code=code)
    retryable = code in _THROTTLED or status >= 500
    return AwsError(f"{action} failed in {where} with {code}: {text}", code=code, retryable=retryable)


LACKS = "the role lacks this permission"


def _why_denied(text: str) -> str:
    """Which kind of policy stands in the way, as far as AWS tells: another allowance may not help."""
    found = _DENIER.search(text)
    if not found:
        return LACKS
    explicit, kind = found[1] is not None, (found[1] or found[2]).strip()
    if kind == "identity-based" and not explicit:
        return LACKS
    title, remedy = _DENIERS.get(kind, (f"a {kind} policy", "change that policy"))
    return f"{title} {'denies' if explicit else 'does not allow'} it: {remedy}"


_DENIERS = {
    "service control": ("a service control policy of the organization", "its administrators can allow it"),
    "resource control": ("a resource control policy of the organization", "its administrators can allow it"),
    "permissions": ("the role's permissions boundary", "add it to the boundary too"),
    "session": ("the session policy", "whoever hands out the session can allow it"),
    "VPC endpoint": ("the policy of the VPC endpoint", "allow it there"),
    "identity-based": ("a policy of the role", "remove that deny"),
    "resource-based": ("the resource's own policy", "allow it there"),
}


def _message(error: boto.ClientError) -> str:
    """AWS's own words without what only AWS can decode; nothing if a proxy answered with a web page."""
    text = _one_line(_ENCODED.sub("", str(error.response.get("Error", {}).get("Message", ""))))
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
