# SPDX-License-Identifier: MIT
"""
pki: an authority of one's own, and certificates that it signs, by the openssl
command.
"""
import subprocess


def openssl(*arguments, **kwargs):
    return subprocess.run(["openssl", *map(str, arguments)], check=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **kwargs)


class Authority:
    """ca: the PEM file that clients are given."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.ca, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.ca)

    def sign(self, name, names="IP:127.0.0.1,DNS:localhost"):
        """(certificate, key), files."""
        cert, key = (self.folder / f"{name}.{k}" for k in ("crt", "key"))
        request = self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey",
                self.key, "-CAcreateserial", "-days", "30", "-extfile",
                extensions, "-out", cert)
        key.chmod(0o600)
        return cert, key
