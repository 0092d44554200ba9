"""Servers of tests that are not nodes: one on a free port of 127.0.0.1, and whether who sends to it is still there."""
import http.server
import threading


def serve(handler):
    """(the server, its URL)"""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


def still_there(connection, octets):
    """Reads on, so many octets at the most: the end of the stream tells that the sender has gone."""
    connection.settimeout(0.05)
    try:
        return bool(connection.recv(octets))
    except TimeoutError:
        return True
    except OSError:
        return False
