"""Architectures of networks: their layers, blocks and parts."""

from .named import Named


class Block(Named):
    """A kind of blocks within a layer, represented by one of them: all of a kind have one distribution.

    Attributes
    ----------
    layer : {"w", "v"}
        Hidden weights W or output weights V.
    pair : (int, int)
        Indices in the layer of the representative block: rows of the parameter matrix.
    """

    layer: str
    pair: tuple[int, int]

    def __new__(cls, name: str, layer: str, pair: tuple[int, int]) -> "Block":
        block = cls.make(name)
        block.layer, block.pair = layer, pair
        return block

    @property
    def diagonal(self) -> bool:
        """Whether it lies on the diagonal of the Hessian."""
        return self.pair[0] == self.pair[1]

    @property
    def row(self) -> tuple[str, int]:
        """Row of the representative block, as models take it."""
        return self.layer, self.pair[0]

    @property
    def column(self) -> tuple[str, int]:
        """Column of the representative block."""
        return self.layer, self.pair[1]

    @property
    def label(self) -> str:
        """How figures call the representative block."""
        return f"H[{self.layer}_{self.pair[0]}, {self.layer}_{self.pair[1]}]"


WW_DIAG = Block("ww_diag", "w", (0, 0))
WW_OFF = Block("ww_off", "w", (0, 1))
VV_DIAG = Block("vv_diag", "v", (0, 0))
VV_OFF = Block("vv_off", "v", (0, 1))
BLOCKS: dict[str, Block] = Block.known


class Architecture(Named):
    """A family of networks.

    Attributes
    ----------
    blocks : tuple of Block
        Kinds of blocks within its layers.
    parts : tuple of str
        Parts of the Hessian whose total masses are recorded, theory.md (2.5)-(2.7): the kinds of blocks, and
        "wv", all blocks between two layers.
    """

    blocks: tuple[Block, ...]
    parts: tuple[str, ...]

    def __new__(cls, name: str, blocks: tuple[Block, ...], parts: tuple[str, ...]) -> "Architecture":
        architecture = cls.make(name)
        architecture.blocks, architecture.parts = blocks, parts
        return architecture

    @property
    def is_hidden(self) -> bool:
        """Whether there is a hidden layer, with parameters W, below the output layer."""
        return "wv" in self.parts


LINEAR = Architecture("linear", (VV_DIAG, VV_OFF), (VV_DIAG, VV_OFF))
"""f(x) = V x."""
HIDDEN = Architecture("hidden", tuple(BLOCKS.values()), (*BLOCKS.values(), "wv"))
"""f(x) = V phi(W x), with one hidden layer."""
ARCHITECTURES: dict[str, Architecture] = Architecture.known
