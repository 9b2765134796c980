"""deploy/kubernetes: what the schemas cannot say; `make check` holds the files against them."""

import re
import shutil
import subprocess
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from config.celery import app
from tests.deploy import manifests
from tests.deploy.manifests import FOLDER, Manifest

BASE, EXAMPLE = FOLDER / "base", FOLDER / "overlays" / "example"
ALL: list[Manifest] = list(chain.from_iterable(manifests.read().values()))
PODS: dict[str, Any] = {
    **{
        m["metadata"]["name"]: m["spec"]["template"]
        for m in ALL
        if m["kind"] in {"Deployment", "Job"}
    },
    **{
        m["metadata"]["name"]: m["spec"]["jobTemplate"]["spec"]["template"]
        for m in ALL
        if m["kind"] == "CronJob"
    },
}


def named(kind: str, name: str) -> Manifest:
    [found] = [m for m in ALL if (m["kind"], m["metadata"]["name"]) == (kind, name)]
    return found


def containers(name: str) -> list[dict[str, Any]]:
    pod = PODS[name]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def main_container(name: str) -> dict[str, Any]:
    [container] = PODS[name]["spec"]["containers"]
    return dict(container)


def test_wrong_field_is_refused() -> None:
    text = (BASE / "beat.yaml").read_text()
    assert list(manifests.problems_of(text)) == []
    wrong = text.replace("  replicas: 1\n", "  replica: 1\n")
    assert [problem.split(":")[0] for problem in manifests.problems_of(wrong)] == [
        f"Deployment firstlight-beat, Kubernetes {version}" for version in manifests.VERSIONS
    ]
    unknown = list(manifests.problems_of("{apiVersion: v1, kind: Pot, metadata: {name: a}}"))
    assert {problem.split(" with ")[0] for problem in unknown} == {
        "Pot a: Couldn't find schema for kind Pot"
    }


def test_kustomization_names_every_file() -> None:
    for folder in (BASE, EXAMPLE):
        listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
        files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert {name for name in listed if not name.startswith("..")} == files
    assert set(Counter(map(_identity, ALL)).values()) == {1}


def _identity(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def test_processes_are_those_of_the_product() -> None:
    commands = {name: main_container(name)["command"] for name in PODS}
    assert {name: words[:4] for name, words in commands.items()} == {
        "firstlight-migrate": ["python", "manage.py", "migrate"],
        "firstlight-web": ["python", "manage.py", "serve", "--no-migrate"],
        "firstlight-worker": ["celery", "-A", "config.celery", "worker"],
        "firstlight-beat": ["celery", "-A", "config.celery", "beat"],
        "firstlight-backup": ["python", "manage.py", "backup", "--to"],
    }
    assert {words[2] for words in commands.values() if words[0] == "python"} <= set(get_commands())
    assert app.main == "firstlight"


@pytest.mark.parametrize("name", PODS)
def test_container_has_no_rights_that_it_does_not_need(name: str) -> None:
    pod = PODS[name]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 1000  # as in the Dockerfile
    for container in containers(name):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        # What is written goes to volumes.
        assert {"/data", "/tmp"} <= {m["mountPath"] for m in container["volumeMounts"]}
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        refs = [next(iter(source.values()))["name"] for source in container["envFrom"]]
        assert refs == ["firstlight", "firstlight"]


def test_secrets_are_named_only() -> None:
    assert [m for m in ALL if m["kind"] == "Secret"] == []
    read = {name for reading in settings.READINGS for name in reading.names}
    secret = {name for reading in settings.READINGS if reading.secret for name in reading.names}
    data = set(named("ConfigMap", "firstlight")["data"])
    assert (data - read, data & secret) == (set(), set())


def test_web_is_probed_where_the_product_answers() -> None:
    web = main_container("firstlight-web")
    paths = {kind: web[kind]["httpGet"]["path"] for kind in web if kind.endswith("Probe")}
    assert paths == {
        "startupProbe": "/livez",
        "livenessProbe": "/livez",
        "readinessProbe": "/readyz",
    }
    ready = web["readinessProbe"]
    # Twice at least within DRAIN_SECONDS of production, 5, so that no request comes after it.
    assert ready["periodSeconds"] * ready["failureThreshold"] * 2 <= 5
    grace = PODS["firstlight-web"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > 5 + settings.SHUTDOWN_SECONDS
    assert web["ports"] == [{"name": "http", "containerPort": 8000}]
    assert named("ConfigMap", "firstlight")["data"]["PORT"] == "8000"


@pytest.mark.parametrize("name", ["firstlight-worker", "firstlight-beat"])
def test_process_without_a_port_is_probed_by_its_file(name: str) -> None:
    container = main_container(name)
    file = named("ConfigMap", "firstlight")["data"]["HEARTBEAT_FILE"]
    assert container["startupProbe"]["exec"]["command"] == ["test", "-f", file]
    assert f"stat -c %Y {file}" in container["livenessProbe"]["exec"]["command"][-1]


def test_new_code_waits_for_the_migration() -> None:
    for name in ("firstlight-web", "firstlight-worker", "firstlight-beat"):
        [wait] = PODS[name]["spec"]["initContainers"]
        assert "until python manage.py migrate --check" in wait["command"][-1]


def test_selectors_find_their_pods() -> None:
    def is_found(selector: dict[str, str]) -> bool:
        return any(selector.items() <= pod["metadata"]["labels"].items() for pod in PODS.values())

    policies = [m for m in ALL if m["kind"] == "NetworkPolicy"]
    selectors = [m["spec"]["podSelector"]["matchLabels"] for m in policies]
    selectors += [
        m["spec"]["selector"]["matchLabels"]
        for m in ALL
        if m["kind"] in {"Deployment", "PodDisruptionBudget"}
    ]
    selectors.append(named("Service", "firstlight-web")["spec"]["selector"])
    assert [selector for selector in selectors if not is_found(selector)] == []
    assert len(selectors) == 9
    scaled = {
        m["spec"]["scaleTargetRef"]["name"]: m["spec"]
        for m in ALL
        if m["kind"] == "HorizontalPodAutoscaler"
    }
    assert set(scaled) == {"firstlight-web", "firstlight-worker"}
    # A budget of one pod that may be away needs a second one.
    assert {spec["minReplicas"] for spec in scaled.values()} == {2}
    assert not any("replicas" in named("Deployment", name)["spec"] for name in scaled)


def test_workers_follow_the_age_of_the_queue() -> None:
    [metric] = named("HorizontalPodAutoscaler", "firstlight-worker")["spec"]["metrics"]
    name = metric["external"]["metric"]["name"]
    assert name == "firstlight_queue_overdue_seconds"
    adapter = yaml.safe_load((FOLDER / "prometheus-adapter.yaml").read_text())
    [rule] = adapter["rules"]["external"]
    assert (rule["seriesQuery"], rule["name"]["as"]) == (name, name)


def test_one_beat_ends_before_the_next_starts() -> None:
    beat = named("Deployment", "firstlight-beat")["spec"]
    assert (beat["replicas"], beat["strategy"]) == (1, {"type": "Recreate"})


def test_metrics_are_not_public() -> None:
    [rule] = named("Ingress", "firstlight")["spec"]["rules"]
    services = {path["path"]: path["backend"]["service"] for path in rule["http"]["paths"]}
    assert services["/"]["name"] == "firstlight-web"
    assert "selector" not in named("Service", services["/metrics"]["name"])["spec"]


def rendered(folder: Path) -> list[Manifest]:
    kubectl = shutil.which("kubectl")
    assert kubectl, "kubectl is not installed"
    command = [kubectl, "kustomize", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert list(manifests.problems_of(made.stdout)) == []
    return list(yaml.safe_load_all(made.stdout))


@pytest.mark.thorough
def test_example_is_rendered_by_kustomize() -> None:
    made = rendered(EXAMPLE)
    assert sorted(map(_identity, made)) == sorted(map(_identity, ALL))
    inside = [m["metadata"].get("namespace") for m in made if m["kind"] != "Namespace"]
    assert set(inside) == {"firstlight"}
    images = set(re.findall(r"image: (\S+)", yaml.safe_dump_all(made)))
    assert images == {f"images.example.com/firstlight:{settings.VERSION}"}
    data = next(m["data"] for m in made if m["kind"] == "ConfigMap")
    assert (data["BACKEND_URL"], data["PORT"]) == ("https://studio.example.com", "8000")


@pytest.mark.thorough
def test_bucket_needs_no_shared_volume(tmp_path: Path) -> None:
    copy = tmp_path / "kubernetes"
    shutil.copytree(FOLDER, copy)
    file = copy / "overlays" / "bucket" / "kustomization.yaml"
    file.parent.mkdir()
    file.write_text("resources: [../../base]\ncomponents: [../../components/bucket]\n")
    made = rendered(file.parent)
    claims = [m["metadata"]["name"] for m in made if m["kind"] == "PersistentVolumeClaim"]
    assert claims == ["firstlight-backups"]
    assert "firstlight-data" not in yaml.safe_dump_all(made)
