# SPDX-License-Identifier: MIT
"""
livebase: what is told while it happens, over any connection: each picture and
each event is waited for before the next is sent, so nothing may be kept back.
"""
from apibase import camera, hours_ago, minutes, post, row
from jpeg import picture

V1 = "/api/v1"


def ask(connect, path, token):
    c = connect()
    c.request("GET", V1 + path, headers={"Authorization": "Bearer " + token})
    return c


def passes_live(connect, tally):
    """connect: makes a http.client.HTTPConnection to whom is to be asked."""
    c = camera(tally)
    pictures(connect, tally, c)
    events(connect, tally, c)


def pictures(connect, tally, c):
    def send(n):
        status, reply = tally.json(
            "POST", f"{V1}/ingest/frames?camera={c}", tally.ingest_token,
            picture(n), {"Content-Type": "image/jpeg"})
        assert status == 200
        return reply["watched"]

    client = ask(connect, f"/cameras/{c}/live.mjpeg", tally.read_token)
    while not send(0):  # it is not asked yet
        pass
    reply = client.getresponse()
    assert reply.status == 200
    boundary = reply.readline()
    for n in range(3):
        assert n == 0 or send(n)
        length = 0
        while line := reply.readline().strip():
            if line.startswith(b"Content-Length: "):
                length = int(line.split()[1])
        assert reply.read(length) == picture(n)
        assert reply.readline() == b"\r\n" and reply.readline() == boundary
    client.close()


def events(connect, tally, c):
    client = ask(connect, f"/stream?camera={c}", tally.read_token)
    reply = client.getresponse()
    assert reply.status == 200
    while not reply.readline().startswith(b"id: "):
        pass
    for n in range(3):
        assert post(tally, row(c, hours_ago(2) + minutes(5 * n),
                               people=n))[0] == 200
        while f'"people":{n},'.encode() not in reply.readline():
            pass
    client.close()
