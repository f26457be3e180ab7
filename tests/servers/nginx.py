"""nginx with docs/nginx.conf: that very file, with names, addresses and paths of this machine."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

from .served import ROOT, free_port

HOST = "localhost"

MAIN = """
daemon off; pid {folder}/pid; error_log {folder}/error.log warn; worker_processes 2;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/dcs-backups.conf;
}}
"""


class Nginx:
    def __init__(self, folder: Path, ports: list[int]) -> None:
        self.folder = folder
        self.http, self.https = free_port(), free_port()
        self.certificate = folder / "certificate.pem"
        self._make_certificate()
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        (folder / "dcs-backups.conf").write_text(self._adapted(ports))
        self._process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)])
        ends = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.https)).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < ends, (folder / "error.log").read_text()
                time.sleep(0.05)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.https}"

    def _make_certificate(self) -> None:
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ]
        command += ["-keyout", str(self.folder / "key"), "-out", str(self.certificate), "-days", "2"]
        command += ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        subprocess.run(command, check=True, capture_output=True)

    def _adapted(self, ports: list[int]) -> str:
        """Return the file of docs/ with the names, addresses and paths of this machine, and nothing else."""
        servers = "\n".join(f"server 127.0.0.1:{port} max_fails=2 fail_timeout=10s;" for port in ports)
        text = (ROOT / "docs" / "nginx.conf").read_text()
        for pattern, put in (
            (r"server 127\.0\.0\.1:8000 [^;]*;", servers),
            (r"listen 80;", f"listen 127.0.0.1:{self.http};"),
            (r"listen 443 ", f"listen 127.0.0.1:{self.https} "),
            (r"https://backups\.example\.com\$", f"https://{HOST}:{self.https}$"),
            (r"server_name backups\.example\.com", f"server_name {HOST}"),
            (r"/etc/ssl/certs/backups\.example\.com\.pem", str(self.certificate)),
            (r"/etc/ssl/private/backups\.example\.com\.key", str(self.folder / "key")),
            # The portal is at a port of its own here.
            (r"Host \$host;", "Host $host:$server_port;"),
        ):
            text, count = re.subn(pattern, put, text)
            assert count, pattern
        return text

    def browser(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.certificate)
        return session

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
