"""A camera for tests: GStreamer's RTSP server, with digest authentication.

Reads one JSON object from its first argument: user, password, port, streams {path: pipeline}. Writes its port.
An `appsrc name=clock` in a pipeline is given pictures of 320 by 192 on which the time stands, as clock-picture.ts reads it.
"""

import json
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

WIDTH, HEIGHT, COLUMNS, ROWS, FPS = 320, 192, 8, 6, 30
EPOCH_MS = 1_700_000_000_000


def picture(now_ms):
    value = now_ms - EPOCH_MS
    gray = value ^ (value >> 1)
    check = 0
    for shift in range(0, 40, 8):
        check = (check * 31 + ((gray >> shift) & 255) + 7) & 255
    bits = format((gray << 8) | check, "048b")
    rows = []
    for row in range(ROWS):
        line = b"".join((b"\xeb" if bit == "1" else b"\x10") * (WIDTH // COLUMNS) for bit in bits[row * COLUMNS : (row + 1) * COLUMNS])
        rows.append(line * (HEIGHT // ROWS))
    return b"".join(rows) + b"\x80" * (WIDTH * HEIGHT // 2)


def film(source):
    """Pictures are stamped by the pipeline's clock as they are pushed."""
    due = time.monotonic()
    flow = Gst.FlowReturn.OK
    while flow == Gst.FlowReturn.OK:
        now_ms = time.time_ns() // 1_000_000
        flow = source.emit("push-buffer", Gst.Buffer.new_wrapped(picture(now_ms)))
        due += 1 / FPS
        time.sleep(max(0, due - time.monotonic()))


def configured(_, media):
    source = media.get_element().get_by_name("clock")
    if source is None:
        return
    for name, value in {"is-live": True, "do-timestamp": True, "format": Gst.Format.TIME}.items():
        source.set_property(name, value)
    threading.Thread(target=film, args=[source], daemon=True).start()


asked = json.loads(sys.argv[1])
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(str(asked["port"]))
token = GstRtspServer.RTSPToken()
token.set_string("media.factory.role", "user")
auth = GstRtspServer.RTSPAuth()
auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
auth.add_digest(asked["user"], asked["password"], token)
server.set_auth(auth)
for path, pipeline in asked["streams"].items():
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch("( " + pipeline + " )")
    factory.connect("media-configure", configured)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("user", "media.factory.access", True)
    permissions.add_permission_for_role("user", "media.factory.construct", True)
    factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/" + path, factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
