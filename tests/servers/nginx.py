"""docs/nginx.conf in front of portals of this machine, with a certificate of its own."""

import re
import shutil
import signal
import socket
import subprocess

import pytest

from .served import ROOT, browser, free_port, wait_for

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


def self_signed(folder, name):
    """Make a certificate for a name such as DNS:localhost, and return it and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "2"]
    command += ["-subj", f"/CN={name.partition(':')[2]}", "-addext", f"subjectAltName={name}"]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


class Nginx:
    """An nginx that runs, until the block is left, on two free ports in front of portals on `ports`."""

    def __init__(self, folder, ports):
        if shutil.which("nginx") is None:
            pytest.skip("nginx is missing: install the Debian package nginx")
        for readable in (folder.parent, folder):  # to nginx's own user
            readable.chmod(0o755)
        self._folder, self.http, self.https = folder, free_port(), free_port()
        self.certificate, self._key = self_signed(folder, f"DNS:{HOST}")
        self.url = f"https://{HOST}:{self.https}"
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        (folder / "dcs-backups.conf").write_text(self._adapted(ports))
        self._process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)])
        wait_for(self._listens)

    def _adapted(self, ports):
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
            (r"/etc/ssl/private/backups\.example\.com\.key", str(self._key)),
            # The portal is at a port of its own here.
            (r"Host \$host;", "Host $host:$server_port;"),
        ):
            text, count = re.subn(pattern, put, text)
            assert count, pattern
        return text

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.https)).close()
        except ConnectionRefusedError:
            assert self._process.poll() is None, (self._folder / "error.log").read_text()
            return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def browser(self):
        session = browser()
        session.verify = str(self.certificate)
        return session
