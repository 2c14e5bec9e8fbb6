"""Flower's health check: Flower must answer a request with its password, and it asks the workers anew what they serve.

Without this, Flower would ask at its start only, and its page of queues would never show a worker that came later.
"""

import base64
import pathlib
import urllib.request

user = pathlib.Path("/run/secrets/flower_auth").read_text().strip().partition(",")[0]
request = urllib.request.Request("http://127.0.0.1:5555/api/workers?refresh=1")
request.add_header("Authorization", f"Basic {base64.b64encode(user.encode()).decode()}")
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy of the environment is asked
direct.open(request, timeout=15).read()
