import importlib.util
import io
import os
import re
import shutil
import ssl
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import imagesize
import pytest

from devstack.template import load
from tests.support.template import ROOT

pytestmark = pytest.mark.slow

MAX_LAYER = 10_000_000  # bytes zipped, with its bytecode: the target
MAX_GOOGLE_LAYER = 11_500_000  # 9.2 of it is cryptography's library, once for each processor
UNCHECKED = 1  # a hash in the header, and nothing compares it
PROCESSORS = {"x86_64", "aarch64"}
SERVICES = ROOT / "layers/videoapi/videoapi/bootstrap.py"
SOURCES = {
    "DependenciesLayer": "layers/dependencies",
    "GoogleLayer": "layers/google",
    "ThumbnailsLayer": "layers/thumbnails",
    "VideoApiLayer": "layers/videoapi",
    "SubmitFunction": "functions/submit",
}


def copied(part, folder):
    """Return a copy of a part's folder, with what an earlier run of its code left there."""
    copy = shutil.copytree(ROOT / SOURCES[part], folder / "source")
    for source in [*copy.rglob("*.py")]:
        stale = Path(importlib.util.cache_from_source(source))
        stale.parent.mkdir(exist_ok=True)
        stale.write_bytes(b"stale")
    return copy


def build(part, copy, artifacts):
    """Make a part as `sam build` does: in a copy of its folder, into an artifacts folder."""
    artifacts.mkdir()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        ["make", "--silent", "--makefile", ROOT / "layers/Makefile", f"build-{part}"],  # noqa: S607
        cwd=copy,
        env=os.environ | {"ARTIFACTS_DIR": str(artifacts), "PATH": path},
        check=True,
    )
    return artifacts


@pytest.fixture(scope="module", params=SOURCES)
def built(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    return build(request.param, copied(request.param, folder), folder / "artifacts")


def content(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_every_release_is_a_package_of_its_own(tmp_path, monkeypatch):
    """Every release is a package of its own so that parameters reach the aliases."""
    packages = []
    for release in ("1", "2"):
        monkeypatch.setenv("RELEASE", release)
        source = copied("SubmitFunction", tmp_path / release)
        packages.append(content(build("SubmitFunction", source, tmp_path / release / "artifacts")))
    assert packages[0].pop(Path("release")) != packages[1].pop(Path("release"))
    assert packages[0] == packages[1]
    makefile = (ROOT / "Makefile").read_text()
    assert "RELEASE=$$(date" in makefile[makefile.index("\nbuild:") :]


def test_every_module_has_unchecked_fresh_bytecode(built):
    """Every module has bytecode that nobody checks and none is stale."""
    sources = list(built.rglob("*.py"))
    compiled = {Path(importlib.util.cache_from_source(path)) for path in sources}
    assert sources
    assert compiled == set(built.rglob("*.pyc"))
    for path in compiled:
        header = path.read_bytes()[:8]
        assert header[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(header[4:], "little") == UNCHECKED


def test_a_part_is_small_enough(built):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content(built).items():
            archive.writestr(str(name), data)
    google = (built / "python/google").exists()
    assert len(buffer.getvalue()) < (MAX_GOOGLE_LAYER if google else MAX_LAYER)


@pytest.mark.parametrize("part", ["VideoApiLayer", "SubmitFunction"])
def test_the_same_sources_build_the_same_bytes(part, tmp_path):
    copy = copied(part, tmp_path)
    once, again = (build(part, copy, tmp_path / name) for name in ("once", "again"))
    assert content(once) == content(again)


@pytest.mark.parametrize(
    "built", ["DependenciesLayer", "GoogleLayer", "ThumbnailsLayer"], indirect=True
)
def test_a_layer_has_each_compiled_module_for_both_processors(built):
    compiled = {path.relative_to(built).as_posix() for path in built.rglob("*.cpython-313-*.so")}
    assert compiled
    for name in compiled:
        module, _, _ = name.partition(".cpython-313-")
        names = {f"{module}.cpython-313-{processor}-linux-gnu.so" for processor in PROCESSORS}
        assert names <= compiled


@pytest.mark.parametrize(
    "built", ["DependenciesLayer", "GoogleLayer", "ThumbnailsLayer"], indirect=True
)
def test_installers_leave_names_and_versions_alone(built):
    kept = {path.name for path in built.rglob("*.dist-info/**/*") if path.is_file()}
    assert kept == {"METADATA"}
    assert not {"bin", ".lock"} & {path.name for path in (built / "python").iterdir()}


@pytest.mark.parametrize("built", ["DependenciesLayer"], indirect=True)
def test_slim_sdk_makes_every_client(built):
    """The cut down SDK still makes every client that the functions ask for."""
    asked = set(re.findall(r'_client\("(\w+)"', SERVICES.read_text()))
    program = f"""
import boto3
for name in {sorted(asked)!r}:
    client = boto3.client(name, region_name="eu-central-1")
    print(name, client.meta.endpoint_url, client.meta.service_model.documentation)
"""
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(built / "python")},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines == [[name, f"https://{name}.eu-central-1.amazonaws.com"] for name in sorted(asked)]


@pytest.mark.parametrize("built", ["DependenciesLayer"], indirect=True)
def test_functions_trust_the_roots_of_aws(built):
    variables = load(ROOT / "template.yaml")["Globals"]["Function"]["Environment"]["Variables"]
    trusted = built / Path(variables["AWS_CA_BUNDLE"]).relative_to("/opt")
    roots = ssl.create_default_context(cafile=trusted).get_ca_certs()
    names = {dict(part[0] for part in root["subject"])["commonName"] for root in roots}
    assert names >= {f"Amazon Root CA {number}" for number in (1, 2, 3, 4)}
    assert all(name.startswith(("Amazon", "Starfield Services")) for name in names)


@pytest.mark.parametrize("built", ["ThumbnailsLayer"], indirect=True)
def test_pruned_pillow_makes_thumbnails_of_all_formats(built):
    program = """
import io
from PIL import Image
from videoapi.media.thumbnails import thumbnail
for name in ("JPEG", "PNG", "WEBP"):
    file = io.BytesIO()
    Image.new("RGB", (800, 600)).save(file, name)
    print(name, len(thumbnail(file.getvalue())) > 0)
"""
    others = Path(imagesize.__file__).parent  # last: Pillow is the layer's
    path = os.pathsep.join([str(built / "python"), str(ROOT / "layers/videoapi"), str(others)])
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["JPEG", "True", "PNG", "True", "WEBP", "True"]


@pytest.mark.parametrize("built", ["GoogleLayer"], indirect=True)
def test_pruned_google_auth_signs_and_proves_the_role(built):
    program = """
from types import SimpleNamespace
from videoapi.providers.google import access_tokens
role = SimpleNamespace(access_key="AKID", secret_key="secret", token="session")
identity = access_tokens.workload_identity(
    "projects/1/p", credentials=lambda: role, region="eu-west-1", account="a@b",
    sts_url="https://sts.example", iam_url="https://iam.example")
print("AWS4-HMAC-SHA256" in identity.retrieve_subject_token(None))
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives import serialization as s
pem = rsa.generate_private_key(65537, 2048).private_bytes(
    s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode()
import json
account = access_tokens.service_account_key(
    json.dumps({"client_email": "a@b", "private_key": pem, "token_uri": "https://sts.example"}))
print(len(account._make_authorization_grant_assertion()) > 300)
"""
    others = Path(httpx.__file__).parents[1]  # last: google-auth is the layer's
    path = os.pathsep.join([str(built / "python"), str(ROOT / "layers/videoapi"), str(others)])
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "True"]
