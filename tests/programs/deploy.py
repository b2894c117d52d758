"""What deploy.sh takes from the files of docs/deploy/: the command lines that systemd and Kubernetes would run."""

import re
import shlex
import socket
import sys

import resolve
import yaml


def variables(path):
    """Of an EnvironmentFile."""
    pairs = [line.split("=", 1) for line in open(path, encoding="utf-8") if re.match(r"\w+=", line)]
    return {name: value.strip().strip('"') for name, value in pairs}


def of_unit(path, instance, environment):
    """systemd.service(5): lines continued, specifiers, and a variable without braces is as many words as it has."""
    text = open(path, encoding="utf-8").read().replace("\\\n", " ")
    line = re.search(r"^ExecStart=(.*)$", text, re.M)[1].replace("%i", instance)
    values = variables(environment)
    return [word for one in shlex.split(line) for word in (values[one[1:]].split() if one[0] == "$" else [one])]


def documents(path):
    return {one["kind"]: one for one in yaml.safe_load_all(open(path, encoding="utf-8"))}


def of_pod(path, pod, what):
    """The command of the container, or of one of its probes, in a pod of that name in the default namespace."""
    container = documents(path)["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    if what != "run":
        return container[what]["exec"]["command"]
    fields = {"metadata.name": pod, "metadata.namespace": "default"}
    values = {one["name"]: fields[one["valueFrom"]["fieldRef"]["fieldPath"]] for one in container["env"]}
    words = container["command"] + container["args"]
    return [re.sub(r"\$\((\w+)\)", lambda m: values[m[1]], word) for word in words]


def consistent(path):
    """What of the manifests has to be the same in several places, or must not be left out."""
    all_ = documents(path)
    service, whole, budget, policy = (
        all_[kind]["spec"] for kind in ("Service", "StatefulSet", "PodDisruptionBudget", "NetworkPolicy"))
    pod = whole["template"]["spec"]
    labels, (container,) = whole["template"]["metadata"]["labels"], pod["containers"]
    assert service["clusterIP"] == "None" and service["publishNotReadyAddresses"] is True
    assert whole["serviceName"] == all_["Service"]["metadata"]["name"]
    for selects in (service["selector"], whole["selector"]["matchLabels"], budget["selector"]["matchLabels"],
                    policy["podSelector"]["matchLabels"], policy["ingress"][0]["from"][0]["podSelector"]["matchLabels"]):
        assert selects.items() <= labels.items()
    (port,) = container["ports"]
    assert port["containerPort"] == service["ports"][0]["port"]
    assert port["name"] == service["ports"][0]["name"] == policy["ingress"][0]["ports"][0]["port"]
    assert any(f"--dns=_{port['name']}._tcp.{whole['serviceName']}." in word for word in container["args"])
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert mounts.keys() == {one["name"] for one in pod["volumes"]}
    for path_ in re.findall(r"(/[\w/]+)/[\w.$()-]+", " ".join(container["args"])):
        assert path_ in mounts.values() or path_.startswith("/0"), path_
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] != 0
    limits = container["securityContext"]
    assert limits["readOnlyRootFilesystem"] and not limits["allowPrivilegeEscalation"]
    assert pod["terminationGracePeriodSeconds"] > 10 and pod["automountServiceAccountToken"] is False


def serve_names():
    """A name server as that of a cluster of Kubernetes, at 127.0.0.1:53, with three pods."""
    domain = "weft.default.svc.cluster.local"
    resolve.ZONE[:] = [(f"weft-{i}.{domain}", "A", f"10.1.0.{i + 1}") for i in range(3)]
    resolve.ZONE += [(f"_weft._tcp.{domain}", "SRV", f"0 33 7000 weft-{i}.{domain}") for i in range(3)]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 53))
    print("ready", flush=True)
    while True:
        message, peer = udp.recvfrom(4096)
        udp.sendto(resolve.answer(message, False), peer)


def main():
    what, *words = sys.argv[1:]
    if what == "names":
        serve_names()
    elif what == "consistent":
        consistent(*words)
    else:
        print("\n".join((of_unit if what == "unit" else of_pod)(*words)))


main()
