"""The set-ups for Docker and Kubernetes, as far as they go without a network: no image is built and no cluster asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import import_module
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.settings import PROJECT_ROOT

COMPOSE = PROJECT_ROOT / "deploy" / "compose"
VALUES = yaml.safe_load((PROJECT_ROOT / "deploy/kubernetes/values.yaml").read_text("utf-8"))
INSTANCE = yaml.safe_load((PROJECT_ROOT / "deploy/dagster.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """compose.yaml as docker-compose reads it, in a copy of the folder with the files that are the operator's."""
    program = shutil.which("docker-compose")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("in CI compose.yaml must be checked: apt install docker-compose", pytrace=False)
        pytest.skip("not installed: docker-compose (on Debian: apt install docker-compose)")
    project = tmp_path_factory.mktemp("proyek")
    folder = project / "deploy" / "compose"
    shutil.copytree(COMPOSE, folder)
    (folder / "rahasia").mkdir()
    (folder / "rahasia" / "gudang.env").write_text("GUDANG_PSEUDONYM_KEY=kunci\n")
    (folder / "rahasia" / "loket.env").write_text("GUDANG_LOKET_URL=postgresql://loket@db/gudang\n")
    done = subprocess.run(
        [program, "-f", folder / "compose.yaml", "config"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


@pytest.fixture(scope="module")
def services(composed: dict[str, Any]) -> dict[str, Any]:
    """The services of `composed`."""
    return composed["services"]


def test_only_the_proxy_is_reached_from_outside(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if service.get("ports")] == ["proxy"]
    for name, port in (("webserver", "3000"), ("readers", "3001")):
        assert services[name]["network_mode"] == "service:proxy" and "networks" not in services[name]
        assert f"-h 127.0.0.1 -p {port}" in services[name]["command"]
        assert f"server 127.0.0.1:{port};" in (PROJECT_ROOT / "deploy/nginx/gudang.conf").read_text("utf-8")
    assert services["readers"]["command"].endswith("--read-only")
    assert services["db"]["networks"] == {"inside": None, "loket-db": None}


def test_the_upload_page_knows_no_secret_and_has_networks_with_proxy_and_database_only(
    composed: dict[str, Any],
) -> None:
    services, networks = composed["services"], composed["networks"]
    loket = services["loket"]
    assert "GUDANG_LOKET_URL" in loket["environment"] and "GUDANG_PSEUDONYM_KEY" not in loket["environment"]
    members = {
        name: {service for service, one in services.items() if name in (one.get("networks") or {})}
        for name in networks
    }
    assert {name for name, inside in members.items() if "loket" in inside} == {"loket", "loket-db"}
    assert members["loket"] == {"loket", "proxy"} and members["loket-db"] == {"loket", "db"}
    assert networks["loket"]["internal"] is True and networks["loket-db"]["internal"] is True
    # Nothing of Dagster listens on an address that the page reaches: the webservers have the proxy's loopback only.
    assert "network_mode" not in loket
    sharing = {name for name, one in services.items() if one.get("network_mode") == "service:proxy"}
    assert sharing == {"webserver", "readers"}
    assert all("-h 127.0.0.1 " in services[name]["command"] for name in sharing)


def test_the_proxy_finds_the_upload_page_at_its_fixed_address(composed: dict[str, Any]) -> None:
    services = composed["services"]
    place = services["loket"]["networks"]["loket"]["ipv4_address"]
    assert services["proxy"]["networks"]["loket"]["ipv4_address"] != place
    (config,) = composed["networks"]["loket"]["ipam"]["config"]
    network = ip_network(config["subnet"])
    assert all(
        ip_address(services[name]["networks"]["loket"]["ipv4_address"]) in network
        for name in ("loket", "proxy")
    )
    assert "--host 0.0.0.0 --i-know" in services["loket"]["command"]
    # What the operator is told to change in nginx's file is there to be changed.
    document = (PROJECT_ROOT / "docs/install-on-a-server.md").read_text("utf-8")
    assert f"s/127.0.0.1:3002/{place}:3002/" in document
    assert "server 127.0.0.1:3002;" in (PROJECT_ROOT / "deploy/nginx/gudang-loket.conf").read_text("utf-8")


def test_what_is_started_is_what_systemd_starts(services: dict[str, Any]) -> None:
    units = PROJECT_ROOT / "deploy/systemd/root/etc/systemd/system"
    ports = {
        "@PORT@": "3000",
        "@READERS_PORT@": "3001",
        "@LOKET_PORT@": "3002",
        "@PROJECT@/": "",
        "@BIN@/": "",
    }
    for name in ("code", "webserver", "readers", "daemon", "loket"):
        lines = (units / f"gudang-{name}.service").read_text("utf-8").splitlines()
        (command,) = (line.removeprefix("ExecStart=") for line in lines if line.startswith("ExecStart="))
        for placeholder, value in ports.items():
            command = command.replace(placeholder, value)
        assert command in services[name]["command"], name
        assert ("GUDANG_PSEUDONYM_KEY" in services[name]["environment"]) == (name != "loket")
        assert services[name]["cap_drop"] == ["ALL"] and services[name]["mem_limit"]


def test_the_dockerfile_copies_only_what_is_there() -> None:
    lines = (COMPOSE / "Dockerfile").read_text("utf-8").splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert copied and all((PROJECT_ROOT / path).exists() for path in copied)
    ignored = (COMPOSE / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert {".env", ".git", ".gudang", ".venv", "deploy/compose/rahasia"} <= set(ignored)


def test_the_values_of_the_chart_say_what_dagster_yaml_says() -> None:
    daemon = VALUES["dagsterDaemon"]
    coordinator = daemon["runCoordinator"]["config"]["customRunCoordinator"]
    assert {key: coordinator[key] for key in ("module", "class", "config")} == INSTANCE["run_coordinator"]
    assert hasattr(import_module(coordinator["module"]), coordinator["class"])

    def snake(values: dict[str, Any]) -> dict[str, Any]:
        return {
            "".join(f"_{c.lower()}" if c.isupper() else c for c in key): value
            for key, value in values.items()
        }

    monitoring = {
        key if key == "enabled" else key.replace("_seconds", "") + "_seconds": value
        for key, value in snake(daemon["runMonitoring"]).items()
    }
    assert monitoring == INSTANCE["run_monitoring"]
    assert snake(daemon["runRetries"]) == INSTANCE["run_retries"]
    assert snake(VALUES["concurrency"]["runs"]) == INSTANCE["concurrency"]["runs"]
    assert snake(VALUES["concurrency"]["pools"]) == INSTANCE["concurrency"]["pools"]
    for name in ("schedules", "sensors"):
        assert snake(daemon[name]) == INSTANCE[name]


def test_the_upload_page_in_a_cluster_is_that_of_the_other_set_ups() -> None:
    documents = yaml.safe_load_all((PROJECT_ROOT / "deploy/kubernetes/loket.yaml").read_text("utf-8"))
    kinds = {document["kind"]: document["spec"] for document in documents}
    (container,) = kinds["Deployment"]["template"]["spec"]["containers"]
    image = VALUES["dagsterWebserver"]["image"]
    assert container["image"] == f"{image['repository']}:{image['tag']}"
    assert container["args"][:2] == ["gudang", "loket"]
    assert [one["secretRef"]["name"] for one in container["envFrom"]] == ["gudang-loket"]
    assert kinds["NetworkPolicy"]["podSelector"] == kinds["Deployment"]["selector"]


def test_the_two_roles_and_the_code_location_are_those_of_the_other_set_ups() -> None:
    assert VALUES["dagsterWebserver"]["enableReadOnly"] is True
    (deployment,) = VALUES["dagster-user-deployments"]["deployments"]
    assert deployment["dagsterApiGrpcArgs"][-1] == deployment["name"]
    for name in ("workspace.yaml", "deploy/workspace.yaml"):
        (location,) = yaml.safe_load(Path(PROJECT_ROOT, name).read_text("utf-8"))["load_from"]
        assert next(iter(location.values()))["location_name"] == deployment["name"]


def test_on_kubernetes_runs_and_upload_page_have_one_zone() -> None:
    """The image says where the zone is; each pod must see the same folder of the same volume there."""
    dockerfile = (COMPOSE / "Dockerfile").read_text("utf-8")
    zone = dockerfile.partition("GUDANG_UPLOAD_ZONE=")[2].split()[0]
    loket, *_ = yaml.safe_load_all((PROJECT_ROOT / "deploy/kubernetes/loket.yaml").read_text("utf-8"))
    pods = (
        VALUES["dagster-user-deployments"]["deployments"][0],
        VALUES["runLauncher"]["config"]["k8sRunLauncher"],
        loket["spec"]["template"]["spec"]["containers"][0],
    )
    mounted = [{m["mountPath"]: (m["name"], m.get("subPath")) for m in pod["volumeMounts"]} for pod in pods]
    assert [mounts[zone] for mounts in mounted] == [("home", "unggahan")] * 3
