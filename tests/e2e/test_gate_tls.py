# SPDX-License-Identifier: MIT
"""Peers over TLS: one whose certificate is signed by the authority of the link is told the verdict; any
other hears nothing, not even a token, and the delivery says why."""
import base64
import socket

import pytest

from gate_world import Gates, configuration, everything_written
from fakes.certificates import Authority
from fakes.gocd import FakeGocd
from fakes.hook_receiver import FakeHookReceiver
from fakes.testkube import FakeTestkube

HOOK = "whsec_" + base64.b64encode(b"standard webhooks secret").decode()
ENV = {"HOOK": HOOK, "TOKEN": "gocd-0123456789abcdef", "TK": "tkcapi_0123456789"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "theirs")


def secured(fake, context):
    fake.tls = context
    return fake


def test_a_peer_of_a_private_authority_is_told(make_server, authority):
    with secured(FakeHookReceiver([HOOK]), authority.server("IP:127.0.0.1")) as hooks, \
            secured(FakeGocd(tokens={ENV["TOKEN"]: "baton"}), authority.server("localhost")) as gocd:
        gocd.pipeline("p", ["build", "accept"])
        links = {"webhook": {"ci": {"url": hooks.url, "ca_file": authority.file, "secret": {"env": "HOOK"}}},
                 "gocd": {"main": {"url": f"https://localhost:{gocd.port}", "ca_file": authority.file,
                                   "token": {"env": "TOKEN"}}}}
        gates = Gates(make_server(configuration(links), env=ENV))
        stage = {"pipeline": "p", "counter": 1, "stage": "accept"}
        gate = gates.open(deliver=[{"link": "webhook/ci"}, {"link": "gocd/main", "run_stage": stage}])
        gates.decide(gate)
        gates.wait_delivered(gate)
        assert len(hooks.messages) == 1 and gocd.stage("p", 1, "accept").counter == 1


def test_a_testkube_of_a_private_authority_is_asked(make_server, authority):
    with secured(FakeTestkube(), authority.server("IP:127.0.0.1")) as testkube:
        tk = {"url": testkube.api_url, "poll": "100ms", "ca_file": authority.file}
        gates = Gates(make_server(configuration({"testkube": {"tk": tk}}), env=ENV))
        testkube.execution("smoke", tags={"build": "42"}).finish("passed")
        gate = gates.open(subject={"testkube": {"profile": "tk", "tag": "build=42"}})
        assert gates.wait_end(gate)["verdict"] == "passed"


@pytest.mark.parametrize("case, reason", [
    ("wrong authority", "unable to get local issuer certificate"),
    ("wrong name", "no alternative certificate subject name"), ("expired", "certificate has expired"),
    ("system's authorities", "unable to get local issuer certificate"),
])
def test_a_peer_that_cannot_prove_itself_hears_nothing(make_server, authority, stranger, case, reason):
    context = {"wrong authority": lambda: stranger.server("IP:127.0.0.1"),
               "wrong name": lambda: authority.server("another.example"),
               "expired": lambda: authority.server("IP:127.0.0.1", days=-1),
               "system's authorities": lambda: authority.server("IP:127.0.0.1")}[case]()
    trust = {} if case == "system's authorities" else {"ca_file": authority.file}
    with secured(FakeGocd(tokens={ENV["TOKEN"]: "baton"}), context) as gocd, FakeHookReceiver([HOOK]) as sane:
        links = {"gocd": {"main": {"url": gocd.url, "token": {"env": "TOKEN"}, **trust}},
                 "webhook": {"ci": {"url": sane.url, "secret": {"env": "HOOK"}}}}
        server = make_server(configuration(links), env=ENV)
        gates = Gates(server)
        stage = {"pipeline": "p", "counter": 1, "stage": "accept"}
        gate = gates.open(deliver=[{"link": "gocd/main", "run_stage": stage}, {"link": "webhook/ci"}])
        gates.decide(gate)
        dead = gates.wait_dead(gate)
        assert (dead["error_class"], dead["attempts"]) == ("misconfigured", 1)
        assert reason in dead["last_error"] and "ca_file of links.gocd.main" in dead["last_error"], dead
        assert gocd.requests == [], "the token never left"
        assert len(sane.messages) == 1 and gates.get(gate)["verdict"] == "passed"
        assert ENV["TOKEN"].encode() not in everything_written(server)
        # With a certificate as it should be the same delivery arrives.
        gocd.pipeline("p", ["build", "accept"])
        gocd.refuse()
        gocd.tls = authority.server("IP:127.0.0.1")
        gocd.listen()
        if trust:
            server.api("POST", f"/deliveries/{dead['id']}/redrive")
            gates.wait_delivered(gate)
            assert gocd.stage("p", 1, "accept").counter == 1


def test_a_peer_without_tls_is_tried_again(make_server, authority):
    """It may be a balancer in front of nothing; and it hears no secret either."""
    with FakeGocd(tokens={ENV["TOKEN"]: "baton"}) as gocd:
        links = {"gocd": {"main": {"url": f"https://127.0.0.1:{gocd.port}", "ca_file": authority.file,
                                   "token": {"env": "TOKEN"}}}}
        gates = Gates(make_server(configuration(links, retry={"give_up_after": "1s"}), env=ENV))
        stage = {"pipeline": "p", "counter": 1, "stage": "accept"}
        gate = gates.open(deliver=[{"link": "gocd/main", "run_stage": stage}])
        gates.decide(gate)
        dead = gates.wait_dead(gate)
        assert dead["error_class"] == "transient" and dead["attempts"] > 1
        assert not any(request.method.isalpha() for request in gocd.requests), "handshakes at most"


def test_an_authority_that_cannot_be_read_is_told(make_server, tmp_path):
    with FakeHookReceiver([HOOK]) as hooks:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            links = {"webhook": {
                "none": {"url": f"https://127.0.0.1:{listener.getsockname()[1]}", "secret": {"env": "HOOK"},
                         "ca_file": str(tmp_path / "missing.pem")},
                "ci": {"url": hooks.url, "secret": {"env": "HOOK"}}}}
            gates = Gates(make_server(configuration(links), env=ENV))
            gate = gates.open(deliver=[{"link": "webhook/none"}, {"link": "webhook/ci"}])
            gates.decide(gate)
            dead = gates.wait_dead(gate)
            assert dead["error_class"] == "misconfigured" and "missing.pem" in dead["last_error"], dead
            assert len(hooks.messages) == 1
