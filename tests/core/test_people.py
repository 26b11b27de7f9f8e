"""What viewers, operators and admins may."""

import pytest

from core.errors import NotAllowedError
from core.people import ROLES, Person


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_those_before_it_may(role):
    person = Person("maria", role)

    assert [needed for needed in ROLES if person.may(needed)] == list(ROLES[: ROLES.index(role) + 1])


def test_says_who_lacks_which_role_for_what():
    with pytest.raises(NotAllowedError, match="maria is a viewer: to acknowledge takes an operator"):
        Person("maria").must_be("operator", "to acknowledge")
