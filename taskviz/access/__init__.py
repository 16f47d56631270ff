"""Who acts, and what they may do: roles, quotas, folders and host names of a shared server."""

from taskviz.access.actor import NOBODY, OPERATOR, Actor, Role, actor, set_source
from taskviz.access.hosts import is_local, own_names
from taskviz.access.policy import ENVIRONMENT, Policy, policy, read_policy

__all__ = [
    "ENVIRONMENT",
    "NOBODY",
    "OPERATOR",
    "Actor",
    "Policy",
    "Role",
    "actor",
    "is_local",
    "own_names",
    "policy",
    "read_policy",
    "set_source",
]
