# SPDX-License-Identifier: MIT
"""What outsiders may make the server do, and where its secrets are: nowhere but at the peers."""
import base64
import http.client
import http.server
import json
import socket
import sqlite3
import threading
import urllib.parse

import pytest

from baton_server import wait_for
from gate_world import Gates, configuration, everything_written
from fakes.azure_devops import FakeAzureDevops
from fakes.github import FakeGithub
from fakes.gocd import FakeGocd
from fakes.hook_receiver import FakeHookReceiver

HOOK = "whsec_" + base64.b64encode(b"standard webhooks secret").decode()
SECRETS = {"HOOK": HOOK, "PAT": "pat-0123456789abcdef", "GOCD": "gocd-0123456789abcdef", "PW": "correct horse battery",
           "GH": "ghp-0123456789abcdef", "GHS": "github-webhook-secret"}


@pytest.fixture
def azure():
    with FakeAzureDevops(pat=SECRETS["PAT"]) as fake:
        yield fake


def ask(gates, azure, body=None, profile="corp", headers=None, **settings):
    auth = {"Authorization": f"Bearer {gates.server.token}"}
    check = azure.check(f"{gates.server.url}/api/v1/in/azure_devops/{profile}", body,
                        headers={**auth, **(headers or {})}, **settings)
    return check, check.send()


def variants(secret):
    """A secret as it may show up: plain, in base64 as for Basic, in JSON, in a query, its decoded bytes."""
    plain = secret.encode()
    yield plain
    for user in (b"", b"ann", b"baton"):
        yield base64.b64encode(user + b":" + plain).rstrip(b"=")
    yield urllib.parse.quote(secret).encode()
    yield json.dumps(secret).encode()
    if secret.startswith("whsec_"):
        yield base64.b64decode(secret[6:])
        yield secret[6:].encode()


# --- secrets --------------------------------------------------------------------------------------

def test_secrets_are_nowhere(make_server, azure, tmp_path):
    with FakeHookReceiver([HOOK]) as hooks, FakeGocd(users={"ann": SECRETS["PW"]}) as gocd, FakeGithub() as github:
        gocd.pipeline("p", ["build", "accept"])
        links = {"azure_devops": {"corp": {"allow": [f"{azure.url}/corp"], "pat": {"env": "PAT"}}},
                 "webhook": {"ci": {"url": hooks.url, "secret": {"env": "HOOK"}},
                             "down": {"url": "http://127.0.0.1:1/", "secret": {"env": "HOOK"}}},
                 "gocd": {"main": {"url": gocd.url, "user": "ann", "password": {"env": "PW"}},
                          "wrong": {"url": gocd.url, "token": {"env": "GOCD"}}},
                 "github": {"app": {"url": github.url, "app_id": 7, "webhook_secret": {"env": "GHS"},
                                    "private_key": {"file": github.write_key(tmp_path / "app.pem")}},
                            "wrong": {"url": github.url, "token": {"env": "GH"}}}}
        server = make_server(configuration(links, retry={"give_up_after": "1s"}),
                             env={**SECRETS, "BATON_LOG_LEVEL": "debug"})
        gates = Gates(server)
        check, reply = ask(gates, azure, {"name": "secret?"})
        refused, other = ask(gates, azure, {"name": "refused"})
        assert (reply.status, other.status) == (201, 201)
        stage = {"pipeline": "p", "counter": 1, "stage": "accept"}
        comment = {"repo": "acme/shop", "pr": 1}
        gate = gates.open(deliver=[{"link": "webhook/ci"}, {"link": "webhook/down"},
                                   *({"link": f"gocd/{name}", "run_stage": stage} for name in ("main", "wrong")),
                                   *({"link": f"github/{name}", "comment": comment} for name in ("app", "wrong"))])
        secrets = [check.token, refused.token, *SECRETS.values()]
        look = lambda: everything_written(server)
        assert_without(look(), secrets)
        with sqlite3.connect(server.data / "baton.db") as db:
            assert db.execute("SELECT COUNT(*) FROM gate_secret").fetchone() == (2,), "kept, but encrypted"
        # Peers that repeat what they were told: errors must not hand it on.
        refused.token_valid = False
        azure.pat = "another"
        for made in (gate, reply.json, other.json):
            gates.decide(made["id"], "failed", reason="because")
        assert check.wait_completed() == "failed"
        wait_for(lambda: all(d["state"] != "queued" for d in server.api("GET", "/deliveries?limit=100")["items"]), 60,
                 "the end of all deliveries")
        secrets += [token.value for token in github.tokens.values()]
        assert github.tokens and len(gates.get(gate)["deliveries"]) == 6
        assert_without(look(), secrets)
        with sqlite3.connect(server.data / "baton.db") as db:
            assert db.execute("SELECT COUNT(*) FROM gate_secret").fetchone() == (0,), "dropped with the last delivery"
        server.stop()
        server.start()
        assert_without(look(), secrets)


def assert_without(written, secrets):
    for secret in secrets:
        for variant in variants(secret):
            at = written.find(variant)
            assert at < 0, (secret, written[max(0, at - 200):at + 100])


def test_a_peer_that_echoes_secrets_is_cut_short(make_server):
    """What a peer answers is shown; what it was told is not."""
    with FakeHookReceiver([HOOK]) as hooks:
        links = {"webhook": {"ci": {"url": hooks.url, "secret": {"env": "HOOK"}}}}
        gates = Gates(make_server(configuration(links), env=SECRETS))
        hooks.fail_next(1, 400, body=b"\xff\xfe" + b"x" * 100_000)
        gate = gates.open(deliver=[{"link": "webhook/ci"}])
        gates.decide(gate)
        dead = gates.wait_dead(gate)
        assert len(dead["last_error"]) < 700 and "xxx" in dead["last_error"]


def test_a_secret_that_is_missing_stops_one_link_only(make_server):
    with FakeHookReceiver([HOOK]) as hooks:
        links = {"webhook": {"ci": {"url": hooks.url, "secret": {"env": "HOOK"}},
                             "bare": {"url": hooks.url + "/bare", "secret": {"env": "NOT_THERE"}}}}
        gates = Gates(make_server(configuration(links), env={"HOOK": HOOK}))
        gate = gates.open(deliver=[{"link": "webhook/ci"}])
        gates.decide(gate)
        gates.wait_delivered(gate)
        answer = gates.server.post("/api/v1/in/webhook/bare", {"name": "x"}, headers={
            "webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,"}, token=None)
        assert answer.status == 401 and len(gates.all()) == 1
        unsigned = gates.open(deliver=[{"link": "webhook/bare"}])
        gates.decide(unsigned)
        dead = gates.wait_dead(unsigned)
        assert dead["error_class"] == "misconfigured" and "NOT_THERE" in dead["last_error"]
        assert hooks.requests_to("/bare") == [], "unsigned it goes nowhere"


class Echo(http.server.BaseHTTPRequestHandler):
    """Refuses, and says what it was told: a debugging proxy, the page of a firewall."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = f"{self.path} {dict(self.headers)} {body.decode(errors='replace')}".encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_PUT = do_PATCH = answer

    def log_message(self, *_):
        pass


def test_what_a_peer_repeats_is_shown_without_secrets(make_server):
    peer = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=peer.serve_forever, daemon=True).start()
    url, hidden = f"http://127.0.0.1:{peer.server_port}", "s3cure-variable-value"
    links = {"gocd": {"main": {"url": url, "user": "ann", "password": {"env": "PASSWORD"}}},
             "gitlab": {"main": {"url": url, "token": {"env": "GL"}}},
             "jenkins": {"main": {"url": url, "user": "b", "token": {"env": "JENKINS"}}},
             "webhook": {"ci": {"url": url, "secret": {"env": "HOOK"}}}}
    env = {"PASSWORD": "pass word/0123", "GL": "glpat-0123456789", "JENKINS": "11abcdef0123", "HOOK": HOOK}
    gates = Gates(make_server(configuration(links), env=env))
    variables = [{"name": "KEY", "value": hidden, "secure": True}]
    gate = gates.open(deliver=[
        {"link": "gocd/main", "schedule": {"pipeline": "p", "environment_variables": variables}},
        {"link": "gitlab/main", "commit_status": {"project": 7, "sha": "c0ffee", "name": "e2e"}},
        {"link": "jenkins/main", "input": {"job": "j", "build": 1, "id": "Ok"}}, {"link": "webhook/ci"}])
    gates.decide(gate, "passed")
    ended = gates.wait_delivered(gate, states=("dead",))
    assert all("(secret)" in d["last_error"] for d in ended if d["target"]["link"] in ("gocd/main", "gitlab/main"))
    peer.shutdown()
    peer.server_close()
    assert_without(everything_written(gates.server), [hidden, *env.values()])
    assert_without(gates.server.get("/api/v1/deliveries").body, [hidden, *env.values()])


# --- addresses ------------------------------------------------------------------------------------

def test_names_that_lead_to_this_machine_are_refused(make_server, azure):
    """The name is on the list, but what it stands for is not a public address."""
    host = socket.gethostname()
    try:
        address = socket.gethostbyname(host)
    except OSError:
        pytest.skip("this machine's name stands for nothing")
    base = f"http://{host}:{azure.port}"
    links = {"azure_devops": {"corp": {"allow": [f"{base}/corp"]},
                              "near": {"allow": [f"{base}/corp"], "networks": [f"{address}/32"]}}}
    gates = Gates(make_server(configuration(links)))
    check, reply = ask(gates, azure, headers={"PlanUrl": f"{base}/corp/"})
    assert reply.status == 201, reply.body
    gates.decide(reply.json["id"], "passed")
    dead = wait_for(lambda: [d for d in gates.deliveries(reply.json["id"]) if d["state"] == "dead"
                             and d["stage"] == "verdict"], 30, "the refusal")[0]
    assert dead["error_class"] == "misconfigured" and "networks" in dead["last_error"]
    assert azure.requests == [], "nothing was connected to"
    if address != "127.0.0.1":
        return
    near, reply = ask(gates, azure, profile="near", headers={"PlanUrl": f"{base}/corp/"})
    gates.decide(reply.json["id"], "passed")
    assert near.wait_completed() == "succeeded"


def test_a_list_that_became_shorter_counts_for_what_waits(make_server, azure):
    config = lambda allow: configuration({"azure_devops": {"corp": {"allow": [allow]}}})
    server = make_server(config(f"{azure.url}/corp"))
    gates = Gates(server)
    check, reply = ask(gates, azure)
    azure.wait_for("logs", 10)
    server.stop()
    server.config.write_text(config("https://dev.azure.com/corp"))
    server.start()
    seen = len(azure.requests)
    gates.decide(reply.json["id"], "passed")
    dead = wait_for(lambda: [d for d in gates.deliveries(reply.json["id"]) if d["state"] == "dead"
                             and d["stage"] == "verdict"], 30, "the refusal")[0]
    assert dead["error_class"] == "misconfigured" and len(azure.requests) == seen and check.results == []


def test_a_link_that_is_gone_is_a_dead_letter_until_it_is_back(make_server):
    with FakeHookReceiver([HOOK]) as hooks:
        links = {"webhook": {"ci": {"url": hooks.url, "secret": {"env": "HOOK"}}}}
        server = make_server(configuration(links), env=SECRETS)
        gates = Gates(server)
        gate = gates.open(deliver=[{"link": "webhook/ci"}])
        server.stop()
        server.config.write_text(configuration({}))
        server.start()
        gates.decide(gate)
        dead = gates.wait_dead(gate)
        assert dead["error_class"] == "misconfigured" and "webhook/ci" in dead["last_error"]
        server.stop()
        server.config.write_text(configuration(links))
        server.start()
        server.api("POST", f"/deliveries/{dead['id']}/redrive")
        gates.wait_delivered(gate)
        assert len(hooks.messages) == 1


@pytest.mark.parametrize("answer", [
    dict(status=200, headers={"Content-Length": "99999999999"}), dict(status=200, headers={"X": "y" * 200_000}),
    dict(status=500, body=b"z" * (20 << 20)), dict(status=302, headers={"Location": "http://169.254.169.254/"}),
    dict(status=200, headers={"Transfer-Encoding": "chunked"}, body=b"zz\r\n"), dict(status=999), dict(status=100),
])
def test_peers_that_answer_nonsense_harm_nobody(make_server, answer):
    with FakeHookReceiver([HOOK]) as strange, FakeHookReceiver([HOOK]) as sane:
        strange.fail_next(None, **answer)
        links = {"webhook": {"strange": {"url": strange.url, "secret": {"env": "HOOK"}},
                             "sane": {"url": sane.url, "secret": {"env": "HOOK"}}}}
        gates = Gates(make_server(configuration(links, retry={"give_up_after": "1s"}), env=SECRETS))
        gate = gates.open(deliver=[{"link": "webhook/strange"}, {"link": "webhook/sane"}])
        gates.decide(gate)
        sane.wait_messages(1)
        strange.wait_until(lambda: strange.requests, 10, "the call")
        assert gates.get(gate)["verdict"] == "passed" and gates.server.get("/readyz").status == 200
        strange.heal()


# --- calls ----------------------------------------------------------------------------------------

def test_calls_without_a_token(make_server):
    links = {"azure_devops": {"corp": {"allow": ["https://dev.azure.com/corp"]}}, "flagger": {"canary": {}},
             "testkube": {"tk": {"url": "http://127.0.0.1:1"}}, "cloudevents": {"bus": {}}, "argo": {"ro": {}},
             "github": {"app": {"token": {"env": "GH"}, "webhook_secret": {"env": "GHS"}}},
             "gitlab": {"main": {"url": "http://a", "token": {"env": "GH"}, "webhook_secret": {"env": "GHS"}}},
             "webhook": {"ci": {"url": "http://127.0.0.1:1", "secret": {"env": "HOOK"}}}}
    gates = Gates(make_server(configuration(links), env=SECRETS))
    viewer = gates.server.api("POST", "/tokens", {"name": "v", "scope": "viewer"})["token"]
    guarded = ("azure_devops/corp", "flagger/canary", "testkube/tk", "cloudevents/bus", "argo/ro")
    for door in (*guarded, "github/app", "gitlab/main", "webhook/ci", "azure_devops/nix", "nix/nix"):
        for token, status in ((None, 401), (viewer, 403)):
            answer = gates.server.post(f"/api/v1/in/{door}", {"name": "x"}, token=token)
            if door.startswith("nix"):
                assert answer.status == 404
            elif door in guarded or door.startswith("azure"):
                assert answer.status == status, (door, answer)
            else:
                assert answer.status == 401, (door, answer)
    for door in guarded:
        assert gates.server.post(f"/api/v1/in/{door.partition('/')[0]}/nix", {"name": "x"}).status in (400, 404), door
        assert gates.server.request("PUT", f"/api/v1/in/{door}", {"name": "x"}).status == 405
    assert gates.all() == []


def test_bodies_beyond_the_limit_are_refused_unread(make_server):
    links = {"azure_devops": {"corp": {"allow": ["https://dev.azure.com/corp"]}}, "flagger": {"canary": {}},
             "github": {"app": {"token": {"env": "GH"}, "webhook_secret": {"env": "GHS"}}},
             "webhook": {"ci": {"url": "http://127.0.0.1:1", "secret": {"env": "HOOK"}}}}
    gates = Gates(make_server(configuration(links), env=SECRETS))
    parts = urllib.parse.urlsplit(gates.server.url)
    sizes = {"in/azure_devops/corp": 1, "in/flagger/canary": 1, "in/github/app": 25, "in/webhook/ci": 1, "gates": 1}
    for door, size in ((door, size) for door, most in sizes.items() for size in ((most << 20) + 1, 10 << 30)):
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        connection.putrequest("POST", f"/api/v1/{door}")
        for name, value in (("Authorization", f"Bearer {gates.server.token}"), ("Content-Type", "application/json"),
                            ("Content-Length", str(size))):
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 413, (door, answer.status)
        told = json.loads(answer.read())
        assert told["code"] == "too_large" and told["fix"]
        connection.close()
    assert gates.all() == []
