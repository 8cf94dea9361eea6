"""Template tests: a rule is a test that takes `template`, and it is shown to fail.

`@pytest.mark.fails_when(what_is_broken=lambda source: ...)` runs the test once more for each break,
with `template.yaml` so changed, and passes only if the rule complains.
"""

from copy import deepcopy

import pytest

from tests.support.template import Template, source_of

AS_IT_IS = "as_it_is"


def pytest_configure(config):
    config.addinivalue_line("markers", "fails_when(**breaks): changes of the source that break it")


def pytest_generate_tests(metafunc):
    if "template" in metafunc.fixturenames:
        breaks = metafunc.definition.get_closest_marker("fails_when")
        names = breaks.kwargs if breaks else ()
        metafunc.parametrize("template", [AS_IT_IS, *names], indirect=True)


@pytest.fixture(scope="session")
def source():
    return source_of("template.yaml")


@pytest.fixture(scope="session")
def intact(source):
    return Template(source)


@pytest.fixture
def template(request, source, intact):
    if request.param == AS_IT_IS:
        return intact
    changed = deepcopy(source)
    request.node.get_closest_marker("fails_when").kwargs[request.param](changed)
    return Template(changed)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    parameters = getattr(pyfuncitem, "callspec", None)
    if parameters is None or parameters.params.get("template", AS_IT_IS) == AS_IT_IS:
        return (yield)
    with pytest.raises((AssertionError, LookupError, ValueError)):
        yield
    return True
