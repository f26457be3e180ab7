"""A portal that is served as in production, shared by the tests that do not harm it."""

from contextlib import ExitStack

import pytest

from backups.emulator.api import Emulator
from backups.emulator.server import running

from ..browser.conftest import browser_type_launch_args
from ..sso import openid
from .nginx import Nginx
from .served import environment_of, free_port, serving

__all__ = ["browser_type_launch_args"]  # some of these tests look through Chromium


@pytest.fixture
def emulator():
    """A DCS at an address of its own: what servers before have cached is not of it."""
    emulator = Emulator()
    with running(emulator) as emulator.address:
        yield emulator
        emulator.heal()


@pytest.fixture
def environment(emulator, tmp_path):
    """`environment(NAME="value")` is that of a server with a database of its own."""
    database = f"sqlite:///{tmp_path / 'portal.sqlite3'}"
    return lambda **own: environment_of(emulator, emulator.address, **{"DATABASE_URL": database} | own)


@pytest.fixture(scope="session")
def served(_emulator_and_address, tmp_path_factory):
    emulator, endpoint = _emulator_and_address
    database = f"sqlite:///{tmp_path_factory.mktemp('served') / 'portal.sqlite3'}"
    with serving(environment_of(emulator, endpoint, DATABASE_URL=database), "--workers", "2") as server:
        yield server


METRICS_TOKEN = "a-token-for-prometheus"


class Production:
    """nginx with TLS, and two servers behind it whose viewers sign in at the company's provider, as Ada."""

    def __init__(self, nginx, ports, start):
        self.nginx, self.url, self.start = nginx, nginx.url, start
        self.servers = [start(port) for port in ports]

    def signed_in(self, link="/"):
        """Return a browser that has come from this link, by the provider, to its page."""
        session = self.nginx.browser()
        page = session.get(self.url + link)
        assert (page.status_code, page.url) == (200, self.url + link), page.text
        return session

    def replace_the_first(self):
        """Stop a server and start the next one at its port, as an upgrade does."""
        assert self.servers[0].stop() == 0
        self.servers[0] = self.start(self.servers[0].port)


@pytest.fixture(scope="session")
def production(_emulator_and_address, tmp_path_factory):
    """docs/nginx.conf and docs/deploying.md, on this machine."""
    folder = tmp_path_factory.mktemp("production")
    ports = [free_port(), free_port()]
    with ExitStack() as stack:
        nginx = stack.enter_context(Nginx(folder, ports))
        company = stack.enter_context(openid.running())
        own = {"DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}", "DCS_DEMO": "off"}
        own |= {"DCS_PROJECT_GROUPS": "dcs-all", "PORTAL_URL": nginx.url, "TRUSTED_PROXIES": "127.0.0.1"}
        own |= {"METRICS_TOKEN": METRICS_TOKEN, "SSO_ISSUER": company.issuer}
        own |= {"SSO_CLIENT_ID": openid.CLIENT_ID, "SSO_CLIENT_SECRET": openid.CLIENT_SECRET}
        environment = environment_of(*_emulator_and_address, **own)
        yield Production(nginx, ports, lambda port: stack.enter_context(serving(environment, port=port)))
