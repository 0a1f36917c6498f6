# SPDX-License-Identifier: MIT
"""The command line's tables, downloads and uploads: nothing is lost, nothing is empty."""
import json

CONFIG = r"""
suites:
  - {name: ok, kind: command, command: ['true']}
  - name: files
    kind: command
    max_attempts: 2
    command: [sh, -c, 'echo attempt $BATON_ATTEMPT > report.txt; test $BATON_ATTEMPT -ge 2']
    artifacts: [report.txt]
  - name: many
    kind: tap
    command: [sh, -c, 'echo 1..620; for i in $(seq 614); do echo "ok $i - case $i"; done;
              for i in $(seq 615 620); do echo "not ok $i - case $i"; done']
  - name: long
    kind: command
    command: [sh, -c, 'seq -f "%0100.0f" 60000']
"""


def table(text):
    """The rows of a printed table as dictionaries; columns begin where their titles do."""
    lines = text.splitlines()
    title = lines[0]
    starts = [i for i, c in enumerate(title) if c != " " and (i == 0 or title[i - 2:i] == "  ")]
    ends = starts[1:] + [None]
    names = [title[a:b].strip() for a, b in zip(starts, ends)]
    return [dict(zip(names, (line[a:b].strip() for a, b in zip(starts, ends)))) for line in lines[1:]]


def test_the_columns_of_tokens_audit_and_whoami_are_filled(make_server):
    server = make_server(CONFIG)
    made = server.cli("token", "create", "ci", "--scope", "viewer", "--expires", "90d", check=0).stdout
    assert "expires" in made
    (row,) = [r for r in table(server.cli("token", "ls", check=0).stdout) if r["NAME"] == "ci"]
    assert row["EXPIRES"].startswith("20") and row["CREATED"].startswith("20")
    token = next(line.split()[1] for line in made.splitlines() if line.startswith("token"))
    shown = server.cli("whoami", env={"BATON_TOKEN": token}, check=0).stdout
    assert row["ID"] in shown and "viewer" in shown
    (row,) = [r for r in table(server.cli("audit", check=0).stdout) if r["ACTION"] == "token.create"]
    assert row["WHO"] == "admin" and row["SUBJECT"].startswith("token:") and row["TIME"].startswith("20")


def test_every_list_can_be_paged(make_server):
    server = make_server(CONFIG)
    for name in ("a", "b", "c"):
        server.cli("schedule", "set", name, "--suite", "ok", "--cron", "0 2 * * *", check=0)
    first = server.cli("schedule", "ls", "--limit", "2", check=0)
    assert [row["NAME"] for row in table(first.stdout)] == ["a", "b"]
    cursor = first.stderr.split("--cursor ")[1].strip()
    more = server.cli("schedule", "ls", "--limit", "2", "--cursor", cursor, check=0)
    assert [row["NAME"] for row in table(more.stdout)] == ["c"]
    first = server.cli("audit", "--limit", "1", check=0)
    cursor = first.stderr.split("--cursor ")[1].strip()
    more = server.cli("audit", "--limit", "1", "--cursor", cursor, check=0)
    assert table(more.stdout) != table(first.stdout)


def test_artifacts_of_every_attempt_are_downloaded(make_server, tmp_path):
    server = make_server(CONFIG)
    server.cli("run", "files", check=0)
    server.cli("runs", "artifacts", "1", "--download", str(tmp_path / "down"), check=0)
    saved = sorted((p.relative_to(tmp_path / "down").as_posix(), p.read_text())
                   for p in (tmp_path / "down").rglob("*") if p.is_file())
    listed = server.api("GET", "/runs/1/artifacts")["items"]
    assert len(listed) == 2
    assert saved == [("files/1/report.txt", "attempt 1\n"), ("files/2/report.txt", "attempt 2\n")]


def test_runs_of_more_than_a_page_are_shown_whole(make_server):
    server = make_server(CONFIG)
    done = server.cli("run", "many", check=10)
    assert "case 620 (failed)" in done.stdout
    viewed = json.loads(server.cli("runs", "view", "1", "--output", "json", check=0).stdout)
    assert len(viewed["tests"]) == 620
    assert "case 620, attempt 1: failed" in server.cli("runs", "logs", "1", "--failed", check=0).stdout


def test_as_many_lines_as_were_asked_for_are_printed(make_server):
    server = make_server(CONFIG)
    server.cli("run", "long", check=0)
    text = server.cli("runs", "logs", "1", "--test", "long", "--from-line", "2", "--lines", "55000", check=0).stdout
    lines = text.splitlines()
    assert len(lines) == 55000 and int(lines[0]) == 2 and int(lines[-1]) == 55001
    assert server.cli("runs", "logs", "1", "--lines", "some", check=2).stderr.startswith("baton: ")


def test_result_files_are_uploaded_together_or_not_at_all(make_server, tmp_path):
    server = make_server()
    one, two, bad = tmp_path / "one.xml", tmp_path / "two.xml", tmp_path / "bad.xml"
    one.write_text('<testsuite name="s"><testcase name="a" classname="c" time="1"/></testsuite>')
    two.write_text('<testsuite name="s"><testcase name="b" classname="c"><failure/></testcase></testsuite>')
    bad.write_text("<testsuite><testcase</testsuite>")
    done = server.cli("report", "upload", str(one), str(bad), "--suite", "ci/x")
    assert done.returncode != 0 and "bad.xml" in done.stderr
    assert server.api("GET", "/runs")["items"] == []
    done = server.cli("report", "upload", str(one), str(two), "--suite", "ci/x", "--exit-code", check=10)
    (run,) = server.api("GET", "/runs")["items"]
    assert run["counts"]["total"] == 2 and run["verdict"] == "failed"
    done = server.cli("report", "upload", str(one), check=2)
    assert "--suite" in done.stderr
