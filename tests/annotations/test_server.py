"""The page's server: whom it answers, what it answers, and what it refuses."""

import http.client
import io
import json
import re
import socket

import numpy as np
import pytest
from PIL import Image

from gan_probe import UsageError
from gan_probe.annotations.server import FILES, LARGEST_BODY, PAGE, PageServer

JSON = {"Content-Type": "application/json"}
STATE = {"revision": 0, "objects": ["window"], "samples": [[3, [[0, 1, 2, 3, 4]]]], "concepts": []}
STRANGERS = [
    "nothing",
    "page.html",
    "../server.py",
    "..%2fserver.py",
    "page.js/",
    "state?x=1",
    "state/",
    "samples/3.png",
]
STRANGERS += ["samples/sample-000010.png", "samples/sample-3.png", "samples/sample-000003", "samples/sample-%D9%A3.png"]
STRANGERS += ["samples/", "samples/sample-.png", "samples/sample--00001.png", f"samples/sample-{'9' * 5000}.png"]


def ask(server, name="", method="GET", body=None, headers=None, path=None):
    """The status, the headers and the body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request(method, path or f"/{server.token}/{name}", body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def save(server, state, **headers):
    status, _, body = ask(server, "state", "POST", json.dumps(state).encode(), JSON | headers)
    return status, json.loads(body) if body.startswith(b"{") else body


def test_the_page_its_samples_and_its_state_are_served(serve):
    with serve() as server:
        for name, (_, kind) in FILES.items():
            status, headers, body = ask(server, name)
            assert (status, headers["Content-Type"]) == (200, kind)
            assert body
        _, headers, body = ask(server, "samples/sample-000003.png")
        assert headers["Content-Type"] == "image/png"
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(body))), np.full((64, 64, 3), 60))
        assert json.loads(ask(server, "state")[2]) == {
            "name": "rooms",
            "size": 64,
            "count": 10,
            "revision": 0,
            "objects": [],
            "samples": [],
            "concepts": [],
        }


def test_what_is_posted_is_saved(serve):
    with serve() as server:
        assert save(server, STATE) == (200, {"revision": 1})
        assert json.loads(ask(server, "state")[2])["samples"] == STATE["samples"]
        assert server.folder.boxes_path.is_file()
        assert save(server, STATE)[0] == 409
        assert save(server, STATE | {"revision": 1, "samples": [[3, 4]]})[0] == 400


def test_it_listens_on_this_machine_alone_under_a_new_long_token(serve, tmp_path):
    with serve() as one, serve(tmp_path / "two") as other:
        assert one.server_address[0] == "127.0.0.1"
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", one.address)
        assert one.token != other.token
        assert ask(one, path=f"/{other.token}/")[0] == 404


@pytest.mark.parametrize("path", ["/", "/page.js", "//", "/x/", "/{t}", "/{t}x/", "/{u}/", "/x/{t}/"])
def test_without_the_token_there_is_nothing(path, serve):
    with serve() as server:
        asked = path.format(t=server.token, u=server.token[:-1])
        for method in ("GET", "POST"):
            status, _, body = ask(server, path=asked, method=method, headers=JSON, body=json.dumps(STATE).encode())
            assert status == 404
            assert server.token.encode() not in body
        assert server.folder.files == []


@pytest.mark.parametrize("name", STRANGERS)
def test_no_other_name_is_there(name, serve):
    with serve() as server:
        assert ask(server, name)[0] == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{p}", "", "[::1]:{p}"]
)
def test_another_host_is_refused(host, serve):
    with serve() as server:
        headers = JSON | {"Host": host.format(p=server.server_port)}
        assert ask(server, headers=headers)[0] == 403
        assert save(server, STATE, Host=headers["Host"])[0] == 403
        assert server.folder.files == []
        assert ask(server, headers={"Host": f"localhost:{server.server_port}"})[0] == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:{p}", "http://a:{p}"]
)
def test_another_origin_is_refused(origin, serve):
    with serve() as server:
        origin = origin.format(p=server.server_port)
        assert save(server, STATE, Origin=origin)[0] == 403
        assert ask(server, headers={"Origin": origin})[0] == 403
        assert server.folder.files == []
        assert save(server, STATE, Origin=f"http://127.0.0.1:{server.server_port}")[0] == 200


def test_two_hosts_in_one_request_are_refused(serve):
    with serve() as server, socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as line:
        ours = f"Host: 127.0.0.1:{server.server_port}\r\n"
        line.sendall(f"GET /{server.token}/ HTTP/1.1\r\n{ours}Host: evil.example\r\n\r\n".encode())
        assert line.makefile("rb").readline().split()[1] == b"403"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (JSON | {"Content-Length": str(LARGEST_BODY + 1)}, 413),
        (JSON | {"Content-Length": "9" * 5000}, 413),
        (JSON | {"Content-Length": "-1"}, 411),
        (JSON | {"Content-Length": "\u0663".encode().decode("latin-1")}, 411),
        (JSON | {"Content-Length": "2", "Transfer-Encoding": "chunked"}, 411),
    ],
)
def test_a_post_of_another_kind_or_size_is_refused(headers, status, serve):
    with serve() as server:
        assert ask(server, "state", "POST", b"{}", headers)[0] == status
        assert ask(server)[0] == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b"9" * 5000, b'"revision"'])
def test_a_body_that_is_no_state_is_refused_in_words(body, serve):
    with serve() as server:
        status, _, answer = ask(server, "state", "POST", body, JSON)
        assert status == 400
        assert json.loads(answer)["error"]
        assert server.folder.files == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "X"])
def test_no_other_method_is_answered(method, serve):
    with serve() as server:
        assert ask(server, "state", method)[0] == 501


def test_every_answer_a_refusal_too_forbids_what_the_page_does_not_need(serve):
    with serve() as server:
        for path in (f"/{server.token}/", f"/{server.token}/state", "/", f"/{server.token}/samples/sample-000003.png"):
            _, headers, _ = ask(server, path=path)
            policy = headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'")
            assert "unsafe" not in policy
            assert "http" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "same-origin"
            assert headers["Cache-Control"] == "no-store"
            assert "Access-Control-Allow-Origin" not in headers
            assert "Python" not in headers["Server"]


def test_the_page_asks_no_other_machine_and_makes_no_markup_of_texts():
    texts = {path.name: path.read_text(encoding="utf-8") for path in PAGE.iterdir()}
    for name, text in texts.items():
        assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|\son\w+=|style=", text), name
    assert {file for file, _ in FILES.values()} == set(texts)


def test_a_port_in_use_is_refused_in_one_line(serve):
    with serve() as server, pytest.raises(UsageError, match="without --port a free one is taken"):
        PageServer(server.folder, server.pixels, server.server_port)
