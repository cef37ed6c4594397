"""Columns of text: what stands where."""

from rmtsim.table import Column, pairs, table


def test_columns_are_as_wide_as_what_they_hold() -> None:
    columns = Column("cell", "d"), Column("block"), Column("error", ".1e"), Column("finished", ">")
    rows = [(0, "vv_diag", 0.25, "7/10"), (12, "ww", None, "10/10"), (3, "vv_off", "0", "")]
    assert table(columns, rows, indent=1) == [
        " cell  block      error  finished",
        "    0  vv_diag  2.5e-01      7/10",
        "   12  ww             -     10/10",
        "    3  vv_off         0",
    ]


def test_a_table_without_rows_is_its_titles() -> None:
    assert table((Column("a", width=3), Column("b", ".2f", 4)), ()) == ["a       b"]


def test_values_of_pairs_stand_below_one_another() -> None:
    assert pairs([("d", 3), ("n_classes", "ten"), ("m", None)], indent=2) == [
        "  d          3",
        "  n_classes  ten",
        "  m          -",
    ]
