"""Experiments at random: valid ones by construction, in many spellings, and some with one fault."""

import random
from typing import Any

Table = dict[str, Any]

BLOCKS = {"linear": ["vv_diag", "vv_off"], "hidden": ["ww_diag", "ww_off", "vv_diag", "vv_off"]}
STATISTICS = ["histogram", "moments", "extremes", "masses", "eigenvalues"]
COMMENTS = ["", "  # comment", "\t# ∂²L/∂w∂wᵀ — γ = d/N", '  # = [ " ', "  # 日本語 \U0001f600"]


def some(rng: random.Random, values: list[Any], most: int | None = None) -> list[Any]:
    return rng.sample(values, rng.randint(1, min(len(values), most or len(values))))


def experiment(rng: random.Random) -> Table:
    """A valid experiment that runs in a moment."""
    architectures, losses = some(rng, ["linear", "hidden"]), some(rng, ["mse", "ce"])
    hidden = "hidden" in architectures
    model = {"architecture": architectures, "loss": losses}
    if hidden and rng.random() < 0.6:
        model["v_draw"] = rng.choice(["trial", "cell"])
    grid: Table = {
        "n_features": some(rng, [1, 2, 3, 4, 5, 8, 13, 17, 40], 2),
        "n_classes": some(rng, [1, 2, 3, 4, 10, 130], 2),
    }
    if rng.random() < 0.5:
        grid["n_samples"] = some(rng, [1, 2, 3, 7, 16, 33, 60], 2)
    else:
        # Numbers of samples that differ for every d above need ratios that are far apart, or one alone.
        grid["aspect_ratio"] = rng.choice([0.5, 1, 2.0, 0.3333, 7.5, 1e-1, [0.05, 0.9], [2, 0.25]])
        if isinstance(grid["aspect_ratio"], list) and min(grid["n_features"]) < 2:
            grid["aspect_ratio"] = grid["aspect_ratio"][0]
    if hidden:
        grid["n_hidden"] = some(rng, [1, 2, 3, 5, 9], 2)
    return {
        "name": rng.choice(["x", "a.b-c_d", "A1", "0"]),
        "seed": rng.choice([0, 1, 2**32, 2**63 - 1, rng.getrandbits(63)]),
        "trials": rng.choice([1, 2, 3, 8, 9, 20, 65]),
        "model": model,
        "grid": grid,
        "measure": measure(rng, architectures, losses, grid),
    }


def measure(rng: random.Random, architectures: list[str], losses: list[str], grid: Table) -> Table:
    table: Table = {"statistics": some(rng, STATISTICS)}
    exist = {block for architecture in architectures for block in BLOCKS[architecture]}
    if min(grid["n_classes"]) < 2:
        exist.discard("vv_off")
    if "n_hidden" in grid and min(grid["n_hidden"]) < 2:
        exist.discard("ww_off")
    blocks = sorted(exist)
    if rng.random() < 0.4:
        chosen = some(rng, blocks)
        if all(set(chosen) & set(BLOCKS[architecture]) for architecture in architectures):
            table["blocks"] = blocks = chosen
    if rng.random() < 0.5:
        table["bins"] = rng.choice([1, 2, 3, 10, 200, 1000])
    if rng.random() < 0.5:
        table["precision"] = rng.choice(["float64", "float32"])
    if rng.random() < 0.5:
        methods = ["auto", "dense"]
        if losses == ["mse"] and not ("hidden" in architectures and "masses" in table["statistics"]):
            methods.append("structured")
        table["method"] = rng.choice(methods)
    if "histogram" in table["statistics"] and rng.random() < 0.5:
        table["range"] = {block: interval(rng) for block in some(rng, blocks)}
    return table


def interval(rng: random.Random) -> list[float]:
    """Ends of a histogram, also where no eigenvalue is."""
    low = rng.choice([-1, 0, 0.0, -1e-3, -2.5, 1e10, -1e50])
    return [low, rng.choice([abs(low) * 2 + 1, low + abs(low) + 0.001, 1e60])]


# Spelling -----------------------------------------------------------------------------------------


def number(rng: random.Random, value: float) -> str:
    if isinstance(value, float):
        return rng.choice([repr(value), f"{value:.17e}", f"{value!r}".upper()])
    if value < 0:
        return str(value)
    spellings = [str(value), f"+{value}", hex(value), oct(value), bin(value), f"{value:_}"]
    return spellings[0] if rng.random() < 0.7 else rng.choice(spellings)


def spelled(rng: random.Random, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {spelled(rng, item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        if len(value) == 1 and not isinstance(value[0], list) and rng.random() < 0.5:
            return spelled(rng, value[0])
        gap = rng.choice([" ", "", "\n  ", " # list\n"])
        items = f",{gap}".join(spelled(rng, item) for item in value)
        return f"[{gap}{items}{rng.choice(['', ','])}{gap}]"
    if isinstance(value, str):
        return rng.choice(
            [f'"{value}"', f"'{value}'", "".join(['"', *(f"\\u{ord(c):04x}" for c in value), '"'])]
        )
    return number(rng, value)


def text(rng: random.Random, mapping: Table) -> str:
    """Spell an experiment as TOML in one of many ways."""
    plain = {key: value for key, value in mapping.items() if not isinstance(value, dict)}
    lines = [f"{key} = {spelled(rng, value)}{rng.choice(COMMENTS)}" for key, value in shuffled(rng, plain)]
    tables = {key: value for key, value in mapping.items() if isinstance(value, dict)}
    dotted = rng.random() < 0.2
    for name, table in shuffled(rng, tables):
        if not dotted:
            lines += [rng.choice(COMMENTS), f"[{name}]{rng.choice(COMMENTS)}"]
        for key, value in shuffled(rng, table):
            quoted = rng.choice([key, f'"{key}"'])
            inline = not isinstance(value, list) or key not in ("range",)
            assert inline
            lines.append(
                f"{name + '.' if dotted else ''}{quoted} = {spelled(rng, value)}{rng.choice(COMMENTS)}"
            )
    return rng.choice(["\n", "\r\n"]).join(lines) + rng.choice(["", "\n"])


def shuffled(rng: random.Random, table: Table) -> list[tuple[str, Any]]:
    return rng.sample(list(table.items()), len(table))


# Faults -------------------------------------------------------------------------------------------


def broken(rng: random.Random, mapping: Table) -> Table:
    """The experiment with one value that cannot be."""
    where = rng.choice(["name", "seed", "trials", "model", "grid", "measure"])
    values = [
        -1,
        0.5,
        "",
        "no such word",
        True,
        [],
        {},
        2**64,
        float("nan"),
        float("inf"),
        [[1, 2]],
        -(2**70),
    ]
    mapping = {key: dict(value) if isinstance(value, dict) else value for key, value in mapping.items()}
    if isinstance(mapping[where], dict):
        key = rng.choice([*mapping[where], "unknown"])
        mapping[where][key] = rng.choice([v for v in values if not (key == "aspect_ratio" and v == 0.5)])
        if key == "range" and mapping[where][key] == {}:  # no range at all is none
            mapping[where][key] = -1
    else:
        mapping[where] = rng.choice([v for v in values if not (where == "name" and v == "no")])
    return mapping
