"""Writes a catalogue of definitions that differ at random: import-stress.py SEED FOLDER IMAGES.

Every image has several versions, distros, flavors and profiles, not all of them together; each field is the same
everywhere, or follows the version, the distro, the flavor, several of these, or nothing.
"""

import os
import random
import sys

import yaml

DISTROS = [("alpine", "3.23"), ("alpine", "3.24"), ("debian", "12"), ("debian", "13")]
NAMES = {"alpine": "Alpine", "debian": "Debian"}


def main():
    seed, folder, images = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rng = random.Random(seed)
    for number in range(images):
        image(rng, folder, f"img{number}")


def varying(rng, point):
    """A key of what a value depends on at a point: a subset of the axes."""
    axes = [axis for axis in ("version", "distro", "flavor", "profile") if rng.random() < 0.3]
    return lambda: tuple(point[axis] for axis in axes)


def image(rng, folder, name):
    versions = [f"{rng.randint(1, 20)}.{rng.randint(0, 30)}.{rng.randint(0, 9)}" for _ in range(rng.randint(1, 5))]
    versions = sorted(set(versions))
    distros = rng.sample(DISTROS, rng.randint(1, 4))
    profiles = [""] + (["compat"] if rng.random() < 0.3 else []) + (["fips"] if rng.random() < 0.2 else [])
    point = {}
    # A pool of facts; each is there, or has its value, by a function of some axes.
    seen = {}

    def choose(label, values, axes):
        key = (label, tuple(point[axis] for axis in axes))
        if key not in seen:
            seen[key] = rng.choice(values)
        return seen[key]

    def axes():
        return [axis for axis in ("version", "distro", "flavor", "profile") if rng.random() < 0.35]

    packages = [(f"pkg{i}", axes()) for i in range(8)]
    excludes = [(f"gone{i}", axes()) for i in range(4)]
    variables = [(f"VAR_{i}", axes(), axes()) for i in range(5)]
    labels = [(f"org.example.l{i}", axes(), axes()) for i in range(3)]
    path_axes = [(f"/srv/p{i}", axes(), axes()) for i in range(5)]
    fields = {field: axes() for field in ("entrypoint", "cmd", "work-dir", "stop-signal", "ports", "release", "eol", "user")}
    with_base = rng.random() < 0.8
    for version in versions:
        for distro in distros:
            if len(distros) > 1 and rng.random() < 0.15:
                continue
            for profile in profiles:
                for flavor in ("runtime", "dev"):
                    if rng.random() < 0.1:
                        continue
                    point.update(version=version, distro=distro, profile=profile, flavor=flavor)
                    data = definition(rng, name, point, choose, packages, excludes, variables, labels, path_axes, fields, with_base)
                    suffix = (f"-{profile}" if profile else "") + ("-dev" if flavor == "dev" else "")
                    where = f"{folder}/{name}/{distro[0]}-{distro[1]}"
                    os.makedirs(where, exist_ok=True)
                    with open(f"{where}/{version}{suffix}.yaml", "w") as out:
                        out.write("# syntax=dhi.io/build:2-debian13\n")
                        yaml.safe_dump(data, out, sort_keys=False)


def definition(rng, name, point, choose, packages, excludes, variables, labels, path_axes, fields, with_base):
    version, (family, release), flavor, profile = (point[a] for a in ("version", "distro", "flavor", "profile"))
    ending = (f"-{profile}" if profile else "") + ("-dev" if flavor == "dev" else "")
    tags = [f"{version}-{family}{release}{ending}", f"{version}-{family}-{release.replace('.', '')}x{ending}"]
    listed = [p for p, over in packages if choose(p, [True, True, False], over)]
    listed += [f"app-{version}" if choose("app", [True, False], ["distro"]) else "app", f"pin={version}-{release.split('.')[0]}"]
    base = {"alpine": "alpine-baselayout-data", "debian": "base-files"}[family]
    listed += [base] if with_base else []
    if flavor == "dev" and choose("manager", [True, True, False], []):
        listed += ["apt" if family == "debian" else "apk-tools"]
    gone = [f"!{p}" for p, over in excludes if choose(p, [True, False], over)]
    environment = {}
    for key, there, value in variables:
        if choose(key, [True, True, False], there):
            environment[key] = choose(f"{key}=", ["one", "two", 'th"ree {{x}}', "a\nb\n", f"v{version}", "$HOME/x"], value)
    if choose("PATH", [True, False], ["flavor"]):
        environment["PATH"] = choose("PATH=", ["/opt/bin:/usr/bin", "/usr/bin"], ["distro"])
    user, uid = choose("user", [("nonroot", 65532), ("app", 1000), ("web", 65532)], fields["user"])
    paths = []
    for path, there, value in path_axes:
        if choose(path, [True, True, False], there):
            paths.append({"path": path, **choose(f"{path}=", KINDS, value)})
            if paths[-1].get("uid") == -1:
                paths[-1].update(uid=uid, gid=uid)
    data = {
        "name": f"Image {name} {version.rsplit('.', 1)[0]}.x" + (" (dev)" if flavor == "dev" else ""),
        "image": f"dhi.io/{name}",
        "variant": flavor,
        "tags": tags,
        "platforms": choose("platforms", [["linux/amd64", "linux/arm64"]] * 3 + [["linux/amd64"]], ["version"]),
        "dates": {"release": choose("release", ["2025-01-31", "2026-02-28"], fields["release"])},
        "contents": {"packages": sorted(gone) + sorted(listed)},
        "accounts": {
            "root": flavor == "dev",
            "run-as": "root" if flavor == "dev" else user,
            "users": [{"name": user, "uid": uid, "gid": uid}],
            "groups": [{"name": user, "gid": uid, "members": [user]}],
        },
        "os-release": {"name": "Made up", "id": family, "version-id": release, "pretty-name": f"Made up {family}"},
        "environment": environment,
        "paths": paths,
        "annotations": {"org.opencontainers.image.description": f"A minimal {name}"},
        "labels": {k: choose(f"{k}=", ["x", "y"], value) for k, there, value in labels if choose(k, [True, False], there)},
    }
    if profile:
        data["flavor"] = profile
    for field, values in CHOICES.items():
        value = choose(field, values, fields[field])
        if value is not None:
            data[field] = value
    if choose("eol", [True, False], fields["eol"]):
        data["dates"]["end-of-life"] = "2030-12-31"
    return {key: value for key, value in data.items() if value not in ({}, [])}


KINDS = [
    {"type": "directory", "uid": -1, "gid": -1, "mode": "0700"},
    {"type": "directory", "uid": 0, "gid": 0},
    {"type": "file", "content": "a\n  b\n\tc\n", "uid": 0, "gid": 0, "mode": "0555"},
    {"type": "file", "content": 'one line "quoted" \\ {{ }}', "uid": -1, "gid": -1},
    {"type": "symlink", "source": "/usr/bin/true", "uid": 0, "gid": 0},
    {"type": "emptyfile", "uid": 0, "gid": 0},
]

CHOICES = {
    "entrypoint": [None, ["/usr/bin/app"], ["/usr/bin/tini", "--"]],
    "cmd": [None, ["serve"], ["-c", 'echo "x" \\ $Y']],
    "work-dir": [None, "/data", "/srv/"],
    "stop-signal": [None, "SIGINT"],
    "ports": [None, ["80/tcp"], ["53/udp", "80/tcp"]],
}

main()
