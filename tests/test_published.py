"""Published claims are complete and runnable as written; the laws reproduce the tables beside them."""

import csv
import re
import tomllib
from math import inf
from pathlib import Path

import pytest

from rmtsim.laws import scaled_block_ratio

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "data" / "published"
CLAIMS = tomllib.loads((PUBLISHED / "claims.toml").read_text(encoding="utf-8"))["claim"]
# ten digits are printed, so half a unit of the last is at most 5e-10 of the value
PRINTED = 5e-10


def table(name):
    """Rows of a CSV table."""
    with (PUBLISHED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["name"])
def test_claims_name_commands_and_equations_that_exist(claim):
    for command in claim["commands"]:
        assert re.match(r"rmtsim (run|compare|plot) ", command)
        for path in re.findall(r"\S+\.toml", command):
            assert (ROOT / path).is_file()
    theory = (ROOT / "rmtsim" / "theory.md").read_text(encoding="utf-8")
    for equation in claim["theory"]:
        assert f"**{equation}**" in theory
    if "values" in claim:
        assert (PUBLISHED / claim["values"]).is_file()


@pytest.mark.parametrize("row", table("ratios_linear_ce.csv"), ids=lambda row: f"C={row['n_classes']}")
def test_linear_ce_ratios(row):
    found = scaled_block_ratio("linear", "ce", "v", float(row["aspect_ratio"]), float(row["n_classes"]))
    assert found == pytest.approx(float(row["scaled_ratio"]), rel=PRINTED)


@pytest.mark.parametrize(
    "row", table("ratios_hidden_ce.csv"), ids=lambda row: f"{row['layer']}, m={row['n_hidden']}"
)
def test_hidden_ce_ratios(row):
    gamma = float(row["aspect_ratio"] or 1)
    found = scaled_block_ratio("hidden", "ce", row["layer"], gamma, inf, int(row["n_hidden"]))
    assert found == pytest.approx(float(row["scaled_ratio"]), rel=PRINTED)


def test_tables_of_the_theory_page_are_these_values():
    theory = (ROOT / "rmtsim" / "theory.md").read_text(encoding="utf-8")
    for name in ("ratios_linear_ce.csv", "ratios_hidden_ce.csv"):
        for row in table(name):
            if name == "ratios_hidden_ce.csv" and row["aspect_ratio"] == "2":
                continue  # the page stops at 1 there
            value = float(row["scaled_ratio"])
            assert (f"{value:.6f}" if value != 4 else "| 4 |") in theory
